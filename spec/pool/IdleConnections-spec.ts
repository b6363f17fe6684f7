import { describe, expect, it } from '@jest/globals';
import { filter, firstValueFrom, map, mergeMap, type SchedulerLike, type Subscription } from 'rxjs';
import type { RunHelpers, TestScheduler } from 'rxjs/testing';
import { HTTPConnectionPool, type HTTPConnectionPoolOptions } from '../../src/pool/index.js';
import { HTTP11ClientProtocol, type ConnectionFactory } from '../../src/protocol/index.js';
import { FakeEndpoint } from '../../src/testing/index.js';
import { turns } from '../loopback/until.js';
import { answer, record } from '../support/index.js';
import { testScheduler } from './support/index.js';

interface TimerLog {
  subscribedFrame: number;
  unsubscribedFrame: number;
}

/** A scheduler that notes when timers of one length were subscribed to, and when they were unsubscribed from. */
function watched(scheduler: TestScheduler, length: number): { scheduler: SchedulerLike; timers: TimerLog[] } {
  const timers: TimerLog[] = [];
  const schedule = (...args: unknown[]): Subscription => {
    const action = Reflect.apply(scheduler.schedule, scheduler, args) as Subscription;
    if (args[1] !== length) return action;
    const timer = { subscribedFrame: scheduler.frame, unsubscribedFrame: Infinity };
    timers.push(timer);
    action.add(() => (timer.unsubscribedFrame = scheduler.frame));
    return action;
  };
  return { scheduler: { now: () => scheduler.now(), schedule }, timers };
}

/** A pool of our own HTTP/1.1 over fake transports, and the timers of `length` ms that it makes. */
function stage(scheduler: TestScheduler, length: number, options: HTTPConnectionPoolOptions = {}) {
  const { scheduler: clock, timers } = watched(scheduler, length);
  const endpoint = new FakeEndpoint();
  const pool = new HTTPConnectionPool({ validateIdle: false, leaseTimeout: Infinity, scheduler: clock, ...options });
  const evictions = pool.events.pipe(
    filter(event => event.type === 'evicted'),
    map(({ key, reason }) => `${key} ${reason}`),
  );
  return { endpoint, pool, timers, evictions, send: (key = 'k') => sendOver(pool, endpoint, key) };
}

function sendOver(pool: HTTPConnectionPool, endpoint: FakeEndpoint, key: string) {
  return record(pool.get(key, endpoint).pipe(mergeMap(lease => lease.request({ path: '/' }))));
}

/** Does what each letter of a marble diagram stands for, in its frame. */
function play({ cold }: RunHelpers, marbles: string, acts: Record<string, () => void>): void {
  cold(marbles).subscribe(letter => acts[letter]());
}

describe('The timer of an idle connection', () => {
  it('is subscribed to when the response ends, and unsubscribed in the frame in which the next get has the lease', () => {
    const scheduler = testScheduler();
    scheduler.run(helpers => {
      const { endpoint, timers, evictions, send } = stage(scheduler, 8, { cachedConnectionTimeout: 8 });
      play(helpers, '                                    r-a--r-a', {
        r: send,
        a: () => endpoint.last.respond(answer()),
      });
      helpers.expectSubscriptions(timers).toBe(['         --^--!', '-------^-------!']);
      helpers.expectObservable(evictions).toBe('         ---------------x', { x: 'k idle-timeout' });
    });
  });

  it('is that of an unused lease that was released, too', () => {
    const scheduler = testScheduler();
    scheduler.run(helpers => {
      const { endpoint, pool, timers, evictions } = stage(scheduler, 8, { cachedConnectionTimeout: 8 });
      const [lease] = record(pool.get('k', endpoint)).values;
      play(helpers, '                           ---r', { r: () => lease.release() });
      helpers.expectSubscriptions(timers).toBe('---^-------!');
      helpers.expectObservable(evictions).toBe('-----------x', { x: 'k idle-timeout' });
    });
  });

  it.each([
    ['2 s, of which it takes 1 s off', 'timeout=2', 1_000],
    ['more than cachedConnectionTimeout, which holds then', 'timeout=9', 5_000],
  ])('lasts as long as the server’s Keep-Alive says: %s', (_, said, length) => {
    const scheduler = testScheduler();
    scheduler.run(helpers => {
      const { endpoint, timers, evictions, send } = stage(scheduler, length, { cachedConnectionTimeout: 5_000 });
      send();
      play(helpers, '--a', { a: () => endpoint.last.respond(answer('', { headers: [`Keep-Alive: ${said}`] })) });
      helpers.expectSubscriptions(timers).toBe(`--^ ${length - 1}ms !`);
      helpers.expectObservable(evictions).toBe(`-- ${length}ms x`, { x: 'k idle-timeout' });
    });
  });

  it.each(['timeout=1', 'timeout=0'])('is not made where the server’s Keep-Alive leaves no time: %s', said => {
    const scheduler = testScheduler();
    scheduler.run(helpers => {
      const { endpoint, timers, evictions, send } = stage(scheduler, 8, { cachedConnectionTimeout: 8 });
      send();
      play(helpers, '                           --a', {
        a: () => endpoint.last.respond(answer('', { headers: [`Keep-Alive: ${said}`] })),
      });
      helpers.expectSubscriptions(timers).toBe([]);
      helpers.expectObservable(evictions).toBe('--x', { x: 'k not-persistent' });
    });
  });

  it('is one for each connection', () => {
    const scheduler = testScheduler();
    scheduler.run(helpers => {
      const { endpoint, timers, evictions, send } = stage(scheduler, 8, { cachedConnectionTimeout: 8 });
      send();
      send();
      send('other');
      const [first, second, other] = endpoint.connections;
      play(helpers, '                           a-b-c-r', {
        a: () => first.respond(answer()),
        b: () => second.respond(answer()),
        c: () => other.respond(answer()),
        r: send, // over the newest connection of its key, which is the second
      });
      helpers.expectSubscriptions(timers).toBe(['^-------!', '--^---!', '----^-------!']);
      helpers
        .expectObservable(evictions, '        ^ 50ms !')
        .toBe('--------x---y', { x: 'k idle-timeout', y: 'other idle-timeout' });
    });
  });

  it.each<[string, (stage_: ReturnType<typeof stage>) => void]>([
    ['the server closes it', ({ endpoint }) => endpoint.last.fin()],
    ['bytes come that nobody asked for', ({ endpoint }) => endpoint.last.respond('?')],
    ['the pool is closed', ({ pool }) => void pool.close()],
    ['idle connections are closed', ({ pool }) => void pool.closeIdle()],
  ])('is unsubscribed in the frame in which %s', (_, act) => {
    const scheduler = testScheduler();
    scheduler.run(helpers => {
      const stage_ = stage(scheduler, 8, { cachedConnectionTimeout: 8 });
      stage_.send();
      play(helpers, '                                  -a--x', {
        a: () => stage_.endpoint.last.respond(answer()),
        x: () => act(stage_),
      });
      helpers.expectSubscriptions(stage_.timers).toBe('-^--!');
    });
  });

  it('is not made in real time for a connection that is leased again before the loop turn ends', async () => {
    const { endpoint, pool, timers } = stage(testScheduler(), 777, {
      validateIdle: true,
      cachedConnectionTimeout: 777,
    });
    const lease = () => firstValueFrom(pool.get('k', endpoint));
    for (let i = 0; i < 5; i++) (await lease()).release();
    expect([endpoint.dials, timers.length]).toEqual([1, 0]);
    await turns();
    expect(timers).toHaveLength(1);
    const leased = await lease();
    expect(timers[0].unsubscribedFrame).toBe(0);
    leased.release();
    pool.close({ gracePeriod: 0 });
    await turns();
    expect(timers).toHaveLength(1);
  });

  it('does not keep the process alive, nor does the connection, until it is leased again', () => {
    const scheduler = testScheduler();
    scheduler.run(helpers => {
      const { endpoint, send } = stage(scheduler, 8, { cachedConnectionTimeout: Infinity });
      const refs: number[] = [];
      play(helpers, 'r-a-n-r-n', {
        r: send,
        a: () => endpoint.last.respond(answer()),
        n: () => refs.push(endpoint.last.refs),
      });
      helpers.flush();
      expect(refs).toEqual([-1, 0]);
    });
  });
});

/** Pools of our own connections, and of the same ones made by a `protocolFactory`. */
const pools: [string, (connect: ConnectionFactory) => HTTPConnectionPool][] = [
  ['our own protocol', connect => new HTTPConnectionPool({ validateIdle: false, maxConnectionsPerHost: 1 }, connect)],
  [
    'a protocolFactory',
    connect =>
      new HTTPConnectionPool({
        validateIdle: false,
        maxConnectionsPerHost: 1,
        protocolFactory: connect as (...args: Parameters<ConnectionFactory>) => HTTP11ClientProtocol,
      }),
  ],
];

describe.each(pools)('With %s, the end of an exchange comes in the order of the contract', (_, poolOf) => {
  /** One request over a pool with one place, and a log of who hears what while the pool holds how much. */
  function exchange() {
    const log: string[] = [];
    const endpoint = new FakeEndpoint();
    const say = (what: string): void => {
      const { leased, idle } = pool.stats();
      log.push(`${what}: ${leased} leased, ${idle} idle`);
    };
    const pool: HTTPConnectionPool = poolOf((transport, context) => {
      const connection = new HTTP11ClientProtocol(transport, context);
      connection.quiescent.subscribe(() => say('quiescent'));
      connection.disconnected.subscribe(() => say('disconnected'));
      return connection;
    });
    const [lease] = record(pool.get('k', endpoint)).values;
    lease.quiescent.subscribe(() => say('taken back'));
    lease.disconnected.subscribe(() => say('place freed'));
    lease
      .request({ path: '/' })
      .pipe(mergeMap(response => response.body))
      .subscribe({ next: () => say('value'), complete: () => say('complete'), error: () => say('error') })
      .add(() => say('teardown'));
    return { log, endpoint };
  }

  it('quiescent, taken back, last value, complete, teardown', () => {
    const { log, endpoint } = exchange();
    const whole = answer('hello');
    endpoint.last.respond(whole.slice(0, -1));
    expect(log.splice(0)).toEqual(['value: 1 leased, 0 idle']);
    endpoint.last.respond(whole.slice(-1));
    expect(log).toEqual([
      'quiescent: 1 leased, 0 idle',
      'taken back: 0 leased, 1 idle',
      'value: 0 leased, 1 idle',
      'complete: 0 leased, 1 idle',
      'teardown: 0 leased, 1 idle',
    ]);
  });

  it.each([
    ['before the response', ''],
    ['in the body', answer('hello').slice(0, -1)],
  ])('disconnected, place freed, error, teardown: lost %s', (_when, before) => {
    const { log, endpoint } = exchange();
    endpoint.last.respond(before);
    log.length = 0;
    endpoint.last.reset();
    expect(log).toEqual([
      'disconnected: 1 leased, 0 idle',
      'place freed: 0 leased, 0 idle',
      'error: 0 leased, 0 idle',
      'teardown: 0 leased, 0 idle',
    ]);
  });
});
