import { describe, expect, it } from '@jest/globals';
import { concat, NEVER, of, Subject, throwError, timer, EMPTY, type SchedulerLike, type Subscription } from 'rxjs';
import { AcquireTimeoutError, InvalidOptionError, PoolQueueFullError } from '../../src/errors/index.js';
import { HTTPConnectionPool, type HTTPConnectionPoolOptions } from '../../src/pool/index.js';
import { poolSettings, type PoolSettings } from '../../src/pool/PoolOptions.js';
import { HTTP11ClientProtocol } from '../../src/protocol/index.js';
import { unrefScheduler } from '../../src/timing/index.js';
import { FakeEndpoint, FakeTransport, PoolKit, send, testScheduler } from './support/index.js';

describe('the defaults', () => {
  it('are those of the documentation', () => {
    expect(poolSettings()).toMatchObject({
      persistent: true,
      maxPersistentPerHost: 64,
      cachedConnectionTimeout: 30_000,
      idleOrder: 'lifo',
      captureStacks: false,
      retryAutomatically: true,
      maxPersistent: 512,
      maxConnectionsPerHost: 64,
      maxConnections: 512,
      maxPending: Infinity,
      acquireTimeout: Infinity,
      maxConnectionAge: Infinity,
      maxRequestsPerConnection: Infinity,
      validateIdle: true,
      leaseTimeout: 30_000,
      scheduler: unrefScheduler,
    });
  });

  it('of the limits hold for those that are not given', () => {
    const { limits } = poolSettings();
    expect(poolSettings({ limits: { maxDrain: 5 } }).limits).toEqual({ ...limits, maxDrain: 5 });
  });

  it('make HTTP/1.1 connections', () => {
    const kit = new PoolKit({ protocolFactory: undefined });
    const { connect, limits } = poolSettings();
    const context = { persistent: true, limits, deadlines: kit.pool.deadlines, report() {} };
    expect(connect(new FakeTransport(), context)).toBeInstanceOf(HTTP11ClientProtocol);
  });

  it('hold for an option that is undefined', () => {
    expect(poolSettings({ maxConnections: undefined, persistent: undefined })).toMatchObject({
      maxConnections: 512,
      persistent: true,
    });
  });

  it('hold whatever is put on Object.prototype', () => {
    const polluted = Object.prototype as unknown as Record<string, unknown>;
    const names = Object.keys(poolSettings());
    const before = poolSettings();
    try {
      for (const name of names) polluted[name] = 1;
      polluted.gracePeriod = 'x';
      expect(Object.entries(poolSettings({}))).toEqual(
        expect.arrayContaining(Object.entries(before).filter(([name]) => !/^(limits|connect)$/.test(name))),
      );
      const pool = new HTTPConnectionPool({});
      expect(pool.get('k', NEVER, {})).toBeDefined();
      expect(() => pool.close({})).not.toThrow();
    } finally {
      for (const name of [...names, 'gracePeriod']) Reflect.deleteProperty(polluted, name);
    }
  });
});

describe('a bad value throws InvalidOptionError with name and value', () => {
  const bad: [keyof HTTPConnectionPoolOptions, unknown[]][] = [
    ['persistent', [0, 'yes', null]],
    ['retryAutomatically', [1, 'no']],
    ['maxPersistentPerHost', [-1, 1.5, NaN, '1']],
    ['maxPersistent', [-1, 0.5, NaN]],
    ['maxConnectionsPerHost', [0, -1, NaN, 2 ** 53]],
    ['maxConnections', [0, -1, NaN]],
    ['maxPending', [-1, NaN, '5']],
    ['maxRequestsPerConnection', [0, -1, NaN]],
    ['cachedConnectionTimeout', [-1, NaN, 2 ** 31, '30']],
    ['acquireTimeout', [-1, NaN, 2 ** 31]],
    ['maxConnectionAge', [-1, NaN, 2 ** 31]],
    ['leaseTimeout', [-1, NaN, 2 ** 31]],
    ['validateIdle', [1, 'true', {}]],
    ['captureStacks', [1, 'true']],
    ['idleOrder', [1, 'LIFO', 'random', {}]],
    ['scheduler', [1, {}, { now: () => 0 }, { schedule: () => undefined }]],
    ['protocolFactory', [1, {}]],
    ['limits', [1, 'none', []]],
  ];

  it.each(bad.flatMap(([name, values]) => values.map(value => [name, value] as const)))('%s: %p', (name, value) => {
    // `null` is what an absent setting often is: it counts as absent.
    if (value === null) {
      expect(poolSettings({ [name]: value })).toMatchObject({ [name]: poolSettings()[name as keyof PoolSettings] });
      return;
    }
    const make = (): unknown => new HTTPConnectionPool({ [name]: value });
    expect(make).toThrow(InvalidOptionError);
    try {
      make();
    } catch (error) {
      expect(error).toMatchObject({ option: name, value, code: 'ERR_INVALID_OPTION' });
      expect(String(error)).toContain(name);
    }
  });

  it('of get and use, too, when they are called', () => {
    const { pool } = new PoolKit();
    expect(() => pool.get('k', NEVER, { acquireTimeout: -1 })).toThrow(InvalidOptionError);
    expect(() => pool.use('k', NEVER, () => NEVER, { acquireTimeout: NaN })).toThrow(InvalidOptionError);
  });

  it.each<[keyof HTTPConnectionPoolOptions, number[]]>([
    ['maxPersistentPerHost', [0, 1, Infinity]],
    ['maxPersistent', [0, 1, Infinity]],
    ['maxConnectionsPerHost', [1, Infinity]],
    ['maxConnections', [1, Infinity]],
    ['maxPending', [0, 1, Infinity]],
    ['maxRequestsPerConnection', [1, Infinity]],
    ['cachedConnectionTimeout', [0, 2 ** 31 - 1, Infinity]],
    ['acquireTimeout', [0, 2 ** 31 - 1, Infinity]],
    ['maxConnectionAge', [0, 0.5, Infinity]],
    ['leaseTimeout', [0, Infinity]],
  ])('but not at the edges: %s %p', (name, values) => {
    for (const value of values) expect(poolSettings({ [name]: value })[name as keyof PoolSettings]).toBe(value);
  });
});

describe('persistent: false', () => {
  it('tells the protocol, and caches nothing', () => {
    const kit = new PoolKit({ persistent: false }).watch();
    const connection = kit.idle('k');
    expect(connection.context.persistent).toBe(false);
    expect(connection.state).toBe('closed');
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
    expect(kit.log()).toContain('k evicted not-persistent');
  });

  it('gives no returned connection to a waiter: that has a new one', () => {
    const kit = new PoolKit({ persistent: false, maxConnectionsPerHost: 1 });
    const lease = kit.lease('k');
    const waiter = kit.get('k');
    send(lease);
    kit.connections[0].answer();
    expect(waiter.lease!.reused).toBe(false);
    expect(kit.connections).toHaveLength(2);
  });
});

describe('maxPersistentPerHost', () => {
  it('over it the oldest is closed and the fresh one stays', () => {
    const kit = new PoolKit({ maxPersistentPerHost: 2 }).watch();
    const leases = [kit.lease('k'), kit.lease('k'), kit.lease('k')];
    leases.forEach(lease => lease.release());
    expect(kit.connections.map(connection => connection.state)).toEqual(['closed', 'quiescent', 'quiescent']);
    expect(kit.log().slice(-2)).toEqual(['k quiescent 0', 'k evicted overflow']);
    expect(kit.holds()).toEqual([0, 2, 0, 0]);
  });

  it('0: none', () => {
    const kit = new PoolKit({ maxPersistentPerHost: 0 });
    kit.idle('k');
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('is no cap on open connections, and not on a hand-over to a waiter', () => {
    const kit = new PoolKit({ maxPersistentPerHost: 0, maxConnectionsPerHost: 2 });
    const [lease] = [kit.lease('k'), kit.lease('k')];
    const waiter = kit.get('k');
    send(lease);
    kit.connections[0].answer();
    expect(waiter.lease!.reused).toBe(true);
  });

  it('a connection that a waiter can use is handed over, while another is dialled for a retry', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ maxPersistentPerHost: 0, maxConnectionsPerHost: 2, validateIdle: polled$ });
    const gets = [kit.get('k'), kit.get('k')];
    polled$.next();
    const third = kit.get('k');
    send(gets[0].lease!);
    kit.connections[0].answer();
    polled$.next(); // the third has the first's connection
    send(third.lease!);
    const waiter = kit.get('k', NEVER);
    kit.connections[0].fail(); // retried: a new connection, being validated
    expect(kit.pool.stats('k')).toMatchObject({ validating: 1, leased: 2, pending: 1 });
    gets[1].lease!.release();
    polled$.next();
    expect(waiter.lease).toBeDefined();
    expect(kit.connections[1].state).toBe('quiescent');
  });
});

describe('maxPersistent', () => {
  it('over it the least recently used of all keys is closed', () => {
    const kit = new PoolKit({ maxPersistent: 2 });
    const [a, b] = [kit.idle('a'), kit.idle('b')];
    kit.lease('a').release(); // a was used after b
    kit.idle('c');
    expect([a.state, b.state]).toEqual(['quiescent', 'closed']);
    expect(kit.holds()).toEqual([0, 2, 0, 0]);
  });

  it('0: none', () => {
    const kit = new PoolKit({ maxPersistent: 0 });
    kit.idle('k');
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });
});

describe('cachedConnectionTimeout', () => {
  it('closes an idle connection, exactly then', () => {
    const kit = new PoolKit({ cachedConnectionTimeout: 100 }).watch();
    kit.idle('k');
    kit.log();
    kit.advance(99);
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
    kit.advance(1);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
    expect(kit.log()).toEqual(['k evicted idle-timeout']);
  });

  it('counts anew from each return', () => {
    const kit = new PoolKit({ cachedConnectionTimeout: 100 });
    const connection = kit.idle('k');
    kit.advance(90);
    kit.lease('k').release();
    kit.advance(90);
    expect(connection.state).toBe('quiescent');
  });

  it('0: none is cached; Infinity: no timer is made', () => {
    const none = new PoolKit({ cachedConnectionTimeout: 0 });
    none.idle('k');
    expect(none.holds()).toEqual([0, 0, 0, 0]);
    const forever = new PoolKit({ cachedConnectionTimeout: Infinity, leaseTimeout: Infinity });
    forever.idle('k');
    const idleTimers = forever.scheduler.actions.filter(action => !action.closed);
    expect(idleTimers).toEqual([]);
  });

  it('is asked of the clock at the take as well, as timers stand still while a machine sleeps', () => {
    const scheduler = testScheduler();
    let slept = 0;
    const clock: SchedulerLike = {
      now: () => scheduler.now() + slept,
      schedule: (...args: unknown[]) => Reflect.apply(scheduler.schedule, scheduler, args) as Subscription,
    };
    for (const [sleep, reused] of [
      [99, true],
      [100, false],
      [101, false],
    ] as const) {
      slept = 0;
      const kit = new PoolKit({ scheduler: clock, cachedConnectionTimeout: 100 });
      const stale = kit.idle('k');
      kit.watch();
      slept = sleep;
      expect(kit.lease('k').reused).toBe(reused);
      expect(stale.state).toBe(reused ? 'quiescent' : 'closed');
      expect(kit.log()[0]).toBe(reused ? 'k leased reused' : 'k evicted idle-timeout');
    }
  });

  describe('and what the server says in Keep-Alive', () => {
    function idleWith(keepAlive: { timeout?: number; max?: number }, options?: HTTPConnectionPoolOptions): PoolKit {
      const kit = new PoolKit(options);
      send(kit.lease('k'));
      kit.connections[0].keepAlive = keepAlive;
      kit.connections[0].answer();
      return kit;
    }

    it.each([0, 1])('timeout=%d: not pooled', timeout => {
      expect(idleWith({ timeout }).holds()).toEqual([0, 0, 0, 0]);
    });

    it('timeout=5: 4 s', () => {
      const kit = idleWith({ timeout: 5 });
      kit.advance(3_999);
      expect(kit.holds()).toEqual([0, 1, 0, 0]);
      kit.advance(1);
      expect(kit.holds()).toEqual([0, 0, 0, 0]);
    });

    it('timeout=600 does not lengthen ours', () => {
      const kit = idleWith({ timeout: 600 });
      kit.advance(30_000);
      expect(kit.holds()).toEqual([0, 0, 0, 0]);
    });

    it('a timeout beyond what timers know does not make one that fires at once', () => {
      const kit = idleWith({ timeout: 9_999_999_999 }, { cachedConnectionTimeout: Infinity });
      const delays = kit.scheduler.actions.filter(action => !action.closed).map(action => action.delay);
      expect(delays.filter(delay => delay > 2 ** 31 - 1)).toEqual([]);
      expect(kit.holds()).toEqual([0, 1, 0, 0]);
    });

    it('max=0: not pooled, though a get is waiting', () => {
      expect(idleWith({ max: 0 }).holds()).toEqual([0, 0, 0, 0]);
      expect(idleWith({ max: 1 }).holds()).toEqual([0, 1, 0, 0]);
      const kit = new PoolKit({ maxConnectionsPerHost: 1 });
      send(kit.lease('k'));
      const waiter = kit.get('k');
      kit.connections[0].keepAlive = { max: 0 };
      kit.connections[0].answer();
      expect(waiter.lease!.reused).toBe(false);
    });
  });
});

describe('maxConnectionsPerHost and maxConnections', () => {
  it('gets over the cap of the key wait; other keys do not', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    kit.lease('a');
    expect(kit.get('a').pending).toBe(true);
    expect(kit.get('b').pending).toBe(false);
    expect(kit.holds('a')).toEqual([1, 0, 0, 1]);
  });

  it('gets over the cap of all keys wait', () => {
    const kit = new PoolKit({ maxConnections: 1 });
    kit.lease('a');
    expect(kit.get('b').pending).toBe(true);
    expect(kit.holds()).toEqual([1, 0, 0, 1]);
  });

  it('Infinity: none waits', () => {
    const kit = new PoolKit({ maxConnections: Infinity, maxConnectionsPerHost: Infinity });
    for (let i = 0; i < 1_000; i++) kit.lease('k');
    expect(kit.holds()).toEqual([1_000, 0, 0, 0]);
  });
});

describe('maxPending', () => {
  it('refuses the newest at once, with what the pool holds', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1, maxPending: 1 });
    kit.lease('k');
    const waiter = kit.get('k');
    const { error } = kit.get('k');
    expect(error).toBeInstanceOf(PoolQueueFullError);
    expect(error).toMatchObject({
      maxPending: 1,
      snapshot: { key: 'k', leased: 1, idle: 0, connecting: 0, pending: 2, max: 1, waited: 0 },
    });
    expect(waiter.pending).toBe(true);
    expect(kit.holds('k')).toEqual([1, 0, 0, 1]);
  });

  it('0: a get waits for a connection that is on its way to it, and for nothing else', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1, maxPending: 0 });
    const dialling = kit.get('k', new FakeEndpoint());
    expect(dialling.pending).toBe(true);
    expect(kit.get('k').error).toBeInstanceOf(PoolQueueFullError);
  });

  it('is per key', () => {
    const kit = new PoolKit({ maxConnections: 1, maxPending: 1 });
    kit.lease('a');
    expect([kit.get('b'), kit.get('c')].map(get => get.pending)).toEqual([true, true]);
  });

  it('is not about those who were let in before, when a dial of theirs fails', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 2, maxPending: 0 });
    const endpoint = new FakeEndpoint();
    const gets = [kit.get('k', endpoint), kit.get('k', endpoint)];
    endpoint.dials[0].fail();
    expect(gets.map(get => get.pending)).toEqual([false, true]);
  });
});

describe('acquireTimeout', () => {
  it('is over queue, dial and validation together', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ maxConnectionsPerHost: 1, acquireTimeout: 100, validateIdle: polled$ });
    const holder = kit.get('k');
    polled$.next();
    const endpoint = new FakeEndpoint();
    const get = kit.get('k', endpoint);
    kit.advance(40);
    holder.lease!.abort(); // now it dials
    kit.advance(40);
    endpoint.dials[0].connect(); // now it is validated
    kit.advance(19);
    expect(get.pending).toBe(true);
    kit.advance(6);
    expect(get.error).toBeInstanceOf(AcquireTimeoutError);
    polled$.next();
    expect(kit.holds()).toEqual([0, 1, 0, 0]); // the connection is not lost
  });

  it('of the get overrules that of the pool', () => {
    const kit = new PoolKit({ acquireTimeout: 100 });
    const gets = [10, undefined, Infinity].map(acquireTimeout => kit.get('k', NEVER, { acquireTimeout }));
    kit.advance(20);
    expect(gets.map(get => get.pending)).toEqual([false, true, true]);
    kit.advance(90);
    expect(gets.map(get => get.pending)).toEqual([false, false, true]);
    expect(gets[0].error).toMatchObject({ acquireTimeout: 10 });
  });

  it('its error has the snapshot, how long it waited, and the last failed dial as cause', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const endpoint = new FakeEndpoint();
    const first = kit.get('k', endpoint);
    const second = kit.get('k', endpoint, { acquireTimeout: 50 });
    endpoint.dials[0].fail();
    kit.advance(50);
    expect(second.error).toMatchObject({ snapshot: { key: 'k', waited: 50, max: 1 }, cause: first.error });
    expect(endpoint.cancels).toBe(1);
  });

  it('its error tells how long it waited, and what was held, also late in the life of a pool', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ validateIdle: polled$, maxConnectionsPerHost: 2 });
    kit.advance(1_000);
    const get = kit.get('k', undefined, { acquireTimeout: 50 });
    kit.get('k', NEVER);
    kit.advance(50);
    expect(get.error).toMatchObject({
      acquireTimeout: 50,
      snapshot: { key: 'k', waited: 50, max: 2, leased: 1, idle: 0, connecting: 1, pending: 2 },
    });
    expect(kit.pool.stats('k')).toMatchObject({ open: 2, leased: 1, validating: 1, connecting: 1, pending: 1 });
  });

  it('0: what is there at once is given', () => {
    const kit = new PoolKit({ acquireTimeout: 0 });
    expect(kit.get('k').lease).toBeDefined();
    const get = kit.get('k', NEVER);
    kit.advance(0);
    expect(get.error).toBeInstanceOf(AcquireTimeoutError);
  });

  it('frees its place before it errors', () => {
    const kit = new PoolKit({ acquireTimeout: 10, maxConnectionsPerHost: 1 });
    const held: unknown[] = [];
    kit.pool.get('k', NEVER).subscribe({ error: () => held.push(kit.holds()) });
    kit.advance(10);
    expect(held).toEqual([[0, 0, 0, 0]]);
  });
});

describe('maxConnectionAge', () => {
  it('is checked at the return, and never kills a lease', () => {
    const kit = new PoolKit({ maxConnectionAge: 100 }).watch();
    const sent = send(kit.lease('k'));
    kit.advance(1_000);
    expect(kit.connections[0].state).toBe('waiting');
    kit.log();
    kit.connections[0].answer();
    expect(sent.completed).toBe(true);
    expect(kit.log()).toEqual(['k quiescent 1', 'k evicted max-age']);
  });

  it('is checked at the take', () => {
    const kit = new PoolKit({ maxConnectionAge: 100 });
    const old = kit.idle('k');
    kit.advance(100);
    expect(old.state).toBe('quiescent');
    kit.watch();
    expect(kit.lease('k').reused).toBe(false);
    expect(old.state).toBe('closed');
    expect(kit.log()[0]).toBe('k evicted max-age');
  });

  it('is jittered by −10 % at most, and not all alike', () => {
    const ages = new Set<number>();
    for (let i = 0; i < 20; i++) {
      const kit = new PoolKit({ maxConnectionAge: 1_000 });
      kit.idle('k');
      kit.advance(900);
      const { lease } = kit.get('k');
      expect(lease!.reused).toBe(true);
      lease!.release();
      let age = 900;
      while (kit.holds()[1] > 0 && age < 1_001) {
        kit.advance(10);
        age += 10;
        kit.get('k').lease!.release();
        if (kit.connections.length > 1) break;
      }
      ages.add(age);
      expect(age).toBeLessThanOrEqual(1_000);
    }
    expect(ages.size).toBeGreaterThan(1);
  });

  it('0: every connection is used once', () => {
    const kit = new PoolKit({ maxConnectionAge: 0 });
    kit.idle('k');
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });
});

describe('maxRequestsPerConnection', () => {
  it.each([1, 3])('%d', most => {
    const kit = new PoolKit({ maxRequestsPerConnection: most }).watch();
    kit.idle('k');
    for (let i = 1; i < most; i++) {
      send(kit.lease('k'));
      kit.connections[0].answer();
    }
    expect(kit.connections).toHaveLength(1);
    expect(kit.connections[0].state).toBe('closed');
    expect(kit.log().pop()).toBe('k evicted max-requests');
  });
});

describe('validateIdle', () => {
  it('true: neither a fresh nor a used connection is handed out within the call', () => {
    const kit = new PoolKit({ validateIdle: true });
    expect(kit.get('k').pending).toBe(true);
    expect(kit.pool.stats()).toMatchObject({ leased: 1, validating: 1, pending: 1 });
    kit.pool.close();
  });

  it('false: both are', () => {
    const kit = new PoolKit({ validateIdle: false });
    kit.lease('k').release();
    expect(kit.lease('k')).toBeDefined();
    expect(kit.connections).toHaveLength(1);
  });

  it.each([
    ['that emits at once', of(1)],
    ['that emits twice', concat(of(1), of(2))],
    ['that completes without an emission', EMPTY],
    ['that never ends after it emitted', concat(of(1), NEVER)],
  ])('an Observable %s hands out once', (_name, validateIdle) => {
    const kit = new PoolKit({ validateIdle });
    kit.lease('k').release();
    kit.lease('k');
    expect(kit.pool.stats()).toMatchObject({ leases: 2, opened: 1, leased: 1, validating: 0 });
  });

  it('an Observable that emits late hands out then, and is subscribed to until then', () => {
    const scheduler = testScheduler();
    scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
      const polled$ = cold('             --p--p');
      const kit = new PoolKit({ scheduler, validateIdle: polled$ }, scheduler);
      const endpoint$ = cold('           ---(t|)', { t: new FakeTransport() });
      expectObservable(kit.pool.get('k', endpoint$)).toBe('-----(p|)', { p: expect.anything() });
      expectSubscriptions(endpoint$.subscriptions).toBe('  ^--!');
      expectSubscriptions(polled$.subscriptions).toBe('    ---^-!');
    });
  });

  it('an Observable that emits twice does not hand out what is validated for another', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ validateIdle: polled$, maxConnectionsPerHost: 1 });
    const [first, second] = [kit.get('k'), kit.get('k')];
    polled$.next();
    polled$.next();
    expect([first.pending, second.pending]).toEqual([false, true]);
  });

  it('an Observable that errors is reported, and the connection is handed out all the same', () => {
    const kit = new PoolKit({ validateIdle: throwError(() => new Error('no poll')) }).watch();
    expect(kit.get('k').lease).toBeDefined();
    expect(kit.events).toContainEqual(expect.objectContaining({ type: 'error', error: new Error('no poll') }));
  });

  it('an Observable is unsubscribed from when the connection dies meanwhile', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ validateIdle: polled$ });
    kit.get('k', new FakeEndpoint('connects'));
    kit.connections[0].finFromServer();
    expect(polled$.observed).toBe(false);
  });
});

describe('scheduler', () => {
  it('is the clock of every timer of the pool', () => {
    const scheduler = testScheduler();
    scheduler.run(({ expectObservable }) => {
      const kit = new PoolKit({ cachedConnectionTimeout: 20, leaseTimeout: 10, acquireTimeout: 30 }, scheduler);
      const lease = kit.lease('k');
      expectObservable(lease.disconnected).toBe('10ms (d|)', { d: null });
      expectObservable(kit.pool.get('never', NEVER)).toBe('30ms #', undefined, expect.any(AcquireTimeoutError));
      kit.idle('idle');
      expectObservable(timer(20)).toBe('20ms (v|)', { v: 0 });
      timer(20).subscribe(() => expect(kit.holds('idle')).toEqual([0, 0, 0, 0]));
      timer(19).subscribe(() => expect(kit.holds('idle')).toEqual([0, 1, 0, 0]));
    });
  });

  it('the default one is virtual within TestScheduler.run', () => {
    testScheduler().run(({ expectObservable }) => {
      const pool = new HTTPConnectionPool({ acquireTimeout: 25 });
      expectObservable(pool.get('k', NEVER)).toBe('25ms #', undefined, expect.any(AcquireTimeoutError));
    });
  });
});

describe('idleOrder', () => {
  it.each([
    [undefined, [3, 2, 1]],
    ['lifo', [3, 2, 1]],
    ['fifo', [1, 2, 3]],
  ] as const)('%s: connections that became idle as 1, 2, 3 are used as %p', (idleOrder, expected) => {
    const kit = new PoolKit({ idleOrder });
    const leases = [1, 2, 3].map(() => kit.lease('k'));
    for (const lease of leases) lease.release();
    const order: number[] = [];
    for (let i = 0; i < 3; i++) {
      send(kit.lease('k'));
      order.push(kit.connections.findIndex(({ requests }, at) => requests.length > 0 && !order.includes(at + 1)) + 1);
    }
    expect(order).toEqual(expected);
  });

  it('fifo: the surplus over the limit is still the longest idle', () => {
    const kit = new PoolKit({ idleOrder: 'fifo', maxPersistentPerHost: 2 });
    const leases = [1, 2, 3].map(() => kit.lease('k'));
    for (const lease of leases) lease.release();
    expect(kit.connections.map(({ state }) => state)).toEqual(['closed', 'quiescent', 'quiescent']);
  });
});
