import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from '@jest/globals';
import {
  EMPTY,
  mergeMap,
  NEVER,
  of,
  range,
  Subject,
  take,
  tap,
  throwError,
  type Observable,
  type ObservableInput,
} from 'rxjs';
import { ResponseFailedError } from '../../src/errors/index.js';
import type { ProtocolResponse } from '../../src/protocol/index.js';
import {
  answer,
  chunk,
  chunkedAnswer,
  chunkedHead,
  longRun,
  microtasks,
  openConnection,
  record,
  ticks,
  type Recorded,
  type Stage,
} from '../support/index.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const head = (length: number): string => `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`;

/** A response of which the head, and so much of the body, has come. */
function receive(sent: string | Uint8Array, stage: Stage = openConnection()): Stage & { response: ProtocolResponse } {
  const { values } = stage.request();
  stage.transport.respond(sent);
  return Object.assign(Object.create(stage) as Stage, { response: values[0] });
}

/** All of a body, of which the rest comes in segments after it was claimed. */
function collect<T>(
  read: (response: ProtocolResponse) => Observable<T>,
  ...segments: (string | Uint8Array)[]
): Recorded<T> {
  const stage = openConnection();
  const seen = record(stage.connection.request({ path: '/' }).pipe(mergeMap(read)));
  for (const segment of segments) stage.transport.respond(segment);
  return seen;
}

describe('A body is read once', () => {
  const ways: Record<string, (response: ProtocolResponse) => Observable<unknown>> = {
    text: response => response.text(),
    json: response => response.json(),
    bytes: response => response.bytes(),
    discard: response => response.discard(),
    body: response => response.body,
    pull: response => response.body.pull(() => EMPTY),
  };
  const names = Object.keys(ways);
  const pairs = names.flatMap(first => names.map(second => [first, second] as const));

  it.each(pairs)('%s, then %s: BodyUsedError, and the first is unharmed', (first, second) => {
    const { response, transport } = receive(answer('[1,2]').slice(0, -2));
    const one = record(ways[first](response));
    const two = record(ways[second](response));
    expect(two.outcome).toBe('BodyUsedError');
    transport.respond('2]');
    expect(one.completed).toBe(true);
    expect(record(ways[second](response)).outcome).toBe('BodyUsedError');
  });

  it('also by a stream and an iterator', async () => {
    const { response, transport } = receive(answer('hello').slice(0, -2));
    const first = record(response.text());
    await expect(response.body[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'ERR_BODY_USED' });
    const stream = response.body.readable();
    const failed = new Promise(resolve => stream.on('error', resolve));
    stream.resume();
    expect(await failed).toMatchObject({ code: 'ERR_BODY_USED' });
    transport.respond('lo');
    expect(first.values).toEqual(['hello']);
  });

  it('and says so', () => {
    const { response } = receive(answer('hello'));
    expect(response.body.used).toBe(false);
    record(response.text());
    expect(response.body.used).toBe(true);
  });
});

describe('Reading ahead', () => {
  it('goes on to maxDrain, then the server is held back', () => {
    const { transport } = receive(head(1_000), openConnection({ limits: { maxDrain: 100 } }));
    transport.respond('x'.repeat(100));
    expect(transport.paused).toBe(false);
    transport.respond('x');
    expect(transport.paused).toBe(true);
  });

  it.each(['text', 'body', 'pull'])('is given to a late consumer, then the rest: %s', async way => {
    const { response, transport } = receive(head(30) + 'a'.repeat(20), openConnection({ limits: { maxDrain: 10 } }));
    expect(transport.paused).toBe(true);
    const parts: string[] = [];
    if (way === 'text') record(response.text()).values.forEach(part => parts.push(part));
    const seen =
      way === 'text'
        ? record(of(''))
        : record(way === 'body' ? response.body : response.body.pull(bytes => [bytes.slice()]));
    await microtasks();
    expect(transport.paused).toBe(false);
    transport.respond('b'.repeat(10));
    if (way !== 'text')
      expect(seen.values.map(bytes => text(bytes as Uint8Array)).join('')).toBe('a'.repeat(20) + 'b'.repeat(10));
    expect(response.body.used).toBe(true);
  });
});

describe('A response that comes in one read, longer than what is read ahead', () => {
  it.each(['text', 'body', 'pull'])('is read to its end by who reads it at once: %s', way => {
    const stage = openConnection({ limits: { maxDrain: 3 } });
    const read = (response: ProtocolResponse): Observable<string | Uint8Array> =>
      way === 'text' ? response.text() : way === 'body' ? response.body : response.body.pull(bytes => [bytes.slice()]);
    const seen = record(stage.connection.request({ path: '/' }).pipe(mergeMap(read)));
    stage.transport.respond(chunkedAnswer('hello', ' to ', 'you'));
    expect(Buffer.concat(seen.values.map(part => Buffer.from(part as string))).toString()).toBe('hello to you');
    expect([seen.completed, stage.state]).toEqual([true, 'quiescent']);
  });
});

describe('Leaving a body', () => {
  it.each([
    [100, 'quiescent'],
    [101, 'closed'],
  ])('with %d bytes to come, where 100 may be drained: %s', (rest, state) => {
    const stage = receive(head(rest + 1) + 'x', openConnection({ limits: { maxDrain: 100 } }));
    record(stage.response.body).subscription.unsubscribe();
    stage.transport.respond('x'.repeat(rest));
    expect(stage.state).toBe(state);
  });

  it.each([
    ['a short rest of known length is drained, the connection used again', head(50) + 'x', 'x'.repeat(49), 'quiescent'],
    ['a long rest destroys the connection', head(200) + 'x', '', 'closed'],
    ['a rest in chunks destroys it, however short', chunkedHead + chunk('x'), '', 'closed'],
    ['a rest up to the close destroys it', 'HTTP/1.1 200 OK\r\n\r\nx', '', 'closed'],
  ])('%s', (_name, sent, rest, state) => {
    const stage = receive(sent, openConnection({ limits: { maxDrain: 100 } }));
    const body = record(stage.response.body);
    body.subscription.unsubscribe();
    stage.transport.respond(rest);
    expect(stage.state).toBe(state);
    expect(body.values.length).toBe(1);
    expect(stage.transport.destroyed).toBe(state === 'closed');
  });

  it('resumes a paused transport to drain', async () => {
    const stage = receive(chunkedHead);
    stage.connection.close();
    const held = receive(head(10) + 'x');
    const body = record(held.response.body.pull(() => NEVER));
    expect(held.transport.paused).toBe(true);
    body.subscription.unsubscribe();
    await microtasks();
    held.transport.respond('x'.repeat(9));
    expect(held.state).toBe('quiescent');
    expect(held.transport.paused).toBe(false);
  });
});

describe('pull', () => {
  it('pauses the transport while the inner Observable runs', async () => {
    const { response, transport } = receive(chunkedHead);
    const work: Subject<string>[] = [];
    const seen = record(response.body.pull((_bytes, index) => (work[index] = new Subject())));
    expect(transport.paused).toBe(false);
    transport.respond(chunk('a') + chunk('b'));
    expect(work.length).toBe(1);
    expect(transport.paused).toBe(true);
    transport.respond(chunk('c') + chunk(''));
    work[0].next('one');
    work[0].complete();
    expect(work.length).toBe(2);
    work[1].complete();
    await microtasks();
    expect(work.length).toBe(3);
    expect(seen.completed).toBe(false);
    work[2].complete();
    await microtasks();
    expect(seen.values).toEqual(['one']);
    expect(seen.completed).toBe(true);
  });

  it('does not grow the stack over 100 000 chunks that are done at once', () => {
    const stage = openConnection({ limits: { maxDrain: Infinity } });
    const { values } = stage.request();
    const reads = longRun(100_000) / 1_000;
    const one = chunk('x').repeat(1_000);
    stage.transport.respond(chunkedHead);
    for (let i = 0; i < reads / 2; i++) stage.transport.respond(one);
    let count = 0;
    const seen = record(values[0].body.pull(bytes => of((count += bytes.length)).pipe(mergeMap(() => EMPTY))));
    for (let i = 0; i < reads / 2; i++) stage.transport.respond(one);
    stage.transport.respond(chunk(''));
    expect(count).toBe(reads * 1_000);
    expect(seen.completed).toBe(true);
  });

  it.each([
    ['that fails', () => throwError(() => new Error('disk full'))],
    [
      'that throws',
      () => {
        throw new Error('disk full');
      },
    ],
  ])('with work %s: the connection is let go, then comes the error', (_name, work: () => Observable<never>) => {
    const stage = receive(chunkedHead);
    const seen = record(stage.response.body.pull(work), { log: stage.log, name: 'body' });
    stage.transport.respond(chunk('a') + chunk('b'));
    expect(seen.error).toEqual(new Error('disk full'));
    expect(stage.log.slice(-2)).toEqual(['disconnected:AbortedError', 'body:error']);
  });

  // Work that cannot be cancelled, such as a write of a promise, goes on after its chunk was overwritten by the drain.
  it('leaves the chunk of unfinished work alone when it is unsubscribed from', async () => {
    const { response, transport } = receive(head(10));
    const chunks: Uint8Array[] = [];
    const first = new Subject<never>();
    const work = (bytes: Uint8Array): ObservableInput<never> =>
      chunks.push(bytes) === 1 ? first : new Promise<never>(() => undefined);
    const seen = record(response.body.pull(work));
    transport.respond('x');
    first.complete();
    await microtasks();
    transport.respond('hello');
    seen.subscription.unsubscribe();
    await microtasks();
    expect(text(chunks[1])).toBe('hello');
  });

  // The transport was not paused yet when the fault behind the chunk ended the exchange: the contract let it write there.
  it('leaves the chunk of unfinished work alone when what comes with it is malformed', async () => {
    const { response, transport } = receive(chunkedHead);
    const chunks: Uint8Array[] = [];
    const work = [new Subject<never>(), new Subject<never>()];
    const seen = record(response.body.pull(bytes => work[chunks.push(bytes) - 1]));
    transport.respond(chunk('a'));
    work[0].complete();
    await microtasks();
    transport.respond(`${chunk('hello')}no size`);
    expect(transport.destroyed).toBe(true);
    await microtasks();
    expect(text(chunks[1])).toBe('hello');
    work[1].complete();
    expect(seen.outcome).toBe('ParseError');
  });

  it('stops work that emits for ever at once, when its consumer has had enough', () => {
    const { response, transport } = receive(chunkedHead);
    let emitted = 0;
    const work = (): Observable<number> => range(0, 1_000).pipe(tap(() => emitted++));
    record(response.body.pull(work).pipe(take(1)));
    transport.respond(chunk('a'));
    expect(emitted).toBe(1);
  });

  it('unsubscribes from the work when it is unsubscribed from', () => {
    const { response, transport } = receive(chunkedHead);
    const work = new Subject<never>();
    const seen = record(response.body.pull(() => work));
    transport.respond(chunk('a'));
    expect(work.observed).toBe(true);
    seen.subscription.unsubscribe();
    expect(work.observed).toBe(false);
    expect(transport.destroyed).toBe(true);
  });
});

describe('for await', () => {
  it('reads with backpressure, chunk by chunk', async () => {
    const { response, transport } = receive(chunkedHead + chunk('a'));
    const iterator = response.body[Symbol.asyncIterator]();
    expect(text((await iterator.next()).value as Uint8Array)).toBe('a');
    transport.respond(chunk('b'));
    expect(text((await iterator.next()).value as Uint8Array)).toBe('b');
    transport.respond(chunk('c'));
    await microtasks();
    expect(transport.paused).toBe(true);
    const third = iterator.next();
    await microtasks();
    expect(text((await third).value as Uint8Array)).toBe('c');
    const last = iterator.next();
    transport.respond(chunk(''));
    await microtasks();
    expect(await last).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it.each(['break', 'throw'])('%s lets the body go', async how => {
    const { response, transport } = receive(chunkedHead + chunk('a'));
    const read = async (): Promise<void> => {
      for await (const bytes of response.body) {
        if (how === 'break') break;
        if (bytes.length > 0) throw new Error('enough');
      }
    };
    await read().catch((error: Error) => expect(error.message).toBe('enough'));
    expect(transport.destroyed).toBe(true);
  });

  it('serves two next() at once in order, and then the end', async () => {
    const { response, transport } = receive(chunkedHead);
    const iterator = response.body[Symbol.asyncIterator]();
    const results = [iterator.next(), iterator.next(), iterator.next()].map(async next => {
      const { value, done } = await next;
      return done === true ? 'done' : text(value);
    });
    transport.respond(chunk('a') + chunk('b') + chunk(''));
    await microtasks();
    expect(await Promise.all(results)).toEqual(['a', 'b', 'done']);
  });

  it('tells an error once', async () => {
    const { response, transport } = receive(chunkedHead);
    const iterator = response.body[Symbol.asyncIterator]();
    const next = iterator.next();
    transport.reset();
    await expect(next).rejects.toBeInstanceOf(ResponseFailedError);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('tells an error that came while nobody waited to the next who asks', async () => {
    const { response, transport } = receive(chunkedHead + chunk('a'));
    const iterator = response.body[Symbol.asyncIterator]();
    await iterator.next();
    transport.reset();
    await microtasks();
    await expect(iterator.next()).rejects.toBeInstanceOf(ResponseFailedError);
  });
});

describe('readable()', () => {
  it('pipes to a slow Writable, whole and held back', async () => {
    const { response, transport } = receive(head(300_000));
    const got: Buffer[] = [];
    let writing = 0;
    const slow = new Writable({
      highWaterMark: 1,
      write(bytes: Buffer, _encoding, callback) {
        writing++;
        got.push(bytes);
        process.nextTick(() => process.nextTick(callback));
      },
    });
    const done = pipeline(response.body.readable(), slow);
    const content = Buffer.alloc(300_000, 'abcdefg');
    for (let at = 0; at < content.length; at += 10_000) {
      transport.respond(content.subarray(at, at + 10_000));
      if (at % 50_000 === 0) await ticks(2);
    }
    await done;
    expect(Buffer.concat(got).equals(content)).toBe(true);
    expect(writing).toBeGreaterThan(1);
  });

  it('holds the server back while nobody reads', async () => {
    const { response, transport } = receive(head(10_000_000));
    const stream = response.body.readable();
    stream.once('readable', () => undefined);
    for (let i = 0; i < 50; i++) {
      transport.respond(Buffer.alloc(60_000));
      await ticks(2);
    }
    expect(transport.paused).toBe(true);
    expect(transport.delivered).toBeLessThan(400_000);
    stream.destroy();
  });

  it('fails with the body', async () => {
    const { response, transport } = receive(chunkedHead);
    const stream = response.body.readable();
    const failed = new Promise(resolve => stream.on('error', resolve));
    stream.resume();
    transport.respond(chunk('a'));
    transport.reset();
    expect(await failed).toBeInstanceOf(ResponseFailedError);
  });

  it('lets the connection go when it is destroyed', async () => {
    const { response, transport } = receive(chunkedHead + chunk('a'));
    const stream = response.body.readable();
    stream.once('data', () => stream.destroy());
    await ticks();
    expect(transport.destroyed).toBe(true);
  });
});

describe('trailers', () => {
  const whole = `${chunkedHead}${chunk('a')}0\r\nX-Sum: 7\r\n\r\n`;

  it.each(['before', 'after'])('come at the end, to who asks %s it', when => {
    const { response, transport } = receive(whole.slice(0, -2));
    const asked = when === 'before' ? record(response.trailers) : undefined;
    record(response.discard());
    expect(asked?.outcome ?? 'nothing').toBe('nothing');
    transport.respond(whole.slice(-2));
    const seen = asked ?? record(response.trailers);
    expect(seen.values[0].get('x-sum')).toBe('7');
    expect(seen.completed).toBe(true);
    expect(response.headers.has('x-sum')).toBe(false);
  });

  it('fail with the body', () => {
    const { response, transport } = receive(chunkedHead);
    const before = record(response.trailers);
    transport.fin();
    expect(before.outcome).toBe('TruncatedBodyError');
    expect(record(response.trailers).outcome).toBe('TruncatedBodyError');
  });

  it('are empty where there are none', () => {
    for (const sent of [answer('hello'), chunkedAnswer('hello')]) {
      expect([...record(receive(sent).response.trailers).values[0]]).toEqual([]);
    }
  });
});

describe('downloadProgress', () => {
  it.each([
    [
      'of known length',
      [head(10), 'abc', 'defghij'],
      [
        [3, 10],
        [10, 10],
      ],
    ],
    [
      'in chunks',
      [chunkedHead, chunk('abc'), chunk('de'), chunk('')],
      [
        [3, undefined],
        [5, undefined],
      ],
    ],
  ])('tells what came, and of how much: %s', (_name, segments, expected) => {
    const stage = openConnection();
    const progress: unknown[] = [];
    const observer = { downloadProgress: (...told: unknown[]) => progress.push(told) };
    record(stage.connection.request({ path: '/', observer }).pipe(mergeMap(response => response.discard())));
    for (const segment of segments) stage.transport.respond(segment);
    expect(progress).toEqual(expected);
  });
});

describe('What a body is turned into', () => {
  it('text: UTF-8 that was cut within a character, byte order mark taken off', () => {
    const body = Buffer.from('\ufeffgrüße €😀', 'utf8');
    const segments = [...body].map(byte => Uint8Array.of(byte));
    expect(collect(response => response.text(), head(body.length), ...segments).values).toEqual(['grüße €😀']);
    expect(collect(response => response.text(), Buffer.concat([Buffer.from(head(body.length)), body])).values).toEqual([
      'grüße €😀',
    ]);
  });

  it('text: empty, where there is no body', () => {
    expect(collect(response => response.text(), 'HTTP/1.1 204 No Content\r\n\r\n').values).toEqual(['']);
  });

  it('json: its value, or ResponseFailedError with the cause and the response', () => {
    expect(collect(response => response.json(), answer('{"a":1}')).values).toEqual([{ a: 1 }]);
    const { error } = collect(response => response.json(), answer('{"a":'));
    expect(error).toBeInstanceOf(ResponseFailedError);
    expect((error as Error).cause).toBeInstanceOf(SyntaxError);
  });

  it('bytes: in memory of their own, of exactly their length', () => {
    for (const segments of [
      [answer('hello')],
      [head(5), 'he', 'llo'],
      [chunkedHead, chunk('he'), chunk('llo') + chunk('')],
    ]) {
      const [bytes] = collect(response => response.bytes(), ...segments).values;
      expect(text(bytes)).toBe('hello');
      expect(bytes.buffer.byteLength).toBe(5);
    }
  });

  it('discard: one value when it is done', () => {
    expect(collect(response => response.discard(), head(5), 'hello').values).toEqual([undefined]);
  });

  it('body: chunks to be kept, in memory of their own', () => {
    const seen = collect(response => response.body, chunkedHead, chunk('a') + chunk('b'), chunk('c'), chunk(''));
    expect(seen.values.map(text)).toEqual(['a', 'b', 'c']);
    for (const bytes of seen.values) expect(bytes.buffer.byteLength).toBe(1);
    expect(seen.completed).toBe(true);
  });

  it('takes no memory for a length that was only announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const seen = collect(response => response.bytes(), head(1_000_000_000_000), 'x');
    expect(seen.outcome).toBe('nothing');
    // What is believed at most.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(130 * 1024 * 1024);
  });

  it('take(1) of a body drains the rest', () => {
    const seen = collect(response => response.body.pipe(take(1)), head(5), 'he', 'llo');
    expect(seen.values.map(text)).toEqual(['he']);
    expect(seen.completed).toBe(true);
  });
});

describe('A body of 60 000 chunks of one byte', () => {
  const count = longRun(60_000);
  const letters = Array.from({ length: count }, (_, i) => 'abcdefghijklmnopqrstuvwxyz'[(i * 7) % 26]);
  const whole = letters.join('');

  /** Nobody has claimed it yet, and all of it, or all but the end, has come. */
  function unclaimed(reads: string, end: string): ProtocolResponse {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond(chunkedHead);
    if (reads === 'one read') stage.transport.respond(letters.map(chunk).join('') + end);
    else {
      for (const letter of letters) stage.transport.respond(chunk(letter));
      stage.transport.respond(end);
    }
    return values[0];
  }

  const forms = [
    ['one read', '0\r\n\r\n'],
    ['one read', ''],
    ['a read per chunk', '0\r\n\r\n'],
    ['a read per chunk', ''],
  ] as const;

  it.each(forms)('%s, then %j: it is kept in few pieces', (reads, end) => {
    const seen = record(unclaimed(reads, end).body);
    expect(seen.values.length).toBeLessThan(100);
    expect(seen.values.map(text).join('')).toBe(whole);
    expect(seen.completed).toBe(end !== '');
  });

  it.each(forms)('%s, then %j: pull gives the same, and shows no bytes of others', (reads, end) => {
    // What lies about in the memory of which Node gives small buffers.
    for (let i = 0; i < 100; i++) Buffer.from('#'.repeat(1_000));
    let pulls = 0;
    let pulled = '';
    const foreign = new Set<number>();
    record(
      unclaimed(reads, end).body.pull(bytes => {
        pulls++;
        pulled += text(bytes);
        for (const byte of new Uint8Array(bytes.buffer)) if (byte !== 0 && (byte < 97 || byte > 122)) foreign.add(byte);
        return EMPTY;
      }),
    );
    expect(pulled).toBe(whole);
    expect(pulls).toBeLessThan(100);
    expect([...foreign]).toEqual([]);
  });

  it.each(['one read', 'a read per chunk'])('%s: text and bytes are right', reads => {
    expect(record(unclaimed(reads, '0\r\n\r\n').text()).values).toEqual([whole]);
    expect(record(unclaimed(reads, '0\r\n\r\n').bytes()).values.map(text)).toEqual([whole]);
  });
});
