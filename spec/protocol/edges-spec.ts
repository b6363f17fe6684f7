import { describe, expect, it } from '@jest/globals';
import { config, EMPTY, mergeMap, Observable, take, throwError } from 'rxjs';
import type { Transport } from '../../src/endpoint/index.js';
import { ResponseFailedError } from '../../src/errors/index.js';
import { dropBody, type ProtocolResponse } from '../../src/protocol/index.js';
import { lateness } from '../loopback/index.js';
import { answer, chunk, chunkedHead, microtasks, openConnection, record } from '../support/index.js';

describe('The timings of a response', () => {
  it('are of the sending, the waiting and the receiving', () => {
    const { request, transport, clock } = openConnection({ highWaterMark: 10 });
    clock.advance(1_000);
    const { values } = request({ method: 'POST', body: 'x'.repeat(20_000) });
    clock.advance(3);
    transport.drain();
    clock.advance(5);
    transport.respond(answer('hello').slice(0, -1));
    record(values[0].text());
    expect(values[0].timings).toEqual({ send: 3, wait: 5, receive: undefined });
    clock.advance(7);
    transport.respond('o');
    expect(values[0].timings).toEqual({ send: 3, wait: 5, receive: 7 });
  });
});

describe('The progress of a download', () => {
  it('is told after the response, of all that came with it, and before its end', () => {
    const stage = openConnection();
    const told: string[] = [];
    const observer = { downloadProgress: (loaded: number, total?: number) => told.push(`${loaded} of ${total}`) };
    stage.connection
      .request({ path: '/', observer })
      .subscribe({ next: () => told.push('response'), complete: () => told.push('complete') });
    stage.transport.respond(`${chunkedHead}${chunk('abc')}${chunk('de')}`);
    expect(told).toEqual(['response', '5 of undefined', 'complete']);
    stage.transport.respond(chunk('f') + chunk(''));
    expect(told.slice(3)).toEqual(['6 of undefined']);
  });

  it('is told once of what came with the head, also if it is all that came', () => {
    const stage = openConnection();
    const told: number[] = [];
    const observer = { downloadProgress: (loaded: number) => told.push(loaded) };
    const text = record(stage.connection.request({ path: '/', observer }).pipe(mergeMap(response => response.text())));
    stage.transport.respond(answer('hello').slice(0, -2));
    stage.transport.reset();
    expect([text.outcome, told]).toEqual(['TruncatedBodyError', [3]]);
  });

  it('is not told of what nobody wants any more', () => {
    const stage = openConnection();
    const told: number[] = [];
    const observer = { downloadProgress: (loaded: number) => told.push(loaded) };
    record(stage.connection.request({ path: '/', observer }).pipe(mergeMap(({ body }) => body.pipe(take(1)))));
    stage.transport.respond(answer('hello').slice(0, -4));
    for (const rest of ['e', 'l', 'lo']) stage.transport.respond(rest);
    expect(told).toEqual([1]);
    expect(stage.state).toBe('quiescent');
  });
});

describe('An error of a body', () => {
  it('has the response where it says that the response failed, and only there', () => {
    const { request, transport, connection } = openConnection();
    const { values } = request();
    transport.respond(answer('hello').slice(0, -1));
    const text = record(values[0].text());
    connection.close();
    expect(text.outcome).toBe('AbortedError');
    expect(text.error).not.toHaveProperty('response');

    const lost = openConnection();
    const response = lost.request();
    lost.transport.respond(answer('hello').slice(0, -1));
    const cut = record(response.values[0].text());
    lost.transport.reset();
    expect((cut.error as ResponseFailedError).response).toBe(response.values[0]);
  });
});

describe('A response', () => {
  it.each([
    [200, true],
    [299, true],
    [300, false],
    [404, false],
  ])('of %d is ok: %s', (status, ok) => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond(answer('hello', { status: `${status} X` }));
    expect([values[0].status, values[0].ok]).toEqual([status, ok]);
  });

  it('that switches protocols is not ok, as it is not 2xx', () => {
    const { request, transport } = openConnection();
    const { values } = request({ headers: { Upgrade: 'echo' } });
    transport.respond('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\n');
    expect([values[0].status, values[0].ok]).toEqual([101, false]);
  });
});

describe('A body', () => {
  it('tells its length where the head does', () => {
    for (const [sent, length] of [
      [answer('hello'), 5],
      [`${chunkedHead}${chunk('')}`, null],
      ['HTTP/1.1 200 OK\r\n\r\n', null],
    ] as const) {
      const { request, transport } = openConnection();
      const { values } = request();
      transport.respond(sent);
      expect(values[0].body.length).toBe(length);
    }
  });

  it('that ends with the connection is whole where that is closed in order, and cut where it is reset', async () => {
    for (const outcome of ['value', 'TruncatedBodyError']) {
      const { request, transport } = openConnection();
      const { values } = request();
      transport.respond('HTTP/1.1 200 OK\r\n\r\nhello');
      const text = record(values[0].text());
      transport.fin();
      expect(text.terminals).toBe(0);
      // Before the loop has polled: both come with the end.
      if (outcome === 'value') transport.destroy();
      else transport.reset();
      await microtasks();
      expect(text.outcome).toBe(outcome);
      expect(text.terminals).toBe(1);
    }
  });
});

describe('A body as an iterator', () => {
  const received = (sent: string) => {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond(sent);
    return { stage, body: values[0].body };
  };

  it('is iterable itself, and says at the end that it is done', async () => {
    const { body } = received(answer('hello'));
    const iterator = body[Symbol.asyncIterator]();
    const chunks: string[] = [];
    for await (const bytes of iterator) chunks.push(Buffer.from(bytes).toString());
    expect(chunks).toEqual(['hello']);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(await iterator.return!()).toEqual({ done: true, value: undefined });
  });

  it('that is left before its first chunk reads the body for nobody else, and ends every wait', async () => {
    const { body, stage } = received(answer('hello').slice(0, -1));
    const iterator = body[Symbol.asyncIterator]();
    expect(body.used).toBe(false);
    const waiting = [iterator.next(), iterator.next(), iterator.next()];
    expect(body.used).toBe(true);
    expect(Buffer.from((await waiting[0]).value as Uint8Array).toString()).toBe('hell');
    expect(await iterator.return!()).toEqual({ done: true, value: undefined });
    expect(await Promise.all(waiting.slice(1))).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    stage.transport.respond('o');
    await microtasks();
    expect(stage.state).toBe('quiescent');
  });
});

describe('A connection', () => {
  it('keeps the process alive as long as its transport is told to, and says with whom it is', () => {
    const { connection, transport } = openConnection({ authority: 'example.test:8080' });
    expect(connection.info).toBe(transport.info);
    connection.unref();
    expect(transport.refs).toBe(-1);
    connection.ref();
    expect(transport.refs).toBe(0);
  });

  it.each([
    [undefined, null],
    [new Error('gone'), { code: 'ERR_RESPONSE_FAILED', cause: new Error('gone') }],
  ])('that is lost while nobody uses it tells why: %s', (reason, expected) => {
    const { connection, transport } = openConnection();
    const seen = record(connection.disconnected);
    if (reason === undefined) transport.destroy();
    else transport.reset(reason);
    return microtasks().then(() => {
      if (expected === null) expect(seen.values).toEqual([null]);
      else expect(seen.values[0]).toMatchObject(expected);
      expect(seen.terminals).toBe(1);
      expect(transport.destroyed || transport.isClosed).toBe(true);
    });
  });

  it('that is closed for a reason of ours tells that, and else none', () => {
    for (const reason of [new ResponseFailedError('x'), new Error('x'), 'x', undefined]) {
      const { connection, transport } = openConnection();
      const seen = record(connection.disconnected);
      connection.close(reason);
      connection.close();
      expect(seen.values).toEqual([reason instanceof ResponseFailedError ? reason : null]);
      expect(transport.destroyed).toBe(true);
    }
  });
});

describe('A transport that was handed over', () => {
  it('is the transport in all that it does', async () => {
    const { request, transport } = openConnection({ highWaterMark: 3 });
    const { values } = request({ headers: { Upgrade: 'echo' } });
    transport.drain();
    transport.respond('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
    const theirs: Transport = values[0].upgrade!;
    const heard: string[] = [];
    theirs.unshift(Buffer.from('first '));
    theirs.read({
      data: view => heard.push(Buffer.from(view).toString()),
      end: () => heard.push('end'),
      closed: error => heard.push(`closed:${error?.message}`),
    });
    await microtasks();
    expect(heard).toEqual(['first ']);

    theirs.pause();
    transport.respond('second');
    expect(heard).toEqual(['first ']);
    theirs.resume();
    await microtasks();
    expect(heard).toEqual(['first ', 'second']);

    expect([theirs.write('ab'), theirs.write('c')]).toEqual([true, false]);
    let drained = 0;
    theirs.drained(() => drained++);
    expect(drained).toBe(0);
    transport.drain();
    expect(drained).toBe(1);

    theirs.ref();
    expect(transport.refs).toBe(1);
    theirs.unref();
    expect(transport.refs).toBe(0);
    theirs.end();
    expect(transport.ended).toBe(true);
    theirs.destroy(new Error('enough'));
    await microtasks();
    expect(transport.destroyed).toBe(true);
    expect(heard.at(-1)).toBe('closed:enough');
  });

  it('has a buffer of its own where it is asked for one', async () => {
    const { request, transport } = openConnection();
    const { values } = request({ method: 'CONNECT', path: 'example.test:443' });
    transport.respond('HTTP/1.1 200 OK\r\n\r\n');
    const theirs = values[0].upgrade!;
    let kept: Uint8Array | undefined;
    theirs.read({
      data: view => {
        kept = view;
        theirs.pause();
      },
      end: () => undefined,
      closed: () => undefined,
    });
    theirs.ownBuffer(true);
    transport.respond('mine');
    await microtasks();
    expect(Buffer.from(kept!).toString()).toBe('mine');
  });
});

describe('An upload', () => {
  it.each([undefined, null, 'text', 5])(
    'from an iterator that gives %p instead of a result has failed',
    async result => {
      const stage = openConnection();
      let returned = 0;
      const body = {
        [Symbol.asyncIterator]: () => ({
          next: () => Promise.resolve(result as unknown as IteratorResult<string>),
          return: () => {
            returned++;
            return Promise.resolve({ done: true as const, value: undefined });
          },
        }),
      };
      const seen = stage.request({ method: 'POST', body });
      await microtasks();
      expect(seen.outcome).toBe('RequestGenerationFailedError');
      expect((seen.error as Error).cause).toBeInstanceOf(TypeError);
      expect(returned).toBe(1);
      expect(stage.transport.destroyed).toBe(true);
    },
  );

  it('of an Observable that is both early and late tells the connection once', () => {
    const stage = openConnection();
    const seen = stage.request({ method: 'POST', body: new Observable<string>(subscriber => subscriber.error('no')) });
    expect(seen.outcome).toBe('RequestGenerationFailedError');
    expect(seen.terminals).toBe(1);
    expect(stage.log.filter(entry => entry.startsWith('disconnected'))).toHaveLength(1);
  });
});

describe('A refusal that comes while the socket holds a small body back', () => {
  it('is delivered whole, and the connection ends with it', () => {
    const stage = openConnection({ highWaterMark: 1 });
    const { values } = stage.request({ method: 'POST', body: 'small' });
    expect(stage.state).toBe('transmitting');
    stage.transport.respond(answer('too much', { status: '413 Content Too Large' }));
    expect([values[0].status, record(values[0].text()).values]).toEqual([413, ['too much']]);
    expect([stage.state, stage.reports]).toEqual(['closed', []]);
  });
});

describe('A body that came with its head', () => {
  it('is measured against the limit by itself', () => {
    const { connection, transport } = openConnection();
    const { values } = record(
      connection.request({ path: '/' }).pipe(mergeMap(response => response.text({ maxBytes: 5 }))),
    );
    transport.respond(answer('hello'));
    expect(values).toEqual(['hello']);
  });

  it('is copied, if it is read later, into memory that holds nothing else', () => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond(`${chunkedHead}${chunk('abc')}${chunk('de')}${chunk('')}`);
    const seen: [string, number][] = [];
    record(
      values[0].body.pull(view => {
        seen.push([Buffer.from(view).toString(), view.buffer.byteLength]);
        return EMPTY;
      }),
    );
    expect(seen).toEqual([['abcde', 5]]);
  });
});

describe('A body that nobody will read', () => {
  it.each<[string, unknown]>([
    ['has failed', throwError(() => new Error('lost'))],
    [
      'throws when it is subscribed to',
      new Observable(() => {
        throw new Error('made up');
      }),
    ],
    ['is none', undefined],
  ])('is got rid of without a word, also one that %s', async (_, body) => {
    const unhandled: unknown[] = [];
    config.onUnhandledError = error => unhandled.push(error);
    dropBody({ body } as unknown as ProtocolResponse);
    await lateness(1); // RxJS reports by a timer
    config.onUnhandledError = null;
    expect(unhandled).toEqual([]);
  });
});
