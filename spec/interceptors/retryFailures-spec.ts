import { describe, expect, it } from '@jest/globals';
import { concat, concatMap, map, of, queueScheduler, Subject, throwError, timer, type Observable } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import type { HTTPHandler, HTTPInterceptor, HTTPResponse } from '../../src/agent/index.js';
import {
  AbortedError,
  AcquireTimeoutError,
  BodyNotReplayableError,
  ConnectError,
  HeadersTimeoutError,
  InvalidRequestError,
  LeaseUsedError,
  ParseError,
  PoolClosedError,
  PoolQueueFullError,
  ProxyError,
  RequestNotSentError,
  RequestTransmissionFailedError,
  ResponseFailedError,
  ResponseNeverReceivedError,
  UnsolicitedDataError,
  UploadTimeoutError,
} from '../../src/errors/index.js';
import { retryFailures, type RetryEvent, type RetryFailuresOptions } from '../../src/interceptors/index.js';
import { retryAfter } from '../../src/interceptors/retryAfter.js';
import { text } from '../../src/operators/index.js';
import { answer, microtasks, record, VirtualClock } from '../support/index.js';
import { endless, made, requestTo, site } from './site.js';

/** No chance: each wait is as long as it may be. */
const longest = { random: () => 1, budget: false } as const;
const snapshot = { key: '', leased: 0, idle: 0, connecting: 0, pending: 0, max: 1, waited: 0 };

/** Answers one after the other, the last one for ever; each is a status, an error, or a response. */
function answers(...all: (number | Error | Observable<HTTPResponse>)[]): HTTPHandler & { count: number } {
  const handler: HTTPHandler & { count: number } = Object.assign(
    ((request): Observable<HTTPResponse> => {
      const next = all[Math.min(handler.count++, all.length - 1)];
      if (typeof next === 'number') return of(made(request, { status: next, body: `${next}` }));
      return next instanceof Error ? throwError(() => next) : next;
    }) as HTTPHandler,
    { count: 0 },
  );
  return handler;
}

/** Runs in virtual time; waits are noted as they are told. */
function retried(handler: HTTPHandler, options: RetryFailuresOptions = {}, request = requestTo()) {
  const clock = new VirtualClock();
  const waits: number[] = [];
  const onRetry = ({ delay }: RetryEvent): unknown => waits.push(delay);
  const seen = record(retryFailures({ ...longest, scheduler: clock, onRetry, ...options })(request, handler));
  return { clock, waits, seen };
}

describe('retryFailures', () => {
  it.each([408, 429, 500, 502, 503, 504])('makes a request again that was answered %i', status => {
    const handler = answers(status, status, 200);
    const { clock, waits, seen } = retried(handler);
    expect(seen.values).toHaveLength(0);
    clock.advance(1_000);
    expect([seen.values.map(response => response.status), seen.completed, waits]).toEqual([[200], true, [100, 200]]);
  });

  it.each([200, 204, 301, 304, 400, 401, 403, 404, 409, 413, 418, 501, 505])(
    'and not one that was answered %i',
    status => {
      const handler = answers(status);
      const { seen } = retried(handler);
      expect([seen.values.map(response => response.status), handler.count]).toEqual([[status], 1]);
    },
  );

  it('or those that are listed', () => {
    const handler = answers(503, 404, 200);
    expect(retried(handler, { statuses: [404] }).seen.values[0].status).toBe(503);
    const { clock, seen } = retried(handler, { statuses: [404] });
    clock.advance(100);
    expect(seen.values[0].status).toBe(200);
  });

  const errors: readonly (readonly [Error, boolean, boolean])[] = [
    [new ConnectError('no'), true, true],
    [new UnsolicitedDataError('no'), true, true],
    [new ProxyError('no'), true, true],
    [new RequestNotSentError('no'), true, true],
    [new RequestTransmissionFailedError('no'), true, false],
    [new UploadTimeoutError(1), true, false],
    [new ResponseNeverReceivedError('no'), true, false],
    [new HeadersTimeoutError(1), true, false],
    [new ResponseFailedError('no'), true, false],
    [new ParseError('no'), false, false],
    [new LeaseUsedError(), false, false],
    [new AbortedError(), false, false],
    [new InvalidRequestError('url', 'no'), false, false],
    [new BodyNotReplayableError(), false, false],
    [new AcquireTimeoutError(1, snapshot), false, false],
    [new PoolQueueFullError(1, snapshot), false, false],
    [new PoolClosedError(snapshot), false, false],
    [new Error('of somebody else'), false, false],
  ];
  it.each(errors.map(([error, ...answers]) => [error.name, error, ...answers] as const))(
    '%s',
    (_, error, get, post) => {
      for (const [method, retries] of [
        ['GET', get],
        ['POST', post],
      ] as const) {
        const handler = answers(error, 200);
        const { clock, seen } = retried(handler, {}, requestTo('http://a.test/', { method }));
        clock.advance(1_000);
        expect([seen.error, seen.values.length, handler.count]).toEqual(retries ? [undefined, 1, 2] : [error, 0, 1]);
      }
    },
  );

  it.each<[object, boolean]>([
    [{ method: 'PUT', body: 'x' }, true],
    [{ method: 'DELETE' }, true],
    [{ method: 'POST', body: 'x' }, false],
    [{ method: 'PATCH', body: 'x' }, false],
    [{ method: 'POST', body: 'x', headers: { 'Idempotency-Key': '1' } }, true],
    [{ method: 'POST', body: 'x', idempotent: true }, true],
    [{ method: 'GET', idempotent: false }, false],
    [{ method: 'PUT', body: Buffer.from('x') }, true],
    [{ method: 'PUT', body: () => of('x') }, true],
    [{ method: 'PUT', body: of('x') }, false],
  ])('a request %p: %p', (init, retries) => {
    const handler = answers(503, 200);
    const { clock } = retried(handler, {}, requestTo('http://a.test/', init));
    clock.advance(1_000);
    expect(handler.count).toBe(retries ? 2 : 1);
  });

  it('waits longer and longer, up to a limit, and a random part of that', () => {
    const options = { maxRetries: 6, baseDelay: 10, factor: 3, maxDelay: 500 };
    const all = retried(answers(503), options);
    all.clock.advance(10_000);
    expect(all.waits).toEqual([10, 30, 90, 270, 500, 500]);
    const half = retried(answers(503), { ...options, random: () => 0.5 });
    half.clock.advance(10_000);
    expect(half.waits).toEqual([5, 15, 45, 135, 250, 250]);
    const chance = retried(answers(503), {
      ...options,
      random: Math.random,
      maxRetries: 50,
      factor: 1,
      baseDelay: 100,
    });
    chance.clock.advance(10_000);
    expect(new Set(chance.waits).size).toBeGreaterThan(40);
    expect(Math.max(...chance.waits)).toBeLessThanOrEqual(100);
  });

  it('delivers the last response, its body to be read, when there are no more retries', () => {
    const handler = answers(503, 502, 500);
    const { clock, seen } = retried(handler, { maxRetries: 2 });
    clock.advance(10_000);
    expect([seen.values.map(response => response.status), seen.completed, handler.count]).toEqual([[500], true, 3]);
    expect(record(seen.values[0].text()).values).toEqual(['500']);
  });

  it('and the last error', () => {
    const last = new ConnectError('last');
    const handler = answers(new ConnectError('first'), last);
    const { clock, seen } = retried(handler, { maxRetries: 1 });
    clock.advance(10_000);
    expect([seen.error, seen.terminals, handler.count]).toEqual([last, 1, 2]);
  });

  it('does not make again what failed after it was delivered', () => {
    const lost = new ResponseNeverReceivedError('late');
    const handler: HTTPHandler = request =>
      concat(
        of(made(request)),
        throwError(() => lost),
      );
    const { seen } = retried(handler);
    expect([seen.values.length, seen.error]).toEqual([1, lost]);
  });

  it('reads the body out of the way, and then waits', () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
      const request = requestTo();
      const body = cold<string>('                        ---|');
      const first = cold('                         --f|', { f: made(request, { status: 503, body }) });
      const failing = cold<HTTPResponse>('   --#', undefined, new ConnectError('no'));
      const third = cold('                         ----t|', { t: made(request) });
      const response$ = retryFailures({ ...longest, baseDelay: 10 })(request, answers(first, failing, third));
      // The first, its body, 10 ms, the second, 20 ms, the third.
      expectObservable(response$.pipe(map(({ status }) => status))).toBe('----- 10ms -- 20ms ----t|', { t: 200 });
      expectSubscriptions(body.subscriptions).toBe('   --^--!');
      expectSubscriptions(first.subscriptions).toBe('  ^-!');
      expectSubscriptions(failing.subscriptions).toBe('----- 10ms ^-!');
      expectSubscriptions(third.subscriptions).toBe('  ------- 30ms ^----!');
    });
  });

  describe('Retry-After', () => {
    const saying = (value: string, status = 503): Observable<HTTPResponse> =>
      of(made(requestTo(), { status, headers: { 'Retry-After': value } }));

    it('is waited for, and a random part of the back-off', () => {
      const { clock, waits, seen } = retried(answers(saying('7'), 200));
      clock.advance(7_099);
      expect(seen.values).toHaveLength(0);
      clock.advance(1);
      expect([seen.values.length, waits]).toEqual([1, [7_100]]);
    });

    it('makes a 413 one that may be made again', () => {
      const { clock, seen } = retried(answers(saying('1', 413), 200));
      clock.advance(1_100);
      expect(seen.values[0].status).toBe(200);
    });

    it.each(['61', '99999999999', '9'.repeat(400), 'Thu, 01 Jan 1970 00:01:01 GMT'])('of %.40s is too long', value => {
      const handler = answers(saying(value), 200);
      expect([retried(handler).seen.values[0].status, handler.count]).toEqual([503, 1]);
    });

    it.each(['2147484', '99999999999', '9'.repeat(400)])('of %.40s s no timer can wait for', value => {
      const { clock, seen } = retried(answers(saying(value), 200), { maxRetryAfter: Infinity });
      expect([seen.values[0].status, clock.waiting]).toEqual([503, false]);
    });

    const now = Date.UTC(2026, 10, 28, 12, 0, 0);
    it.each<[string, number | null]>([
      ['0', 0],
      ['120', 120_000],
      ['Sat, 28 Nov 2026 12:00:05 GMT', 5_000],
      ['Saturday, 28-Nov-26 12:00:05 GMT', 5_000],
      ['Sat Nov 28 12:00:05 2026', 5_000],
      ['Tue Dec  1 12:00:00 2026', 3 * 86_400_000],
      ['Sat, 28 Nov 2026 11:00:00 GMT', 0],
      ['Sunday, 06-Nov-94 08:49:37 GMT', 0], // 1994
      ['Thursday, 28-Nov-76 12:00:00 GMT', Date.UTC(2076, 10, 28, 12) - now],
      ['Friday, 28-Nov-77 12:00:00 GMT', 0], // 1977
      ['Sat, 28 Nov 2026 12:00:60 GMT', 59_000],
      ['Sat, 28 Nov 0050 12:00:00 GMT', 0],
      ['Sat, 31 Nov 2026 12:00:00 GMT', null],
      ['Sat, 00 Nov 2026 12:00:00 GMT', null],
      ['Sat, 28 Nov 2026 24:00:00 GMT', null],
      ['Sat, 28 Nov 2026 12:60:00 GMT', null],
      ['Sat, 28 nov 2026 12:00:05 GMT', null],
      ['Sat, 28 Nov 2026 12:00:05', null],
      ['Sat, 28 Nov 2026 12:00:05 +0000', null],
      ['2026-11-28T12:00:05Z', null],
      ['-1', null],
      ['1.5', null],
      ['1, 2', null],
      ['soon', null],
      ['', null],
    ])('%s', (value, wait) => {
      expect(retryAfter(value, now)).toBe(wait);
    });

    it('that says nothing is none', () => {
      const { waits } = retried(answers(saying('soon'), 200));
      expect(waits).toEqual([100]);
    });
  });

  describe('the budget', () => {
    /** So many requests, one after the other, all of which fail as long as they may; how often one was made again. */
    function retriesOf(requests: number, options: RetryFailuresOptions, between = 0): number {
      const clock = new VirtualClock();
      let retries = 0;
      const onRetry = (): unknown => retries++;
      const interceptor = retryFailures({ random: () => 0, maxRetries: 3, scheduler: clock, onRetry, ...options });
      for (let i = 0; i < requests; i++) {
        record(interceptor(requestTo(), answers(503)));
        clock.advance(between);
      }
      return retries;
    }

    it('is a tenth of the requests, and ten', () => {
      expect(retriesOf(1_000, {})).toBe(110);
      expect(retriesOf(5, {})).toBe(10);
    });

    it('and ten more in ten seconds', () => {
      expect(retriesOf(100, { budget: { ratio: 0 } }, 1_000)).toBe(10 + 99);
    });

    it('is what it is said to be', () => {
      expect(retriesOf(1_000, { budget: { ratio: 0.5, floor: 0 } })).toBe(500);
      expect(retriesOf(100, { budget: { ratio: 0, floor: 3 } })).toBe(3);
      expect(retriesOf(100, { budget: false })).toBe(300);
    });

    it('is earned ahead no more than a hundred times', () => {
      const clock = new VirtualClock();
      let retries = 0;
      const interceptor = retryFailures({
        maxRetries: 1,
        budget: { floor: 0 },
        scheduler: clock,
        onRetry: () => retries++,
      });
      for (let i = 0; i < 10_000; i++) record(interceptor(requestTo(), answers(200)));
      for (let i = 0; i < 500; i++) record(interceptor(requestTo(), answers(503)));
      expect(retries).toBeGreaterThanOrEqual(100);
      expect(retries).toBeLessThanOrEqual(151);
    });

    it('spent: the outcome is delivered', () => {
      const { seen } = retried(answers(503), { budget: { ratio: 0, floor: 0 } });
      expect(seen.values[0].status).toBe(503);
    });
  });

  describe('timeouts.total', () => {
    const busy = answer('busy', { status: '503 Busy', headers: ['Retry-After: 2'] });

    it('is not outlasted by a wait: the response is delivered', async () => {
      for (const [total, waits] of [
        [2_000, false],
        [2_500, true],
      ] as const) {
        const { agent, asked, clock, run } = site(() => busy);
        const interceptors = [retryFailures({ ...longest, scheduler: clock })];
        const seen = await run(
          agent.extend({ interceptors }).get('http://a.test/', { timeouts: { total } }).pipe(text()),
        );
        expect(seen.values).toEqual(waits ? [] : ['busy']);
        clock.advance(2_200);
        for (let i = 0; i < 5; i++) await microtasks();
        expect([seen.values, asked.length]).toEqual([['busy'], waits ? 2 : 1]);
      }
    });

    it('counts what was spent before', async () => {
      const clock = new VirtualClock();
      const { agent, asked, run } = site(() => busy, { clock });
      const late: HTTPInterceptor = (request, next) => timer(1_000, clock).pipe(concatMap(() => next(request)));
      const interceptors = [late, retryFailures({ ...longest, scheduler: clock })];
      const seen = await run(
        agent
          .extend({ interceptors })
          .get('http://a.test/', { timeouts: { total: 3_000 } })
          .pipe(text()),
      );
      clock.advance(1_001);
      for (let i = 0; i < 5; i++) await microtasks();
      expect([seen.values, asked.length]).toEqual([['busy'], 1]);
    });

    it('ends what it waits for', async () => {
      const { agent, clock, run } = site(() => undefined);
      const client = agent.extend({ interceptors: [retryFailures({ scheduler: clock, random: () => 0 })] });
      const seen = await run(client.get('http://a.test/', { timeouts: { total: 500, headers: 450 } }));
      clock.advance(451);
      clock.advance(60);
      expect([seen.error, seen.terminals]).toMatchObject([{ code: 'ERR_TOTAL_TIMEOUT' }, 1]);
      await microtasks();
      expect(agent.pool.stats()).toMatchObject({ leased: 0, pending: 0, connecting: 0 });
    });
  });

  describe('given up', () => {
    it('in the back-off: nothing more is made', () => {
      const handler = answers(503);
      const { clock, seen } = retried(handler);
      expect(clock.waiting).toBe(true);
      seen.subscription.unsubscribe();
      expect(clock.waiting).toBe(false);
      clock.advance(10_000);
      expect([handler.count, seen.terminals]).toEqual([1, 0]);
    });

    it('while the body is read out of the way, lets that go', () => {
      const log: string[] = [];
      const { clock, seen } = retried(answers(of(made(requestTo(), { status: 503, body: endless(log) }))));
      seen.subscription.unsubscribe();
      expect([log, clock.waiting]).toEqual([['body read', 'body let go'], false]);
    });

    it('in any attempt, leaves that', () => {
      const last = new Subject<HTTPResponse>();
      const { clock, seen } = retried(answers(503, last));
      clock.advance(100);
      expect(last.observed).toBe(true);
      seen.subscription.unsubscribe();
      expect(last.observed).toBe(false);
    });

    it('by the signal in the back-off', async () => {
      const controller = new AbortController();
      const { agent, asked, clock, run } = site(() => answer('', { status: '503 Busy' }));
      const client = agent.extend({ interceptors: [retryFailures({ ...longest, scheduler: clock })] });
      const seen = await run(client.get('http://a.test/', { signal: controller.signal }));
      controller.abort();
      expect(seen.error).toMatchObject({ code: 'ERR_ABORTED' });
      clock.advance(10_000);
      await microtasks();
      expect([asked.length, seen.terminals]).toEqual([1, 1]);
    });
  });

  describe('onRetry', () => {
    it('is told of each, before the wait', () => {
      const error = new ConnectError('no');
      const events: RetryEvent[] = [];
      const request = requestTo();
      const { clock } = retried(answers(503, error, 200), { onRetry: event => events.push(event) }, request);
      expect(events).toHaveLength(1);
      clock.advance(1_000);
      expect(events).toEqual([
        { type: 'status', request, retry: 1, delay: 100, response: expect.objectContaining({ status: 503 }) },
        { type: 'error', request, retry: 2, delay: 200, error },
      ]);
    });

    it('and random fail the request with what they throw, and the response is let go', () => {
      const boom = new Error('boom');
      const fail = (): never => {
        throw boom;
      };
      for (const options of [{ onRetry: fail }, { random: fail }]) {
        const log: string[] = [];
        const handler = answers(of(made(requestTo(), { status: 503, body: endless(log) })));
        const { clock, seen } = retried(handler, options);
        expect([seen.error, seen.terminals, clock.waiting]).toEqual([boom, 1, false]);
        expect(log).toEqual(['body read', 'body let go']);
        expect(retried(answers(new ConnectError('no')), options).seen.error).toBe(boom);
      }
    });

    it('may unsubscribe: nothing more is made', () => {
      const handler = answers(503);
      const response$ = new Subject<HTTPResponse>();
      const { clock, seen } = retried(answers(response$, 200), { onRetry: () => seen.subscription.unsubscribe() });
      response$.next(made(requestTo(), { status: 503 }));
      clock.advance(1_000);
      expect([handler.count, seen.terminals, clock.waiting]).toEqual([0, 0, false]);
    });
  });

  it('answers that come at once do not grow the stack', () => {
    const handler = answers(503);
    const { clock, seen } = retried(handler, { maxRetries: 10_000, scheduler: queueScheduler, random: () => 0 });
    expect([seen.values.length, seen.error, handler.count, clock.waiting]).toEqual([1, undefined, 10_001, false]);
  });

  it.each<[string, object]>([
    ['maxRetries', { maxRetries: -1 }],
    ['statuses', { statuses: [1.5] }],
    ['statuses', { statuses: 503 }],
    ['baseDelay', { baseDelay: -1 }],
    ['factor', { factor: 0.5 }],
    ['maxDelay', { maxDelay: 'x' }],
    ['maxRetryAfter', { maxRetryAfter: NaN }],
    ['budget', { budget: 1 }],
    ['ratio', { budget: { ratio: -1 } }],
    ['floor', { budget: { floor: 0.5 } }],
    ['onRetry', { onRetry: 1 }],
    ['random', { random: 0.5 }],
  ])('refuses %s that makes no sense', (option, options) => {
    expect(() => retryFailures(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }));
  });
});
