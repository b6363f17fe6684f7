import { describe, expect, it } from '@jest/globals';
import { map, Observable, of, Subject, take, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import type { HTTPHandler, HTTPResponse } from '../../src/agent/index.js';
import { followRedirects, rateLimit, retryFailures, type RateLimitOptions } from '../../src/interceptors/index.js';
import { text } from '../../src/operators/index.js';
import { answer, microtasks, record, VirtualClock, type Recorded } from '../support/index.js';
import { made, requestTo, site } from './site.js';

/** A rate limit in virtual time, over responses that come when the spec says so. */
function limited(options: RateLimitOptions) {
  const clock = new VirtualClock();
  const started: string[] = [];
  const responses = new Map<string, Subject<HTTPResponse>>();
  const interceptor = rateLimit({ scheduler: clock, ...options });
  const ask = (path: string, origin = 'http://a.test'): Recorded<HTTPResponse> =>
    record(
      interceptor(
        requestTo(origin + path),
        () =>
          new Observable(subscriber => {
            started.push(path);
            const response$ = new Subject<HTTPResponse>();
            responses.set(path, response$);
            return response$.subscribe(subscriber);
          }),
      ),
    );
  const respond = (path: string, body: Observable<string> | string = ''): HTTPResponse => {
    const response = made(requestTo(`http://a.test${path}`), { body });
    responses.get(path)!.next(response);
    responses.get(path)!.complete();
    return response;
  };
  return { clock, started, ask, respond, responses };
}

describe('rateLimit', () => {
  describe('concurrency', () => {
    it('lets so many run, and the others in order', () => {
      const { started, ask, respond } = limited({ concurrency: 2 });
      for (const path of ['/1', '/2', '/3', '/4', '/5']) ask(path);
      expect(started).toEqual(['/1', '/2']);
      respond('/2');
      expect(started).toEqual(['/1', '/2', '/3']);
      respond('/3');
      respond('/1');
      expect(started).toEqual(['/1', '/2', '/3', '/4', '/5']);
    });

    it('counts a request until its body is over', () => {
      for (const end of ['complete', 'error', 'unsubscribe'] as const) {
        const { started, ask, respond } = limited({ concurrency: 1 });
        const [seen] = [ask('/1'), ask('/2')];
        const body = new Subject<string>();
        const response = respond('/1', body);
        expect([seen.completed, started]).toEqual([true, ['/1']]);
        const reading = record(response.text());
        expect(started).toEqual(['/1']);
        if (end === 'unsubscribe') reading.subscription.unsubscribe();
        else if (end === 'error') body.error(new Error('no'));
        else body.complete();
        expect(started).toEqual(['/1', '/2']);
      }
    });

    it('counts until the body of a connection is over, however it ends', async () => {
      const ends: [string, (response: HTTPResponse) => void, number][] = [
        ['read', response => void response.text().subscribe({ error: () => undefined }), 0],
        ['left', response => response.body.subscribe({ error: () => undefined }).unsubscribe(), 0],
        ['never claimed', () => undefined, 10_001],
      ];
      for (const [, end, wait] of ends) {
        const long = 'x'.repeat(500_000);
        const { agent, asked, clock, transports, run } = site(() => answer(long).slice(0, 100_000));
        const client = agent.extend({ interceptors: [rateLimit({ concurrency: 1, scheduler: clock })] });
        const first = await run(client.get('http://a.test/1'));
        await run(client.get('http://a.test/2'));
        expect([first.values.length, asked.length]).toEqual([1, 1]);
        end(first.values[0]);
        if (end === ends[0][1]) transports[0].respond(long.slice(0, 500_100));
        clock.advance(wait);
        for (let i = 0; i < 5; i++) await microtasks();
        expect(asked.map(({ path }) => path)).toEqual(['/1', '/2']);
      }
    });

    it('a response that is only looked at keeps its place no longer than its connection', async () => {
      const { agent, asked, run } = site(() => answer('short'));
      const client = agent.extend({ interceptors: [rateLimit({ concurrency: 1 })] });
      for (let i = 0; i < 5; i++) expect((await run(client.get('http://a.test/'))).values).toHaveLength(1);
      expect(asked).toHaveLength(5);
    });

    it('counts each key apart', () => {
      const { started, ask } = limited({ concurrency: 1 });
      ask('/a1');
      ask('/b1', 'http://b.test');
      ask('/a2');
      ask('/c1', 'http://a.test:81');
      expect(started).toEqual(['/a1', '/b1', '/c1']);
      const one = limited({ concurrency: 1, key: () => 'all' });
      one.ask('/a1');
      one.ask('/b1', 'http://b.test');
      expect(one.started).toEqual(['/a1']);
    });

    it('a place is free after an error, thrown or told, and after a completion without a response', () => {
      const boom = new Error('boom');
      const interceptor = rateLimit({ concurrency: 1 });
      const handlers: HTTPHandler[] = [
        () => throwError(() => boom),
        () => {
          throw boom;
        },
        () => undefined as never,
        () => new Observable(subscriber => subscriber.complete()),
        () => of({ status: 200 } as HTTPResponse), // somebody made it up
      ];
      for (const handler of handlers) expect(record(interceptor(requestTo(), handler)).terminals).toBe(1);
      expect(record(interceptor(requestTo(), request => of(made(request)))).values).toHaveLength(1);
    });
  });

  describe('requestsPerSecond', () => {
    it('keeps them apart', () => {
      const { clock, started, ask } = limited({ requestsPerSecond: 4 });
      for (const path of ['/1', '/2', '/3']) ask(path);
      expect(started).toEqual(['/1']);
      clock.advance(249);
      expect(started).toEqual(['/1']);
      clock.advance(1);
      expect(started).toEqual(['/1', '/2']);
      clock.advance(250);
      expect(started).toEqual(['/1', '/2', '/3']);
      clock.advance(100);
      ask('/4');
      clock.advance(149);
      expect(started).toHaveLength(3);
      clock.advance(1);
      expect(started).toHaveLength(4);
    });

    it('fewer than one, and together with concurrency', () => {
      const { clock, started, ask, respond } = limited({ requestsPerSecond: 0.5, concurrency: 1 });
      for (const path of ['/1', '/2', '/3']) ask(path);
      clock.advance(5_000);
      expect(started).toEqual(['/1']);
      respond('/1');
      expect(started).toEqual(['/1', '/2']);
      respond('/2');
      clock.advance(1_999);
      expect(started).toEqual(['/1', '/2']);
      clock.advance(1);
      expect(started).toEqual(['/1', '/2', '/3']);
    });

    it('is not thrown off by a clock that is set back', () => {
      const clock = new VirtualClock();
      let offset = 0;
      const scheduler = {
        now: () => clock.now() + offset,
        schedule: clock.schedule.bind(clock),
      };
      const { started, ask } = limited({ requestsPerSecond: 1, scheduler });
      ask('/1');
      offset = -3_600_000;
      ask('/2');
      clock.advance(1_000);
      expect(started).toEqual(['/1', '/2']);
    });

    it('in marbles', () => {
      const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
      scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
        const interceptor = rateLimit({ requestsPerSecond: 100 });
        const response$ = cold('--r|', { r: made(requestTo()) });
        const ask = (): Observable<number> =>
          interceptor(requestTo(), () => response$).pipe(map(({ status }) => status));
        const values = { r: 200 };
        expectObservable(ask()).toBe('--r|', values);
        expectObservable(ask(), '     --!').toBe('---');
        expectObservable(ask()).toBe('10ms --r|', values);
        expectSubscriptions(response$.subscriptions).toBe(['^--!', '10ms ^--!']);
      });
    });
  });

  describe('given up', () => {
    it('in the queue: the place goes to the next', () => {
      const { started, ask, respond } = limited({ concurrency: 1 });
      const [, second] = ['/1', '/2', '/3'].map(path => ask(path));
      second.subscription.unsubscribe();
      respond('/1');
      expect([started, second.terminals]).toEqual([['/1', '/3'], 0]);
    });

    it('by all that wait for time: no timer is left but that of the key, and then none', () => {
      const { clock, started, ask } = limited({ requestsPerSecond: 1 });
      const all = ['/1', '/2', '/3'].map(path => ask(path));
      for (const { subscription } of all) subscription.unsubscribe();
      clock.advance(1_000);
      expect([started, clock.waiting]).toEqual([['/1'], false]);
    });

    it('under way: the request is left, and the place is free', () => {
      const { started, ask, responses } = limited({ concurrency: 1 });
      const [first] = ['/1', '/2'].map(path => ask(path));
      first.subscription.unsubscribe();
      expect([responses.get('/1')!.observed, started]).toEqual([false, ['/1', '/2']]);
    });

    it('by total, in the queue', async () => {
      const { agent, asked, clock, run } = site(({ path }) => (path === '/2' ? answer('2') : undefined));
      const client = agent.extend({ interceptors: [rateLimit({ concurrency: 1, scheduler: clock })] });
      const first = await run(client.get('http://a.test/1', { timeouts: { headers: Infinity } }));
      const second = await run(client.get('http://a.test/', { timeouts: { total: 100 } }));
      const third = await run(client.get('http://a.test/2').pipe(text()));
      clock.advance(101);
      expect(second.error).toMatchObject({ code: 'ERR_TOTAL_TIMEOUT', phase: 'acquire' });
      first.subscription.unsubscribe();
      for (let i = 0; i < 5; i++) await microtasks();
      expect([third.values, asked.map(({ path }) => path)]).toEqual([['2'], ['/1', '/2']]);
    });

    it('from within, while it starts', () => {
      const interceptor = rateLimit({ concurrency: 1 });
      let left = 0;
      const handler: HTTPHandler = request =>
        new Observable(subscriber => {
          subscriber.next(made(request));
          return () => left++;
        });
      for (let i = 1; i <= 3; i++) {
        expect([record(interceptor(requestTo(), handler).pipe(take(1))).completed, left]).toEqual([true, i]);
      }
    });
  });

  it('keeps nothing of a key that nobody asks for', () => {
    const keys = new Map<string, unknown>();
    const { set, delete: remove } = Map.prototype;
    // What the interceptor keeps is in a Map by key: that is watched.
    Map.prototype.set = function (key: unknown, value: unknown) {
      if (typeof key === 'string' && key.startsWith('key ')) set.call(keys, key, value);
      return set.call(this, key, value);
    };
    Map.prototype.delete = function (key: unknown) {
      remove.call(keys, key);
      return remove.call(this, key);
    };
    try {
      const clock = new VirtualClock();
      let n = 0;
      const interceptor = rateLimit({ requestsPerSecond: 1, scheduler: clock, key: () => `key ${n++}` });
      for (let i = 0; i < 100; i++) record(interceptor(requestTo(), request => of(made(request))));
      expect(keys.size).toBe(100);
      clock.advance(1_000);
      expect([keys.size, clock.waiting]).toEqual([0, false]);
      const many = rateLimit({ concurrency: 1, key: () => `key ${n++}` });
      for (let i = 0; i < 100; i++) record(many(requestTo(), request => of(made(request))));
      expect(keys.size).toBe(0);
    } finally {
      Object.assign(Map.prototype, { set, delete: remove });
    }
  });

  it('answers that come at once do not grow the stack', () => {
    const gate = new Subject<HTTPResponse>();
    const interceptor = rateLimit({ concurrency: 1 });
    const blocking = record(interceptor(requestTo(), () => gate));
    const waiting = Array.from({ length: 10_000 }, () =>
      record(interceptor(requestTo(), request => of(made(request)))),
    );
    gate.complete();
    expect([blocking.completed, waiting.every(({ completed }) => completed)]).toEqual([true, true]);
  });

  it('one that asks from within an answer is last', () => {
    const { started, ask, respond } = limited({ concurrency: 1 });
    ask('/1').subscription.add(() => ask('/3'));
    ask('/2');
    respond('/1');
    respond('/2');
    expect(started).toEqual(['/1', '/2', '/3']);
  });

  it.each(['outside', 'inside'])('%s of redirects and retries, one at a time goes on', async place => {
    const clock = new VirtualClock();
    const answers = ['302 Found', '503 Busy', '200 OK'];
    const { agent, asked, run } = site(
      () => answer('x', { status: answers[asked.length - 1], headers: ['Location: /next'] }),
      { clock },
    );
    const several = [followRedirects({ scheduler: clock }), retryFailures({ scheduler: clock, random: () => 0 })];
    const one = rateLimit({ concurrency: 1, scheduler: clock });
    const interceptors = place === 'outside' ? [one, ...several] : [...several, one];
    const seen = await run(agent.extend({ interceptors }).get('http://a.test/').pipe(text()));
    clock.advance(1);
    for (let i = 0; i < 5; i++) await microtasks();
    expect([seen.values, asked.length]).toEqual([['x'], 3]);
  });

  it('a key that throws fails the request, and no other', () => {
    const boom = new Error('boom');
    let fails = true;
    const interceptor = rateLimit({
      concurrency: 1,
      key: () => {
        if (fails) throw boom;
        return 'key';
      },
    });
    expect(record(interceptor(requestTo(), () => of(made(requestTo())))).error).toBe(boom);
    fails = false;
    expect(record(interceptor(requestTo(), () => of(made(requestTo())))).values).toHaveLength(1);
  });

  it('without limits there is nothing to wait for', () => {
    const { clock, started, ask } = limited({});
    for (let i = 0; i < 100; i++) ask(`/${i}`);
    expect([started.length, clock.waiting]).toEqual([100, false]);
  });

  it.each<[string, object]>([
    ['requestsPerSecond', { requestsPerSecond: 0 }],
    ['requestsPerSecond', { requestsPerSecond: NaN }],
    ['requestsPerSecond', { requestsPerSecond: '1' }],
    ['requestsPerSecond', { requestsPerSecond: 1e-9 }],
    ['concurrency', { concurrency: 0 }],
    ['key', { key: 'origin' }],
  ])('refuses %s that makes no sense', (option, options) => {
    expect(() => rateLimit(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }));
  });
});
