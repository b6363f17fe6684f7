import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { concatMap, config, finalize, Observable, of, tap, UnsubscriptionError } from 'rxjs';
import type { HTTPEvent, HTTPInterceptor, HTTPResponse } from '../../src/agent/index.js';
import { onAbort } from '../../src/agent/onAbort.js';
import { AbortedError, TotalTimeoutError } from '../../src/errors/index.js';
import { text } from '../../src/operators/index.js';
import { unhandledErrors } from '../pool/support/index.js';
import { answer, openAgent, record } from '../support/index.js';

const url = 'http://example.test/';

const throwing: HTTPInterceptor = (request, next) =>
  next(request).pipe(
    finalize(() => {
      throw new Error('from finalize');
    }),
  );

describe('an interceptor whose finalizer throws', () => {
  afterEach(() => {
    config.onUnhandledError = null;
  });

  /** Requests of two agents on one pool, of which the first throws. */
  function two() {
    const { agent: good, clock, transports } = openAgent();
    return { good, bad: good.extend({ interceptors: [throwing] }), clock, transports };
  }

  it('at the end of total: its subscriber is told, its connection destroyed, and the other request ended too', async () => {
    const { good, bad, clock, transports } = two();
    const seen = [bad, good].map(agent => record(agent.get(url, { timeouts: { total: 200 } })));
    const errors = await unhandledErrors(() => clock.advance(200), 1);
    expect(errors).toEqual([expect.any(UnsubscriptionError)]);
    for (const { error, terminals } of seen) {
      expect(error).toBeInstanceOf(TotalTimeoutError);
      expect(terminals).toBe(1);
    }
    expect(transports.map(({ destroyed }) => destroyed)).toEqual([true, true]);
    expect(good.pool.stats().leased).toBe(0);
    good.pool.close(); // which stops a timer that nothing waits for
    expect(clock.waiting).toBe(false);
  });

  it('at an abort: the same, for each request that has the signal', async () => {
    const { good, bad, transports } = two();
    const { signal, abort } = abortable();
    const seen = [bad, bad, good].map(agent => record(agent.get(url, { signal })));
    const errors = await unhandledErrors(abort, 2);
    expect(errors).toEqual([expect.any(UnsubscriptionError), expect.any(UnsubscriptionError)]);
    for (const { error, terminals } of seen) {
      expect(error).toBeInstanceOf(AbortedError);
      expect(terminals).toBe(1);
    }
    expect(transports.map(({ destroyed }) => destroyed)).toEqual([true, true, true]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('when its subscriber goes: nothing is left of it', async () => {
    const { bad, clock, transports } = two();
    const { signal } = abortable();
    const seen = record(bad.get(url, { signal, timeouts: { total: 200 } }));
    const errors = await unhandledErrors(() => seen.subscription.unsubscribe(), 1);
    expect(errors).toEqual([expect.any(UnsubscriptionError)]);
    expect(transports[0].destroyed).toBe(true);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    bad.pool.close();
    expect(clock.waiting).toBe(false);
  });
});

describe('a signal that is aborted while the response is being told', () => {
  it('completes the request, whose body fails', () => {
    const { agent, transports } = openAgent();
    const { signal, abort } = abortable();
    const bodies: ReturnType<typeof record>[] = [];
    const taken = (response: HTTPResponse): void => {
      bodies.push(record(response.body));
      abort();
    };
    const seen = record(agent.get(url, { signal }).pipe(tap(taken)));
    transports[0].respond('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe');
    expect(seen).toMatchObject({ error: undefined, terminals: 1 });
    expect(bodies[0].error).toBeInstanceOf(AbortedError);
    expect(agent.pool.stats()).toMatchObject({ leased: 0, idle: 0 });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    agent.pool.close();
  });

  it('completes a request whose response had come whole', () => {
    const { agent, transports } = openAgent();
    const { signal, abort } = abortable();
    const seen = record(agent.get(url, { signal }).pipe(tap(abort), text()));
    transports[0].respond(answer('hello'));
    expect(seen).toMatchObject({ values: ['hello'], error: undefined, terminals: 1 });
    expect(agent.pool.stats()).toMatchObject({ leased: 0, idle: 1 });
    agent.pool.close();
  });
});

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

describe('onAbort', () => {
  it('calls all who wait, whatever one of them throws', async () => {
    const { signal, abort } = abortable();
    const log: string[] = [];
    onAbort(signal, () => log.push('first'));
    onAbort(signal, () => {
      throw new Error('odd');
    });
    onAbort(signal, () => log.push('third'));
    const errors = await unhandledErrors(abort, 1);
    config.onUnhandledError = null;
    expect(errors).toMatchObject([{ message: 'odd' }]);
    expect(log).toEqual(['first', 'third']);
  });
});

describe('an interceptor that returns no Observable', () => {
  const wrong: Record<string, unknown> = { 'a Promise': () => Promise.resolve(), nothing: () => undefined };

  it.each(Object.keys(wrong))('%s: TypeError as a notification, and nothing is left of it', name => {
    const { agent, clock } = openAgent({ interceptors: [wrong[name] as HTTPInterceptor] });
    const { signal } = abortable();
    const plain = record(agent.get(url));
    const watched = record(agent.get(url, { signal, timeouts: { total: 1_000 } }));
    for (const { error, terminals } of [plain, watched]) {
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ message: 'An interceptor must return an Observable' });
      expect(terminals).toBe(1);
    }
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    agent.pool.close();
    expect(clock.waiting).toBe(false);
  });
});

describe('an interceptor that returns an Observable whose subscribe throws', () => {
  it('is told as a notification, and nothing is left of it', () => {
    const odd = new Error('odd');
    const broken = Object.assign(new Observable<never>(), {
      subscribe: () => {
        throw odd;
      },
    });
    const { agent, clock } = openAgent({ interceptors: [() => broken] });
    const { signal } = abortable();
    const seen = record(agent.get(url, { signal, timeouts: { total: 1_000 } }));
    expect([seen.error, seen.terminals]).toEqual([odd, 1]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    agent.pool.close();
    expect(clock.waiting).toBe(false);
  });
});

describe('the events of a request that an interceptor makes again', () => {
  const again: HTTPInterceptor = (request, next) =>
    next(request).pipe(concatMap(response => (response.status === 503 ? next(request) : of(response))));
  const refusal = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 500000\r\n\r\nsorry';

  /** The second attempt has its response head and a part of the body; nobody reads that of the first. */
  function secondAttempt() {
    const { agent, clock, transports } = openAgent({ interceptors: [again] });
    const events = record(agent.requestEvents({ url }));
    transports[0].respond(refusal);
    transports[1].respond(answer('fine').slice(0, -2));
    const [response] = events.values.flatMap(event => (event.type === 'response' ? [event.response] : []));
    const body = record(response.text());
    return { clock, transports, events, body };
  }

  const types = (events: readonly HTTPEvent[]): string[] => events.map(({ type }) => type);

  it('end with done, though the connection of the attempt that was given up is lost meanwhile', () => {
    const { transports, events, body } = secondAttempt();
    transports[0].reset();
    expect(events.terminals).toBe(0);
    transports[1].respond('ne');
    expect(body.values).toEqual(['fine']);
    expect(types(events.values).at(-1)).toBe('done');
    expect([events.error, events.completed]).toEqual([undefined, true]);
  });

  it('end with the body of the last, though the attempt that was given up still has its connection', () => {
    const { transports, events } = secondAttempt();
    transports[1].respond('ne');
    expect(transports[0].destroyed).toBe(false);
    expect(types(events.values).at(-1)).toBe('done');
    expect(events.completed).toBe(true);
  });

  it('fail when the last is lost', () => {
    const { transports, events, body } = secondAttempt();
    transports[1].reset();
    expect(body.error).toMatchObject({ code: 'ERR_TRUNCATED_BODY' });
    expect(events.error).toBe(body.error);
  });
});
