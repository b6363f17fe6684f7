import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { from, Subject, take, type Observable } from 'rxjs';
import { BodyUnclaimedError, HTTPClientError } from '../../src/errors/index.js';
import type { ProtocolResponse } from '../../src/protocol/index.js';
import { turns } from '../loopback/index.js';
import { microtasks, openConnection, record, type Recorded } from '../support/index.js';

const framings = ['length', 'chunked', 'close', 'none'] as const;
const readers = [
  'text',
  'bytes',
  'discard',
  'body',
  'take',
  'pull',
  'pull later',
  'iterate',
  'readable',
  'nobody',
] as const;
const ends = ['open', 'FIN', 'RST', 'close()'] as const;

/** What makes an exchange short is the exception: most are to get to their end. */
function mostly<T>(usual: T, others: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 2, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: others });
}

const scenario = fc.record({
  framing: fc.constantFrom(...framings),
  size: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 3_000 }), fc.constant(150_000)),
  chunks: fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 8 }),
  closing: mostly(false, fc.boolean()),
  informational: fc.nat({ max: 2 }),
  surplus: mostly(false, fc.boolean()),
  /** Where the response is cut into segments, as parts of its length. */
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 }),
  end: mostly('open', fc.constantFrom(...ends)),
  /** After which segment the end comes, as a part of their number. */
  endAt: fc.double({ min: 0, max: 1.2, noNaN: true }),
  reader: fc.constantFrom(...readers),
  /** After which segment the body is claimed, and is unsubscribed from. */
  claimAt: fc.oneof(fc.constantFrom(0, 14), fc.nat({ max: 13 })),
  leaveAt: mostly(99, fc.nat({ max: 13 })),
  maxDrain: fc.constantFrom(0, 7, 500, 65_536),
  upload: mostly(false, fc.boolean()),
  uploadEndsAt: fc.nat({ max: 13 }),
  highWaterMark: fc.constantFrom(1, 50, Infinity),
  pausesBetween: fc.boolean(),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

/** Bytes of which every position tells where it is. */
function content(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = 33 + ((i * 7 + Math.floor(i / 90)) % 90);
  return bytes;
}

function wire({ framing, chunks, closing, informational, surplus }: Scenario, body: Buffer): Buffer {
  const fields = closing ? 'Connection: close\r\n' : '';
  const parts: (Buffer | string)[] = ['HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(informational)];
  if (framing === 'none') parts.push(`HTTP/1.1 204 No Content\r\n${fields}\r\n`);
  if (framing === 'close') parts.push(`HTTP/1.1 200 OK\r\n${fields}\r\n`, body);
  if (framing === 'length') parts.push(`HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n`, body);
  if (framing === 'chunked') {
    parts.push(`HTTP/1.1 200 OK\r\n${fields}Transfer-Encoding: chunked\r\n\r\n`);
    for (let at = 0, i = 0; at < body.length; i++) {
      const data = body.subarray(at, at + chunks[i % chunks.length]);
      parts.push(`${data.length.toString(16)}\r\n`, data, '\r\n');
      at += data.length;
    }
    parts.push('0\r\nX-Trailer: yes\r\n\r\n');
  }
  if (surplus && framing !== 'close') parts.push('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged');
  return Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
}

interface Reading {
  readonly bytes: Buffer[];
  /** `complete`, `error`, or nothing yet. */
  outcome: string;
  error: unknown;
  left: boolean;
  damaged: boolean;
  leave(): void;
}

/** Reads a body in one of the ways there are. */
function read(reader: Scenario['reader'], response: ProtocolResponse): Reading {
  const reading: Reading = {
    bytes: [],
    outcome: '',
    error: undefined,
    left: false,
    damaged: false,
    leave: () => undefined,
  };
  const settle = (outcome: string, error?: unknown): void => {
    // A promise settles after its stream was destroyed as well; an Observable that was left says nothing.
    if (reading.outcome !== '' || (reading.left && reader !== 'iterate' && reader !== 'readable'))
      reading.damaged = true;
    reading.outcome = outcome;
    reading.error = error;
  };
  const observe = (bytes$: Observable<Uint8Array | string | void>): void => {
    const subscription = bytes$.subscribe({
      next: bytes => {
        if (reading.left) reading.damaged = true;
        if (bytes !== undefined) reading.bytes.push(Buffer.from(bytes as string, 'latin1'));
      },
      error: error => settle('error', error),
      complete: () => settle('complete'),
    });
    reading.leave = () => subscription.unsubscribe();
  };
  const { body } = response;
  switch (reader) {
    case 'text':
      observe(response.text());
      break;
    case 'bytes':
      observe(response.bytes());
      break;
    case 'discard':
      observe(response.discard());
      break;
    case 'body':
      observe(body);
      break;
    case 'take':
      observe(body.pipe(take(2)));
      break;
    case 'pull':
      observe(body.pull(bytes => [bytes.slice()]));
      break;
    case 'pull later':
      observe(
        body.pull(bytes => {
          const before = Buffer.from(bytes);
          const work = async (): Promise<Buffer> => {
            for (let i = 0; i < 5; i++) await Promise.resolve();
            if (!reading.left && !before.equals(bytes)) reading.damaged = true;
            return before;
          };
          return from(work());
        }),
      );
      break;
    case 'iterate':
    case 'readable': {
      const iterable = reader === 'iterate' ? body : body.readable();
      const iterate = async (): Promise<void> => {
        for await (const bytes of iterable as AsyncIterable<Uint8Array>) {
          reading.bytes.push(Buffer.from(bytes));
          if (reading.left) break;
        }
      };
      iterate().then(
        () => settle('complete'),
        error => settle('error', error),
      );
      if ('destroy' in iterable) reading.leave = () => void iterable.destroy();
      break;
    }
    case 'nobody':
  }
  return reading;
}

async function play(scene: Scenario): Promise<void> {
  const expected = scene.framing === 'none' ? Buffer.alloc(0) : content(scene.size);
  const sent = wire(scene, expected);
  const at = [...scene.cuts.map(cut => Math.floor(cut * sent.length)), sent.length].sort((a, b) => a - b);
  const segments = at.map((to, i) => sent.subarray(at[i - 1] ?? 0, to)).filter(({ length }) => length > 0);
  const endAt = Math.floor(scene.endAt * segments.length);

  const stage = openConnection({ limits: { maxDrain: scene.maxDrain }, highWaterMark: scene.highWaterMark });
  const { transport, clock, reports } = stage;
  const source = new Subject<string>();
  const response: Recorded<ProtocolResponse> = stage.request(scene.upload ? { method: 'POST', body: source } : {});
  const trailers = { seen: undefined as Recorded<unknown> | undefined };
  let reading: Reading | undefined;

  for (let step = 0; step <= 14; step++) {
    if (step === scene.uploadEndsAt && source.observed) {
      source.next('x'.repeat(60));
      source.complete();
    }
    transport.drain();
    if (step === endAt) {
      if (scene.end === 'FIN') transport.fin();
      if (scene.end === 'RST') transport.reset();
      if (scene.end === 'close()') stage.connection.close();
    }
    if (step < segments.length) transport.respond(segments[step]);
    if (response.values.length > 0 && step >= scene.claimAt && reading === undefined) {
      trailers.seen = record(response.values[0].trailers);
      reading = read(scene.reader, response.values[0]);
    }
    if (step >= scene.leaveAt && reading !== undefined && !reading.left && reading.outcome === '') {
      reading.left = true;
      reading.leave();
    }
    if (scene.pausesBetween) await microtasks();
  }
  source.complete();
  // The rest is what time brings: what has not ended by then hangs.
  for (let i = 0; i < 4; i++) {
    await turns(2);
    transport.drain();
    clock.advance(100_000);
  }
  await turns(2);

  expect(response.terminals).toBe(1);
  expect(response.completed).toBe(response.values.length === 1);
  if (reading !== undefined && scene.reader !== 'nobody') {
    expect(reading.damaged).toBe(false);
    if (!reading.left) expect(reading.outcome).not.toBe('');
    const got = Buffer.concat(reading.bytes);
    expect(got.equals(expected.subarray(0, got.length))).toBe(true);
    const whole = scene.reader !== 'take' && scene.reader !== 'discard';
    if (reading.outcome === 'complete' && !reading.left && whole) {
      if (scene.framing !== 'close') expect(got.length).toBe(expected.length);
      else expect(scene.end).toBe('FIN');
    }
    if (reading.outcome === 'error' && !reading.left) expect(reading.error).toBeInstanceOf(HTTPClientError);
  }
  if (trailers.seen !== undefined) expect(trailers.seen.terminals).toBe(1);
  expect(['quiescent', 'closed']).toContain(stage.state);
  expect(transport.destroyed || transport.isClosed).toBe(stage.state === 'closed');
  // Nothing waits but the response that nobody has claimed, and that is reported.
  for (const report of reports) expect(report).toBeInstanceOf(BodyUnclaimedError);
  expect(clock.waiting).toBe(false);
  if (stage.state === 'quiescent') {
    expect(transport.paused).toBe(false);
    expect(stage.log.filter(entry => entry === 'quiescent').length).toBe(1);
    const again = stage.request({ path: '/again' });
    transport.respond('HTTP/1.1 204 No Content\r\n\r\n');
    expect(again.outcome).toBe('value');
    expect(transport.requests.every(({ complete }) => complete)).toBe(true);
  }
}

describe('Any response, in any pieces, to any consumer, cut anywhere', () => {
  it('has one outcome, shows no wrong byte, and leaves nothing behind', async () => {
    await fc.assert(fc.asyncProperty(scenario, play), {
      seed: Number(process.env['FUZZ_SEED'] ?? 1),
      numRuns: Number(process.env['FUZZ_RUNS'] ?? 300),
    });
  }, 120_000);
});
