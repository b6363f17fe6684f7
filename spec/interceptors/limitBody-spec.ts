import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { concatMap, of, type Observable } from 'rxjs';
import type { HTTPResponse } from '../../src/agent/index.js';
import { BodyTooLargeError } from '../../src/errors/index.js';
import { decompress, limitBody } from '../../src/interceptors/index.js';
import { bytes, discard, json, text } from '../../src/operators/index.js';
import { until } from '../loopback/index.js';
import { answer, chunk, chunkedHead, microtasks, record } from '../support/index.js';
import { made, requestTo, site } from './site.js';

const digits = (length: number): string => '1'.repeat(length);
const chunked = (...sizes: number[]): string => chunkedHead + sizes.map(size => chunk(digits(size))).join('');

/** Every way to read a body, and the length of what comes. */
const readers: Record<string, (response$: Observable<HTTPResponse>) => Observable<unknown>> = {
  text: response$ => response$.pipe(text()),
  json: response$ => response$.pipe(json()),
  bytes: response$ => response$.pipe(bytes()),
  discard: response$ => response$.pipe(discard()),
  body: response$ => response$.pipe(concatMap(({ body }) => body)),
  pull: response$ => response$.pipe(concatMap(({ body }) => body.pull(piece => of(piece.length)))),
  'for await': response$ => response$.pipe(concatMap(({ body }) => iterated(body))),
  readable: response$ =>
    response$.pipe(concatMap(({ body }) => iterated(body.readable() as AsyncIterable<Uint8Array>))),
};
async function iterated(source: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const piece of source) length += piece.length;
  return length;
}

function limited(bytesOf: string | Uint8Array, limit = 100, ...more: ReturnType<typeof decompress>[]) {
  const stage = site(() => bytesOf);
  return {
    ...stage,
    agent: stage.agent.extend({ interceptors: [limitBody(limit), ...more], decompress: more.length === 0 }),
  };
}

describe.each(Object.entries(readers))('limitBody, a body read by %s', (_, read) => {
  it.each([
    ['declared', answer(digits(100))],
    ['in chunks', `${chunked(50, 50)}0\r\n\r\n`],
    ['to the end of the connection', `HTTP/1.1 200 OK\r\n\r\n${digits(100)}`],
  ])('%s, as long as it may be', async (name, response) => {
    const { agent, transports, run } = limited(response);
    const seen = await run(read(agent.get('http://a.test/')));
    if (name.startsWith('to')) transports[0].fin();
    await until(() => seen.terminals > 0, 'the end');
    expect([seen.error, seen.completed]).toEqual([undefined, true]);
  });

  it.each([
    ['declared', answer(digits(101)).slice(0, -101)],
    ['declared, all there', answer(digits(101))],
    ['in chunks', chunked(50, 50, 1)],
    ['in one chunk', chunked(101)],
    ['to the end of the connection', `HTTP/1.1 200 OK\r\n\r\n${digits(101)}`],
  ])('%s, longer: fails, once, and the connection is let go', async (_name, response) => {
    const { agent, clock, run } = limited(response);
    const seen = await run(read(agent.get('http://a.test/')));
    await until(() => seen.terminals > 0, 'the end');
    expect(seen.error).toBeInstanceOf(BodyTooLargeError);
    expect([seen.error, seen.terminals]).toMatchObject([
      { code: 'ERR_BODY_TOO_LARGE', limit: 100, phase: 'receive', request: { method: 'GET' } },
      1,
    ]);
    clock.advance(1_000); // what is known to be short is drained, for a second
    await microtasks();
    expect(agent.pool.stats()).toMatchObject({ leased: 0 });
  });

  it('what counts is what comes out', async () => {
    const body = gzipSync(digits(5_000));
    const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`;
    expect(body.length).toBeLessThan(100);
    for (const [limit, isShort] of [
      [4_999, true],
      [5_000, false],
    ] as const) {
      const inAgent = limited(Buffer.concat([Buffer.from(head), body]), limit);
      const inside = limited(Buffer.concat([Buffer.from(head), body]), limit, decompress());
      for (const { agent } of [inAgent, inside]) {
        const seen = record(read(agent.get('http://a.test/')));
        await until(() => seen.terminals > 0, 'the end');
        expect((seen.error as { code?: string } | undefined)?.code).toBe(isShort ? 'ERR_BODY_TOO_LARGE' : undefined);
      }
    }
  });
});

describe('limitBody', () => {
  it('delivers no byte of the piece that goes over', async () => {
    const { agent, run } = limited(chunked(60, 60));
    const seen = await run(agent.get('http://a.test/').pipe(concatMap(({ body }) => body)));
    expect(seen.values.map(({ length }) => length).reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(100);
    expect(seen.error).toMatchObject({ code: 'ERR_BODY_TOO_LARGE' });
  });

  it('the error of a declared length has the response, whose body is gone', async () => {
    const { agent, run } = limited(answer(digits(101)));
    const { error, values } = await run(agent.get('http://a.test/'));
    const { response } = error as { response: HTTPResponse };
    expect([values, response.status, response.body.used]).toEqual([[], 200, true]);
  });

  it('what a HEAD would have had is no body', async () => {
    const { agent, run } = limited('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n');
    expect((await run(agent.head('http://a.test/').pipe(text()))).values).toEqual(['']);
    const other = limited('HTTP/1.1 304 Not Modified\r\nContent-Length: 1000000\r\n\r\n');
    expect((await other.run(other.agent.get('http://a.test/').pipe(text()))).values).toEqual(['']);
  });

  it('keeps headers and trailers, and the socket waits for who reads', async () => {
    const { agent, transports, run } = limited(chunked(50));
    const { values } = await run(agent.get('http://a.test/'));
    const trailers = record(values[0].trailers);
    const reading = record(values[0].text());
    transports[0].respond('0\r\nX-T: t\r\n\r\n');
    expect([reading.values, trailers.values[0].get('x-t')]).toEqual([[digits(50)], 't']);
    expect(agent.pool.stats()).toMatchObject({ leased: 0, idle: 1 });
  });

  it('left in the middle, the connection is let go', async () => {
    const { agent, transports, run } = limited(chunked(50), 1_000);
    const seen = await run(agent.get('http://a.test/').pipe(concatMap(({ body }) => body)));
    expect(seen.values).toHaveLength(1);
    seen.subscription.unsubscribe();
    expect([transports[0].destroyed, agent.pool.stats().leased]).toEqual([true, 0]);
  });

  it('of nothing is none; of infinity everything', async () => {
    const none = limited(answer(''), 0);
    expect((await none.run(none.agent.get('http://a.test/').pipe(text()))).values).toEqual(['']);
    const { agent, run } = limited(answer(digits(5_000)), Infinity);
    expect((await run(agent.get('http://a.test/').pipe(text()))).values).toEqual([digits(5_000)]);
  });

  it('leaves a response that somebody made up', () => {
    const response = { status: 200 } as HTTPResponse;
    expect(record(limitBody(1)(requestTo(), () => of(response))).values).toEqual([response]);
    const longer = limitBody(1)(requestTo(), request => of(made(request, { body: 'ab' })));
    expect(record(longer).error).toMatchObject({ code: 'ERR_BODY_TOO_LARGE' });
  });

  it.each([-1, 1.5, NaN, '1', undefined])('refuses %p', maxBytes => {
    const make = (): unknown => limitBody(maxBytes as number);
    expect(make).toThrow(expect.objectContaining({ option: 'maxBytes' }));
  });
});
