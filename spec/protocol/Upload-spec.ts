import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { concat, EMPTY, from, NEVER, Observable, of, Subject, throwError } from 'rxjs';
import { BodyLengthMismatchError, BodyNotReplayableError } from '../../src/errors/index.js';
import type { ProtocolResponse, RequestBody } from '../../src/protocol/index.js';
import { loopTurn } from '../../src/timing/index.js';
import { turns } from '../loopback/index.js';
import { answer, microtasks, openConnection, ticks, type Recorded, type Stage } from '../support/index.js';

describe('An upload that the server refuses at once', () => {
  it.each([300, 413])('is not begun if the answer came from inside the write of the head: %d', status => {
    const refusal = `HTTP/1.1 ${status} No\r\nContent-Length: 5\r\n\r\n`;
    let subscribed = false;
    const body = new Observable<string>(() => {
      subscribed = true;
    });
    const { request, transport } = openConnection({ onWrite: (_bytes, peer) => peer.respond(refusal) });
    expect(request({ method: 'POST', body }).values[0].status).toBe(status);
    expect(subscribed).toBe(false);
    expect(transport.writes.length).toBe(1);
  });

  it('is not begun either if that answer was a success, and whole', () => {
    let subscribed = false;
    const body = new Observable<string>(() => {
      subscribed = true;
    });
    const { request, state } = openConnection({ onWrite: (_bytes, peer) => peer.respond(answer('done')) });
    expect(request({ method: 'POST', body }).values[0].status).toBe(200);
    expect(subscribed).toBe(false);
    expect(state).toBe('quiescent');
  });

  it('goes on if a success came from inside the write of the head, and is not over', () => {
    const body = new Subject<string>();
    const early = answer('hello').slice(0, -1);
    let answered = false;
    const { request, transport } = openConnection({
      onWrite: (_bytes, peer) => {
        if (!answered) peer.respond(early);
        answered = true;
      },
    });
    expect(request({ method: 'POST', body }).values[0].status).toBe(200);
    body.next('part');
    body.complete();
    expect(transport.requests[0]).toMatchObject({ body: 'part', complete: true });
  });

  it('of no bytes has its head sent once, also if its source says late that it is over', async () => {
    const body = new Subject<string>();
    const { request, transport } = openConnection();
    request({ method: 'POST', body, headers: { 'Content-Length': '0' } });
    expect(transport.written).toBe('');
    await turns();
    const { written } = transport;
    expect(transport.requests[0]).toMatchObject({ method: 'POST', body: '', complete: true });
    body.complete();
    await turns();
    expect(transport.written).toBe(written);
  });

  it.each([
    [299, true],
    [300, false],
    [304, false],
    [500, false],
  ])('goes on at its head only if that is a success: %d', (status, goesOn) => {
    const body = new Subject<string>();
    const { request, transport } = openConnection();
    const seen = request({ method: 'POST', body });
    transport.respond(answer('hello', { status: `${status} X` }).slice(0, -1));
    expect(seen.values[0].status).toBe(status);
    expect(body.observed).toBe(goesOn);
  });
});

const accepted = 'HTTP/1.1 204 No Content\r\n\r\n';

type Body = Exclude<RequestBody, () => unknown>;

describe('A request body', () => {
  const big = 'abcdefghij'.repeat(200_000);
  const bytes = (content: string): Uint8Array => Buffer.from(content, 'latin1');
  const padded = Buffer.from('xxhelloxx', 'latin1');
  async function* generate(parts: readonly (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
    for (const part of parts) yield part;
  }

  /** Every kind of body, and what the server is to read. `length`: it is announced, by us or by the header. */
  const bodies: Record<string, { make: () => Body; content: string; length?: boolean }> = {
    'a string': { make: () => 'hello', content: 'hello', length: true },
    'a string beyond ASCII': { make: () => 'grüße', content: Buffer.from('grüße').toString('latin1'), length: true },
    'an empty string': { make: () => '', content: '', length: true },
    'a large string': { make: () => big, content: big, length: true },
    bytes: { make: () => bytes('hello'), content: 'hello', length: true },
    'no bytes': { make: () => new Uint8Array(0), content: '', length: true },
    'many bytes': { make: () => bytes(big), content: big, length: true },
    'a window on bytes': { make: () => padded.subarray(2, 7), content: 'hello', length: true },
    'a Readable': { make: () => Readable.from([Buffer.from('he'), Buffer.from('llo')]), content: 'hello' },
    'an empty Readable': { make: () => Readable.from([]), content: '' },
    'a large Readable': { make: () => Readable.from([bytes(big), bytes(big)]), content: big + big },
    'an async iterable': { make: () => generate(['he', bytes('llo')]), content: 'hello' },
    'a synchronous Observable': { make: () => from(['he', bytes('llo')]), content: 'hello' },
    'an empty Observable': { make: () => new Observable<string>(subscriber => subscriber.complete()), content: '' },
    'an asynchronous Observable': { make: () => from(Promise.resolve('hello')), content: 'hello' },
    'zero-length chunks': { make: () => from(['', 'he', new Uint8Array(0), 'llo', '']), content: 'hello' },
  };

  const variants = Object.entries(bodies).flatMap(([name, { make, content, length = false }]) => [
    { name, body: make as () => RequestBody, content, declared: false, length },
    { name: `a function that makes ${name}`, body: () => make, content, declared: false, length },
    ...(length ? [] : [{ name: `${name}, of declared length`, body: make, content, declared: true, length: true }]),
  ]);

  it.each(variants)('$name', async ({ body, content, declared, length }) => {
    for (const highWaterMark of [Infinity, 10]) {
      const stage = openConnection({ highWaterMark });
      let sent = 0;
      const headers = declared ? { 'Content-Length': String(content.length) } : {};
      const observer = { sent: () => sent++ };
      const response = stage.request({ method: 'POST', body: body(), headers, observer });
      for (let i = 0; i < 100 && stage.state === 'transmitting'; i++) {
        await ticks(1);
        stage.transport.drain();
      }
      const [request, ...more] = stage.transport.requests;
      expect(more).toEqual([]);
      expect(request.complete).toBe(true);
      // Not toBe: it would print megabytes.
      expect(request.body === content).toBe(true);
      expect(request.headers.filter(([name]) => /content-length|transfer-encoding/.test(name))).toEqual([
        length ? ['content-length', String(content.length)] : ['transfer-encoding', 'chunked'],
      ]);
      expect(sent).toBe(1);
      stage.transport.respond(accepted);
      expect(response.outcome).toBe('value');
      expect(stage.state).toBe('quiescent');
    }
  });

  it('of none says so where a server would wait for it', () => {
    for (const [method, length] of [
      ['POST', '0'],
      ['PUT', '0'],
      ['GET', undefined],
      ['DELETE', undefined],
    ]) {
      const { request, transport } = openConnection();
      request({ method });
      expect(transport.requests[0].headers.find(([name]) => name === 'content-length')?.[1]).toBe(length);
    }
  });

  it('goes out in one write with its head, if it is small', () => {
    const { request, transport } = openConnection();
    request({ method: 'POST', body: 'hello', headers: { X: 'caf\xe9' } });
    expect(transport.writes.length).toBe(1);
    // A head is latin1, whatever the body is.
    expect(transport.written).toContain('\r\nX: caf\xe9\r\n');
  });
});

describe('Backpressure', () => {
  it('holds a large body back while the socket takes nothing', () => {
    const { request, transport } = openConnection({ highWaterMark: 1_000 });
    request({ method: 'POST', body: new Uint8Array(8 * 1024 * 1024) });
    expect(transport.buffered).toBeLessThan(1024 * 1024);
    const first = transport.buffered;
    transport.drain();
    expect(transport.buffered).toBeGreaterThan(0);
    expect(transport.buffered).toBeLessThanOrEqual(first + 1_000);
  });

  it('asks an iterable for no more while the socket takes nothing', async () => {
    const { request, transport } = openConnection({ highWaterMark: 200 });
    let asked = 0;
    const body: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({ next: async () => ({ done: ++asked > 5, value: 'x'.repeat(300) }) }),
    };
    request({ method: 'POST', body });
    await microtasks();
    expect(asked).toBe(1);
    transport.drain();
    await microtasks();
    expect(asked).toBe(2);
  });

  it('holds what an Observable emits while the socket takes nothing, also its last bytes', async () => {
    const { request, transport } = openConnection({ highWaterMark: 200 });
    const body = new Subject<string>();
    request({ method: 'PUT', headers: { 'Content-Length': '302' }, body });
    body.next('x'.repeat(300));
    const { length } = transport.writes;
    body.next('y');
    body.next('z');
    await polled();
    expect(transport.writes.length).toBe(length);
    transport.drain();
    await polled();
    expect(transport.requests[0]).toMatchObject({ body: `${'x'.repeat(300)}yz`, complete: true });
  });

  it('tells the progress, up to the whole', () => {
    const { request, transport } = openConnection({ highWaterMark: 1_000 });
    const progress: unknown[] = [];
    const total = 1024 * 1024 + 5;
    request({
      method: 'POST',
      body: new Uint8Array(total),
      observer: { uploadProgress: (...told) => progress.push(told) },
    });
    for (let i = 0; i < 10; i++) transport.drain();
    expect(progress).toEqual([
      [512 * 1024, total],
      [1024 * 1024, total],
      [total, total],
    ]);
  });

  it('tells the progress of a small body, and of one of unknown length', () => {
    const { request, transport } = openConnection();
    const progress: unknown[] = [];
    const observer = { uploadProgress: (...told: unknown[]) => progress.push(told) };
    request({ method: 'POST', body: 'hello', observer });
    transport.respond(accepted);
    request({ method: 'POST', body: from(['a', 'bc']), observer });
    expect(progress).toEqual([
      [5, 5],
      [1, undefined],
      [3, undefined],
    ]);
  });

  // A peer that stops reading while an Observable holds is not noticed, as only the end of the source waits for the socket.
  it('has a deadline for an Observable that emitted more than the socket takes, and holds', () => {
    const { request, clock } = openConnection({ highWaterMark: 10 });
    const body = new Subject<string>();
    const response = request({ method: 'POST', body, timeouts: { bodyIdle: 100 } });
    body.next('x'.repeat(100));
    clock.advance(1_000);
    expect(response.outcome).toBe('UploadTimeoutError');
  });
});

describe('A body of another length than declared', () => {
  const declared = { method: 'POST', headers: { 'Content-Length': '5' } };
  const wrong: Record<string, { parts: readonly string[]; actual: number }> = {
    'too few bytes': { parts: ['hel'], actual: 3 },
    'no bytes': { parts: [], actual: 0 },
    'too many at once': { parts: ['hello!'], actual: 6 },
    'too many in the second chunk': { parts: ['hel', 'lo!'], actual: 6 },
  };

  it.each(Object.entries(wrong))(
    '%s: an error, and the server never saw a whole request',
    async (_name, { parts, actual }) => {
      for (const body of [from(parts), Readable.from(parts)]) {
        const stage = openConnection();
        const response = stage.request({ ...declared, body });
        await ticks();
        expect(response.error).toBeInstanceOf(BodyLengthMismatchError);
        expect(response.error).toMatchObject({ expected: 5, actual });
        expect(stage.transport.destroyed).toBe(true);
        expect(stage.transport.requests[0].complete).toBe(false);
      }
    },
  );

  it('too many, after exactly enough: the server never saw the request complete', () => {
    const stage = openConnection();
    const response = stage.request({ ...declared, body: from(['hello', '!']) });
    expect(response.error).toBeInstanceOf(BodyLengthMismatchError);
    expect(stage.transport.destroyed).toBe(true);
    expect(stage.transport.requests).toMatchObject([{ complete: false }]);
  });

  // The head is the whole request then: it is held back as the last bytes of other bodies are.
  it.each(['an Observable', 'a Readable'])('of declared length 0 with bytes in it is not written: %s', async kind => {
    const stage = openConnection();
    const body = kind === 'an Observable' ? from(['a']) : Readable.from(['a']);
    const response = stage.request({ method: 'POST', headers: { 'Content-Length': '0' }, body });
    await ticks();
    expect(response.error).toMatchObject({ expected: 0, actual: 1 });
    expect(stage.transport.written).toBe('');
  });

  it('of which the bytes are known is refused before anything is written', () => {
    const stage = openConnection();
    expect(stage.request({ ...declared, body: 'hello!' }).outcome).toBe('InvalidRequestError');
    expect(stage.transport.written).toBe('');
    expect(stage.state).toBe('quiescent');
  });
});

describe('The source of a body that is cut short', () => {
  const cuts: Record<string, (stage: Stage, response: Recorded<ProtocolResponse>) => void> = {
    'unsubscribed from': (_stage, response) => response.subscription.unsubscribe(),
    closed: ({ connection }) => connection.close(),
    lost: ({ transport }) => transport.reset(),
    finished: ({ transport }) => transport.fin(),
    'answered in full': ({ transport }) => transport.respond(answer('hello')),
    refused: ({ transport }) => transport.respond('HTTP/1.1 413 No\r\nContent-Length: 5\r\n\r\n'),
    'answered with junk': ({ transport }) => transport.respond('junk\r\n'),
  };

  it.each(Object.entries(cuts))('is torn down: %s', async (_name, cut) => {
    const subject = new Subject<string>();
    const observed = openConnection();
    cut(observed, observed.request({ method: 'POST', body: subject }));
    expect(subject.observed).toBe(false);

    let returned = 0;
    const iterable: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: async () => ({ done: true, value: ++returned }),
      }),
    };
    const iterated = openConnection();
    cut(iterated, iterated.request({ method: 'POST', body: iterable }));
    expect(returned).toBe(1);

    const readable = new Readable({ read: () => undefined });
    const read = openConnection();
    cut(read, read.request({ method: 'POST', body: readable }));
    await ticks();
    expect(readable.destroyed).toBe(true);
  });

  it('is torn down also if that fails', async () => {
    const broken: AsyncIterable<string>[] = [
      {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => undefined),
          return: () => Promise.reject(new Error()),
        }),
      },
      {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => undefined),
          return: () => {
            throw new Error('no');
          },
        }),
      },
      { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) },
    ];
    for (const body of broken) {
      const stage = openConnection();
      const response = stage.request({ method: 'POST', body });
      stage.connection.close();
      await ticks();
      expect(response.outcome).toBe('AbortedError');
      expect(stage.reports).toEqual([]);
    }
  });
});

describe('A source that fails', () => {
  const fault = new Error('disk on fire');
  const sources: Record<string, () => RequestBody> = {
    'a function that throws': () => () => {
      throw fault;
    },
    'an Observable': () => throwError(() => fault),
    'an Observable, after a chunk': () =>
      concat(
        of('part'),
        throwError(() => fault),
      ),
    'an Observable that throws at subscribe': () =>
      new Observable<string>(() => {
        throw fault;
      }),
    'a Readable': () =>
      new Readable({
        read() {
          this.destroy(fault);
        },
      }),
    'an iterable that rejects': () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(fault) }) }),
    'an iterable that throws': () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => {
          throw fault;
        },
      }),
    }),
    'an iterable without iterator': () => ({
      [Symbol.asyncIterator]: () => {
        throw fault;
      },
    }),
  };

  it.each(Object.entries(sources))('is RequestGenerationFailedError with the cause: %s', async (name, make) => {
    const stage = openConnection();
    const response = stage.request({ method: 'POST', body: make() });
    await ticks();
    expect(response.outcome).toBe('RequestGenerationFailedError');
    expect((response.error as Error).cause).toBe(fault);
    // A factory that throws has sent nothing.
    expect(stage.state).toBe(name.startsWith('a function') ? 'quiescent' : 'closed');
    expect(stage.transport.written.endsWith('0\r\n\r\n')).toBe(false);
  });

  it.each([
    ['no body at all', 5],
    ['a promise', Promise.resolve('x')],
    ['a plain object', {}],
    ['a function that makes none', () => 5],
    ['a function that makes null', () => null],
    ['a function that makes nothing', () => undefined],
    ['a function that makes a function', () => () => 'x'],
  ])('is InvalidRequestError, and nothing is written: %s', (_name, body) => {
    const stage = openConnection();
    const { error } = stage.request({ method: 'POST', body: body as unknown as RequestBody });
    expect(error).toMatchObject({ code: 'ERR_INVALID_REQUEST', field: 'body' });
    expect(stage.transport.written).toBe('');
  });

  it('is torn down where it fails from within its subscription, and never ends', () => {
    let left = 0;
    const body = new Observable<string>(subscriber => {
      subscriber.next(5 as unknown as string);
      return () => left++;
    });
    const stage = openConnection();
    expect(stage.request({ method: 'POST', body }).outcome).toBe('RequestGenerationFailedError');
    expect(left).toBe(1);
  });

  it('emits what is neither bytes nor text', () => {
    const stage = openConnection();
    const response = stage.request({ method: 'POST', body: of(5 as unknown as string) });
    expect(response.outcome).toBe('RequestGenerationFailedError');
  });
});

describe('A body that a function has made', () => {
  it('is torn down if the request is refused after all', () => {
    const readable = new Readable({ read: () => undefined });
    const { request } = openConnection();
    expect(request({ method: 'POST', body: () => readable, path: 'no path' }).outcome).toBe('InvalidRequestError');
    expect(readable.destroyed).toBe(true);
  });
});

describe('A body that the caller has made', () => {
  it('is left alone if the request is refused', () => {
    const body = Readable.from(['x']);
    const { request } = openConnection();
    expect(request({ method: 'POST', body, path: 'no path' }).outcome).toBe('InvalidRequestError');
    expect(body.destroyed).toBe(false);
  });
});

describe('A body that a function would make', () => {
  it.each(['CONNECT', 'TRACE'])('is not made for %s, which has none', method => {
    let made = 0;
    const body = (): string => String(made++);
    const { request } = openConnection();
    const { error } = request({ method, path: method === 'CONNECT' ? 'example.test:443' : '/', body });
    expect(error).toMatchObject({ code: 'ERR_INVALID_REQUEST', field: 'body' });
    expect(made).toBe(0);
  });
});

describe('A body that can be read once', () => {
  it.each(['an Observable', 'a Readable', 'a function that gives the same again'])(
    'is not sent twice: %s',
    async kind => {
      const once = kind === 'a Readable' ? Readable.from(['x']) : of('x');
      const body = kind.startsWith('a function') ? () => once : once;
      const stage = openConnection();
      stage.request({ method: 'POST', body });
      await ticks();
      stage.transport.respond(accepted);
      const second = stage.request({ method: 'POST', body });
      expect(second.error).toBeInstanceOf(BodyNotReplayableError);
      expect(stage.state).toBe('quiescent');
    },
  );

  it('is not spent by a request that was refused before it was sent', () => {
    const stage = openConnection();
    const body = of('x');
    expect(stage.request({ method: 'POST', body, path: 'no path' }).outcome).toBe('InvalidRequestError');
    stage.request({ method: 'POST', body });
    expect(stage.transport.requests[0].body).toBe('x');
  });
});

describe('sent', () => {
  it('is told when the socket has taken the last byte, once', () => {
    const stage = openConnection({ highWaterMark: 10 });
    const told: string[] = [];
    stage.request({ method: 'POST', body: 'x'.repeat(50), observer: { sent: () => told.push(stage.state) } });
    expect(told).toEqual([]);
    stage.transport.drain();
    expect(told).toEqual(['waiting']);
  });
});

/** The loop has polled. */
const polled = (): Promise<void> => new Promise(resolve => loopTurn.after(resolve));

describe('A source of declared length that does not say that it is done', () => {
  const headers = { 'Content-Length': '5' };

  it.each(['an Observable', 'an async iterable'])('its last bytes go out when the loop has polled: %s', async kind => {
    async function* endless(): AsyncGenerator<string> {
      yield 'he';
      yield 'llo';
      await new Promise(() => undefined);
    }
    const body = kind === 'an Observable' ? concat(['he', 'llo'], NEVER) : endless();
    const stage = openConnection();
    const seen = stage.request({ method: 'PUT', headers, body });
    await microtasks();
    expect(stage.transport.requests[0]).toMatchObject({ body: 'he', complete: false });
    await polled();
    expect(stage.transport.requests[0]).toMatchObject({ body: 'hello', complete: true });
    stage.transport.respond(accepted);
    expect(seen.values[0].status).toBe(204);
  });

  it.each([
    ['which ends', EMPTY],
    ['which says nothing', NEVER],
  ])('of length 0, %s: the head goes out, once', async (_name, body) => {
    const stage = openConnection();
    const seen = stage.request({ method: 'PUT', headers: { 'Content-Length': '0' }, body });
    expect(stage.transport.requests).toHaveLength(body === EMPTY ? 1 : 0);
    await polled();
    expect(stage.transport.requests).toMatchObject([{ body: '', complete: true }]);
    stage.transport.respond(accepted);
    expect(seen.values[0].status).toBe(204);
  });

  it('one more byte in the same turn: BodyLengthMismatchError, and the server saw no whole request', async () => {
    const stage = openConnection();
    const body = new Subject<string>();
    const seen = stage.request({ method: 'PUT', headers, body });
    body.next('hello');
    body.next('!');
    expect(seen.error).toBeInstanceOf(BodyLengthMismatchError);
    await polled();
    expect(stage.transport.requests[0].complete).toBe(false);
    expect(body.observed).toBe(false);
  });

  it('is asked once for what may follow, also when its last bytes are sent', async () => {
    let asked = 0;
    const chunk = { done: false, value: 'hello' } as const;
    const next = () => (asked++ === 0 ? Promise.resolve(chunk) : new Promise<typeof chunk>(() => undefined));
    const stage = openConnection();
    stage.request({ method: 'PUT', headers, body: { [Symbol.asyncIterator]: () => ({ next }) } });
    await polled();
    await polled();
    expect(stage.transport.requests[0]).toMatchObject({ body: 'hello', complete: true });
    expect(asked).toBe(2);
  });

  it('the end in the same turn: the last bytes do not wait, and go out once', async () => {
    const stage = openConnection();
    const body = new Subject<string>();
    stage.request({ method: 'PUT', headers, body });
    body.next('hello');
    body.complete();
    expect(stage.transport.requests[0]).toMatchObject({ body: 'hello', complete: true });
    await polled();
    expect(stage.transport.requests).toHaveLength(1);
  });
});

describe('A large chunk of an iterator', () => {
  const size = 4 << 20;
  async function* large(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(size, 'x');
    await Promise.resolve();
  }

  it.each(['chunked', 'of declared length'])('is written in slices, each of which is progress: %s', async framing => {
    const loaded: number[] = [];
    const stage = openConnection({ highWaterMark: 65_536 });
    const seen = stage.request({
      method: 'PUT',
      body: large(),
      headers: framing === 'chunked' ? {} : { 'Content-Length': `${size}` },
      timeouts: { bodyIdle: 100 },
      observer: { uploadProgress: bytes => loaded.push(bytes) },
    });
    await microtasks();
    await polled();
    // A peer that takes something within the time, again and again, for much longer than that.
    for (let i = 0; i < 200 && stage.transport.buffered > 0; i++) {
      expect(stage.transport.buffered).toBeLessThan(1 << 20);
      stage.clock.advance(90);
      stage.transport.drain();
      await microtasks();
    }
    expect(seen.error).toBeUndefined();
    expect(stage.transport.requests[0].complete).toBe(true);
    expect(stage.transport.requests[0].body.length).toBe(size);
    expect(loaded.length).toBeGreaterThanOrEqual(8);
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
    expect(loaded.at(-1)).toBe(size);
  });
});

describe('The body of another response', () => {
  it('is read as fast as the transport takes it, and no faster', async () => {
    const size = 2 << 20;
    const from = openConnection();
    const to = openConnection({ highWaterMark: 65_536 });
    const { values } = from.request();
    from.transport.respond(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    to.request({ method: 'POST', body: values[0].body });
    from.transport.respond(Buffer.alloc(size, 'x'));
    await microtasks();
    expect(from.transport.delivered).toBeLessThan(400_000);
    expect(to.transport.buffered).toBeLessThan(400_000);
    for (let i = 0; i < 200 && from.state !== 'quiescent'; i++) {
      to.transport.drain();
      await microtasks();
    }
    to.transport.drain();
    await microtasks();
    expect(to.transport.requests[0].complete).toBe(true);
    expect(to.transport.requests[0].body.length).toBe(size);
  });
});

describe('An Observable that emits all at once', () => {
  /** Would emit for ever; counts what it has emitted. */
  function endless(): { body: Observable<string>; emitted: () => number } {
    let emitted = 0;
    const body = new Observable<string>(subscriber => {
      while (!subscriber.closed) {
        if (emitted++ === 10_000) throw new Error('It was not stopped');
        subscriber.next('x');
      }
    });
    return { body, emitted: () => emitted };
  }

  it('stops when there is more of it than was announced', () => {
    const { body, emitted } = endless();
    const seen = openConnection().request({ method: 'PUT', headers: { 'Content-Length': '5' }, body });
    expect(seen.error).toBeInstanceOf(BodyLengthMismatchError);
    expect(emitted()).toBeLessThan(10);
  });

  it('stops when the connection is lost', () => {
    const { body, emitted } = endless();
    let writes = 0;
    const stage = openConnection({
      onWrite: (_bytes, peer) => {
        if (++writes === 20) peer.reset();
      },
    });
    const seen = stage.request({ method: 'PUT', body });
    expect(seen.terminals).toBe(1);
    expect(emitted()).toBeLessThan(20);
  });
});
