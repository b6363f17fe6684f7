import { describe, expect, it } from '@jest/globals';
import { concatMap, map, NEVER, Observable, of, Subject, throwError } from 'rxjs';
import type { AgentResponse, HTTPInterceptor, HTTPResponse, HTTPResponseUpdate } from '../../src/agent/index.js';
import { bytes, json, text } from '../../src/operators/index.js';
import type { BodyChunk } from '../../src/protocol/index.js';
import { answer, chunk, chunkedHead, microtasks, openAgent, record, ticks } from '../support/index.js';

const url = 'http://example.test/';

/** An agent whose responses are changed so, and the answer `hello` on its way. */
function changed(update: (response: HTTPResponse) => HTTPResponseUpdate) {
  const interceptor: HTTPInterceptor = (request, next) =>
    next(request).pipe(map(response => response.with(update(response))));
  const stage = openAgent({ interceptors: [interceptor] });
  const respond = (head = answer('hello', { headers: ['X-A: a'] })): void => stage.transports[0].respond(head);
  return { ...stage, respond };
}

async function* pieces(log: string[], ...all: BodyChunk[]): AsyncGenerator<BodyChunk> {
  try {
    for (const piece of all) {
      log.push(`gives ${String(piece)}`);
      yield piece;
      await Promise.resolve();
    }
  } finally {
    log.push('returned');
  }
}

/** Those of the body that was made up, not of the connection. */
function incomingTrailers(response: HTTPResponse): Observable<unknown> {
  return (response as AgentResponse).source.trailers;
}

describe('HTTPResponse.with', () => {
  it('changes what is given, and nothing else', () => {
    const { agent, respond } = changed(({ headers }) => ({ status: 418, headers: headers.with({ 'X-B': 'b' }) }));
    const { values } = record(agent.get(url));
    respond();
    const [{ status, statusText, ok, headers, history, request, httpVersion, timings }] = values;
    expect([status, statusText, ok, headers.get('x-a'), headers.get('x-b')]).toEqual([418, 'OK', false, 'a', 'b']);
    expect([history, request.url, httpVersion, timings.acquire]).toEqual([[], url, '1.1', 0]);
    expect(record(values[0].text()).values).toEqual(['hello']);
  });

  it('undefined changes nothing, and neither does a polluted prototype', () => {
    const hello = answer('hello', { headers: ['X-A: a'] });
    Object.assign(Object.prototype, { status: 500, body: 'evil', trailers: NEVER, history: ['evil'] });
    try {
      const { agent, respond } = changed(() => ({ headers: undefined }));
      const { values } = record(agent.get(url));
      respond(hello);
      expect([values[0].status, values[0].headers.get('x-a'), values[0].history]).toEqual([200, 'a', []]);
      expect([record(values[0].text()).values, record(values[0].trailers).completed]).toEqual([['hello'], true]);
    } finally {
      for (const name of ['status', 'body', 'trailers', 'history']) {
        delete (Object.prototype as unknown as Record<string, unknown>)[name];
      }
    }
  });

  it('keeps the trailers and the connection of the body that it keeps', () => {
    const { agent, respond, transports } = changed(() => ({ status: 201 }));
    const seen = record(agent.get(url));
    respond(`${chunkedHead}${chunk('ab')}`);
    const [response] = seen.values;
    const trailers = record(response.trailers);
    const body = record(response.text());
    expect(agent.pool.stats().leased).toBe(1);
    respond('0\r\nX-T: t\r\n\r\n');
    expect([body.values, trailers.values.map(fields => fields.get('x-t'))]).toEqual([['ab'], ['t']]);
    expect([agent.pool.stats().idle, transports.length]).toEqual([1, 1]);
  });

  it.each<[string, (log: string[]) => NonNullable<HTTPResponseUpdate['body']>]>([
    ['a string', () => 'héllo'],
    ['bytes', () => Buffer.from('héllo')],
    ['an iterable', log => pieces(log, 'h', Buffer.from('él'), 'lo')],
    ['an Observable', () => of('hé', Buffer.from('llo'))],
  ])('takes %s for a body, read in every way', async (_, bodyOf) => {
    const readers = [text(), concatMap(({ body }: HTTPResponse) => body.pull(part => [Buffer.from(part).toString()]))];
    for (const reader of readers) {
      const { agent, respond } = changed(() => ({ body: bodyOf([]) }));
      const seen = record(agent.get(url).pipe(reader));
      respond();
      await microtasks();
      expect([seen.values.join(''), seen.completed]).toEqual(['héllo', true]);
    }
    const { agent, respond } = changed(() => ({ body: bodyOf([]) }));
    const { values } = record(agent.get(url));
    respond();
    let all = '';
    for await (const part of values[0].body) all += Buffer.from(part).toString();
    expect([all, values[0].body.used, record(values[0].bytes()).error]).toMatchObject([
      'héllo',
      true,
      { code: 'ERR_BODY_USED', request: { method: 'GET' } },
    ]);
  });

  it('an empty body is one', async () => {
    for (const body of ['', Buffer.alloc(0), pieces([]), of()] as NonNullable<HTTPResponseUpdate['body']>[]) {
      const { agent, respond } = changed(() => ({ body }));
      const seen = record(agent.get(url).pipe(bytes()));
      respond();
      await microtasks();
      expect(seen.values.map(({ length }) => length)).toEqual([0]);
    }
  });

  it('asks an iterable for no more than is read, and tells it when that is enough', async () => {
    const log: string[] = [];
    const { agent, respond } = changed(() => ({ body: pieces(log, 'a', 'b', 'c') }));
    const { values } = record(agent.get(url));
    respond();
    await microtasks();
    expect(log).toEqual([]);
    const gate = new Subject<void>();
    const reading = record(values[0].body.pull(() => gate));
    await microtasks();
    expect(log).toEqual(['gives a']);
    gate.complete();
    reading.subscription.unsubscribe();
    await microtasks();
    expect(log.at(-1)).toBe('returned');
  });

  it('an Observable is subscribed to when the body is, and unsubscribed from with it', () => {
    const log: string[] = [];
    const body = new Observable<string>(subscriber => {
      log.push('subscribed');
      subscriber.next('a');
      return () => log.push('left');
    });
    const { agent, respond } = changed(() => ({ body }));
    const { values } = record(agent.get(url));
    respond();
    expect(log).toEqual([]);
    const reading = record(values[0].body);
    expect([log, reading.values.map(part => Buffer.from(part).toString())]).toEqual([['subscribed'], ['a']]);
    reading.subscription.unsubscribe();
    expect(log).toEqual(['subscribed', 'left']);
  });

  it('that is left tells who waits for its trailers', async () => {
    for (const body of [NEVER, pieces([], 'a', 'b')]) {
      const { agent, respond } = changed(() => ({ body }));
      const { values } = record(agent.get(url));
      respond('HTTP/1.1 200 OK\r\n\r\n');
      const made = values[0].body;
      const trailers = record(incomingTrailers(values[0]));
      record(made).subscription.unsubscribe();
      await microtasks();
      expect([trailers.error, trailers.terminals]).toMatchObject([{ code: 'ERR_ABORTED' }, 1]);
    }
  });

  it('left while its Observable is being subscribed to, leaves that', () => {
    let left = false;
    const body = new Observable<string>(subscriber => {
      subscriber.next('a');
      return () => (left = true);
    });
    const { agent, respond } = changed(() => ({ body }));
    const { values } = record(agent.get(url));
    respond();
    const subscription = values[0].body.subscribe(() => queueMicrotask(() => subscription.unsubscribe()));
    values[0].body.subscribe({ error: () => undefined });
    subscription.unsubscribe();
    expect(left).toBe(true);
  });

  it.each(['', new Uint8Array(0)])('of no bytes gives no chunk: %p', body => {
    const { agent, respond } = changed(() => ({ body }));
    const { values } = record(agent.get(url));
    respond();
    expect(record(values[0].body)).toMatchObject({ values: [], completed: true });
  });

  it('asks an iterator for one piece at a time, also if the consumer is done with the last at once', async () => {
    let asked = 0;
    let most = 0;
    let given = 0;
    const next = async (): Promise<IteratorResult<BodyChunk>> => {
      most = Math.max(most, ++asked);
      await Promise.resolve();
      asked--;
      return given++ < 4 ? { done: false, value: `${given} ` } : { done: true, value: undefined };
    };
    const { agent, respond } = changed(() => ({ body: { [Symbol.asyncIterator]: () => ({ next }) } }));
    const { values } = record(agent.get(url));
    respond();
    const seen = record(values[0].body.pull(chunk => of(Buffer.from(chunk).toString())));
    await ticks();
    expect([seen.values, seen.completed, most]).toEqual([['1 ', '2 ', '3 ', '4 '], true, 1]);
  });

  it.each<[string, () => NonNullable<HTTPResponseUpdate['body']>]>([
    ['an Observable', () => throwError(() => new Error('made up'))],
    [
      'an iterable',
      () => ({
        [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('made up')) }),
      }),
    ],
    [
      'an iterable without an iterator',
      () => ({
        [Symbol.asyncIterator]: () => {
          throw new Error('made up');
        },
      }),
    ],
  ])('fails with the error of %s', async (_, bodyOf) => {
    const { agent, respond } = changed(() => ({ body: bodyOf() }));
    const seen = record(agent.get(url).pipe(json()));
    respond();
    await microtasks();
    expect([seen.error, seen.terminals]).toMatchObject([{ message: 'made up' }, 1]);
  });
});
