import { getEventListeners } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { lastValueFrom, mergeMap, NEVER, Observable, type Subscription } from 'rxjs';
import { AbortedError, Agent, type HTTPResponse, type RequestOptions, text } from 'rxjs-http-pool';
import { type Blackhole, blackhole, type Loopback, rawServer, turns, until } from '../loopback/index.js';
import { record, type Recorded } from '../support/index.js';

const part = 'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhello';
const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';

/** A place at which a request can be cut off: what leads there, and how far the error says that it had got. */
interface Place {
  readonly phase: string;
  /** Starts a request; resolves when it is at the place. */
  readonly start: (options: RequestOptions) => Promise<Recorded<unknown>>;
  /** A connection was open, and must not be when the request is cut off. */
  readonly connected: boolean;
}

describe('cutting off a request of an agent', () => {
  let hole: Blackhole;
  let server: Loopback;
  let agent: Agent;
  let url: string;
  let answer: string;
  let requests: number;
  const held: Subscription[] = [];

  beforeAll(async () => {
    hole = await blackhole();
  });

  afterAll(() => hole.close());

  beforeEach(async () => {
    answer = '';
    requests = 0;
    server = await rawServer((socket: Socket) => {
      socket.on('data', () => {
        requests++;
        socket.write(answer);
      });
      socket.on('end', () => socket.end());
    });
    url = `http://${server.host}:${server.port}/path?secret`;
    agent = new Agent({ pool: { maxConnectionsPerHost: 1 } });
  });

  afterEach(async () => {
    for (const subscription of held.splice(0)) subscription.unsubscribe();
    await lastValueFrom(agent.close({ gracePeriod: 0 }));
    await server.close();
  });

  const places: Record<string, Place> = {
    'in the queue of the pool': {
      phase: 'acquire',
      connected: false,
      start: async options => {
        const lease$ = agent.pool.get(`http://${server.host}:${server.port}`, NEVER);
        held.push(lease$.subscribe());
        const seen = record(agent.get(url, options));
        await until(() => agent.pool.stats().pending === 2, 'two gets that wait');
        return seen;
      },
    },
    'while it dials': {
      phase: 'acquire',
      connected: false,
      start: async options => {
        const seen = record(agent.get(`http://127.0.0.1:${hole.port}/path?secret`, options));
        expect(agent.pool.stats().connecting).toBe(1);
        await turns(10);
        return seen;
      },
    },
    'while it sends': {
      phase: 'transmit',
      connected: true,
      start: async options => {
        const body = new Observable<string>(subscriber => subscriber.next('a part'));
        const seen = record(agent.post(url, body, options));
        await until(() => requests > 0, 'a part of the request');
        return seen;
      },
    },
    'while it waits for the head': {
      phase: 'wait',
      connected: true,
      start: async options => {
        const seen = record(agent.get(url, options));
        await until(() => requests > 0, 'the request');
        await turns(5);
        return seen;
      },
    },
    'in the middle of the body': {
      phase: 'receive',
      connected: true,
      start: async options => {
        answer = part;
        let head: HTTPResponse | undefined;
        const seen = record(
          agent.get(url, options).pipe(
            mergeMap(response => {
              head = response;
              return response.text();
            }),
          ),
        );
        await until(() => head !== undefined, 'the head');
        return seen;
      },
    },
  };

  /** Nothing of it is left: no connection, no dial, no get that waits. */
  async function gone({ connected }: Place): Promise<void> {
    const others = held.length;
    for (const subscription of held.splice(0)) subscription.unsubscribe();
    await until(() => agent.pool.stats().connecting === 0 && agent.pool.stats().pending === 0, 'nothing to wait');
    expect(agent.pool.stats()).toMatchObject({ leased: 0, idle: 0, connecting: 0, pending: 0, retries: 0 });
    await server.quiet();
    expect(server.connections).toBe(connected ? 1 : 0);
    expect(others).toBeLessThanOrEqual(1);
  }

  for (const [name, place] of Object.entries(places)) {
    it(`aborts it by a signal ${name}`, async () => {
      const controller = new AbortController();
      const { signal } = controller;
      const seen = await place.start({ signal });
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      expect(seen.terminals).toBe(0);

      const reason = new Error('the user has gone');
      controller.abort(reason);
      expect(seen.terminals).toBe(1);
      expect(seen.error).toBeInstanceOf(AbortedError);
      expect(seen.error).toMatchObject({ code: 'ERR_ABORTED', phase: place.phase, cause: reason });
      const { request } = seen.error as AbortedError;
      expect(request?.url).toMatch(/\/path\?…$/);
      expect(getEventListeners(signal, 'abort')).toEqual([]);
      await gone(place);
    });

    it(`ends it when unsubscribed from ${name}`, async () => {
      const { signal } = new AbortController();
      const seen = await place.start({ signal });
      seen.subscription.unsubscribe();
      await gone(place);
      expect(seen.terminals).toBe(0);
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    });

    it(`ends it when unsubscribed from ${name}, without a signal`, async () => {
      const seen = await place.start({});
      seen.subscription.unsubscribe();
      await gone(place);
      expect(seen.terminals).toBe(0);
    });
  }

  it('makes no connection for a signal that was aborted before', async () => {
    const signal = AbortSignal.abort('why');
    const seen = record(agent.get(url, { signal }));
    expect(seen.error).toMatchObject({
      code: 'ERR_ABORTED',
      phase: 'acquire',
      cause: 'why',
      request: { method: 'GET' },
    });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await turns(10);
    expect(agent.pool.stats()).toMatchObject({ connecting: 0, opened: 0, leases: 0 });
    expect(server.connections).toBe(0);
  });

  it('does nothing after the end', async () => {
    answer = whole;
    const controller = new AbortController();
    const { signal } = controller;
    expect(await lastValueFrom(agent.get(url, { signal }).pipe(text()))).toBe('hello');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    controller.abort();
    await turns(10);
    expect(agent.pool.stats()).toMatchObject({ idle: 1, evictions: 0 });
    expect(await lastValueFrom(agent.get(url).pipe(text()))).toBe('hello');
    expect(server.connections).toBe(1);
  });

  it('does nothing to a response that was read ahead and not yet read', async () => {
    answer = whole;
    const controller = new AbortController();
    const response = await lastValueFrom(agent.get(url, { signal: controller.signal }));
    await until(() => agent.pool.stats().idle === 1, 'the connection to be back');
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    controller.abort();
    expect(await lastValueFrom(response.text())).toBe('hello');
    expect(agent.pool.stats()).toMatchObject({ idle: 1, evictions: 0 });
  });

  it('aborts a body that nobody has claimed', async () => {
    answer = part;
    const controller = new AbortController();
    const response = await lastValueFrom(agent.get(url, { signal: controller.signal }));
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort();
    expect(record(response.text()).error).toMatchObject({ code: 'ERR_ABORTED', phase: 'receive' });
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    await server.quiet();
  });

  it('leaves no listener after a failure', async () => {
    const { signal } = new AbortController();
    const failing = new Agent({ pool: agent.pool, timeouts: { headers: 20 } });
    const seen = record(failing.get(url, { signal }));
    await until(() => seen.terminals === 1, 'the failure');
    expect(seen.error).toMatchObject({ code: 'ERR_HEADERS_TIMEOUT' });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(record(failing.get('nonsense', { signal })).error).toMatchObject({ code: 'ERR_INVALID_REQUEST' });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('aborts each of the requests that share a signal, also those that the first makes end', async () => {
    const many = new Agent();
    const controller = new AbortController();
    const { signal } = controller;
    const order: number[] = [];
    const subscriptions: Subscription[] = [];
    for (let i = 0; i < 30; i++) {
      subscriptions.push(
        many.get(url, { signal }).subscribe({
          error: () => {
            order.push(i);
            if (i === 0) subscriptions[1].unsubscribe();
          },
        }),
      );
    }
    await until(() => requests === 30, 'all of them');
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    controller.abort();
    expect(order).toEqual(Array.from({ length: 30 }, (_, i) => i).filter(i => i !== 1));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await server.quiet();
    await lastValueFrom(many.close());
  });

  it('aborts a retry of an interceptor, which waits between two attempts', async () => {
    const controller = new AbortController();
    let waiting = false;
    const patient = new Agent({
      pool: agent.pool,
      interceptors: [
        (request, next) =>
          next(request).pipe(
            mergeMap(() => {
              waiting = true;
              return NEVER;
            }),
          ),
      ],
    });
    answer = whole;
    const seen = record(patient.get(url, { signal: controller.signal }));
    await until(() => waiting, 'the first answer');
    controller.abort();
    expect(seen.error).toMatchObject({ code: 'ERR_ABORTED', request: { method: 'GET' } });
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });
});
