import { describe, expect, it } from '@jest/globals';
import { NEVER, Subject, concatMap, firstValueFrom, map, mergeMap, range, type Observable } from 'rxjs';
import { AcquireTimeoutError, BodyUsedError, ConnectError, LeaseUsedError } from '../../src/errors/index.js';
import type { LeasedProtocol, HTTPConnectionPoolOptions } from '../../src/pool/index.js';
import { FakeEndpoint, FakeTransport, PoolKit, send, testScheduler, unhandledErrors } from './support/index.js';

const connects = (): FakeEndpoint => new FakeEndpoint('connects');

/** A pool whose loop polls when the test says so. */
function polledByHand(options: HTTPConnectionPoolOptions = {}) {
  const polled$ = new Subject<void>();
  return { kit: new PoolKit({ validateIdle: polled$, ...options }), poll: () => polled$.next() };
}

describe('promises', () => {
  it('P1: get is lazy, and each subscription is one independent lease', () => {
    const kit = new PoolKit();
    const endpoint = connects();
    const get$ = kit.pool.get('k', endpoint.stream);
    expect([endpoint.dials.length, kit.pool.stats('k')]).toEqual([0, undefined]);
    const leases: LeasedProtocol[] = [];
    get$.subscribe(lease => leases.push(lease));
    get$.subscribe(lease => leases.push(lease));
    expect(endpoint.dials).toHaveLength(2);
    leases[0].abort();
    expect(leases.map(lease => lease.state)).toEqual(['closed', 'ready']);
  });

  it('P2: a lease is emitted once, then the Observable completes; unsubscribing afterwards changes nothing', () => {
    const scheduler = testScheduler();
    scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
      const kit = new PoolKit({}, scheduler);
      const endpoint$ = cold('                        --(t|)', { t: new FakeTransport() });
      const get$ = kit.pool.get('k', endpoint$).pipe(map(lease => lease.state));
      expectObservable(get$, '                        ^----!').toBe('--(p|)', { p: 'ready' });
      expectSubscriptions(endpoint$.subscriptions).toBe('^-!');
      cold('------x').subscribe(() => expect(kit.holds()).toEqual([1, 0, 0, 0]));
    });
  });

  it('P3: unsubscribing before next loses no connection, no permit, and no turn of another', () => {
    const { kit, poll } = polledByHand({ maxConnectionsPerHost: 1 });
    const gets = [kit.get('k'), kit.get('k'), kit.get('k')];
    gets[0].cancel(); // while its connection is validated
    poll();
    expect(gets.map(get => get.pending)).toEqual([false, false, true]);
    const next = kit.get('k');
    gets[2].cancel(); // while it is queued
    gets[1].lease!.release();
    poll();
    expect(next.lease).toBeDefined();
    expect(kit.connections).toHaveLength(1);
  });

  it('P4: a sequential loop opens exactly one connection', () => {
    const kit = new PoolKit();
    kit.make = { answers: true };
    const endpoint = connects();
    let rounds = 0;
    range(0, 100)
      .pipe(
        concatMap(() =>
          kit.pool.get('k', endpoint.stream).pipe(
            mergeMap(lease => lease.request({ path: '/' })),
            mergeMap(response => response.text()),
          ),
        ),
      )
      .subscribe(() => rounds++);
    expect([rounds, endpoint.dials.length]).toEqual([100, 1]);
  });

  it('P4: so does a loop that goes on from the last value of the body, before its completion', () => {
    const kit = new PoolKit();
    const endpoint = connects();
    const sent = send(kit.lease('k', endpoint));
    kit.connections[0].respond();
    sent.response!.text().subscribe(() => kit.get('k', endpoint));
    kit.connections[0].data('x');
    kit.connections[0].finish();
    expect(endpoint.dials).toHaveLength(1);
    expect(kit.holds()).toEqual([1, 0, 0, 0]);
  });

  it.each<[string, (kit: PoolKit) => void]>([
    ['the response says close', kit => kit.connections[0].answerAndClose()],
    ['the exchange fails', kit => kit.connections[0].fail()],
    ['only the head was read', kit => kit.connections[0].respond()],
  ])('P5: a connection is not reused if %s', (_name, act) => {
    const kit = new PoolKit({ retryAutomatically: false });
    send(kit.lease('k'));
    act(kit);
    expect(kit.holds()[1]).toBe(0);
    expect(kit.lease('k').reused).toBe(false);
  });

  it('P6: a used connection is handed out only after the loop has polled since the take', () => {
    const { kit, poll } = polledByHand();
    const first = kit.get('k');
    poll();
    first.lease!.release();
    poll();
    const second = kit.get('k');
    expect(second.pending).toBe(true);
    poll();
    expect(second.lease).toBeDefined();
    expect(kit.connections).toHaveLength(1);
  });

  it('P6: what arrives meanwhile ends it, and the waiter takes the next one, which is no retry', () => {
    const { kit, poll } = polledByHand();
    const gets = [kit.get('k'), kit.get('k')];
    poll();
    gets.forEach(get => send(get.lease!));
    kit.connections.forEach(connection => connection.answer());
    const endpoint = new FakeEndpoint();
    const get = kit.get('k', endpoint);
    kit.connections[1].unsolicited();
    expect(get.pending).toBe(true);
    poll();
    expect(get.lease!.reused).toBe(true);
    expect(endpoint.dials).toHaveLength(0);
    expect(kit.pool.stats().retries).toBe(0);
  });

  it.each(['unsolicited', 'finFromServer', 'fail'] as const)('P7: an idle connection evicted at once: %s', event => {
    const kit = new PoolKit().watch();
    const connection = kit.idle('k');
    kit.log();
    connection[event]();
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
    expect(kit.log()).toHaveLength(1);
    if (event === 'unsolicited') expect(connection.closes).toBeGreaterThan(0);
  });

  it('P8: a waiter takes whichever comes first: its dial, another dial, or a returned connection', () => {
    const own = new PoolKit();
    const endpoint = new FakeEndpoint();
    const gets = [own.get('k', endpoint), own.get('k', endpoint)];
    endpoint.dials[1].connect();
    expect(gets.map(get => get.pending)).toEqual([false, true]);
    gets[0].lease!.release();
    expect(gets[1].lease).toBeDefined();
    const third = own.get('k', endpoint);
    endpoint.dials[0].connect();
    expect(third.lease).toBeDefined();
  });

  it('P9: a dial that nobody waits for any more becomes idle, or is closed if a cap says so', () => {
    for (const maxPersistentPerHost of [1, 0]) {
      const kit = new PoolKit({ maxPersistentPerHost });
      const lease = kit.lease('k');
      const endpoint = new FakeEndpoint();
      kit.get('k', endpoint);
      lease.release();
      endpoint.dials[0].connect();
      expect(kit.holds()).toEqual([1, maxPersistentPerHost, 0, 0]);
      expect(endpoint.dials[0].transport.destroyed).toBe(1 - maxPersistentPerHost);
    }
  });

  it('P10: waiters of a key are served strictly first in first out, and no newcomer overtakes', () => {
    const { kit, poll } = polledByHand({ maxConnectionsPerHost: 1 });
    const order: number[] = [];
    const enter = (i: number): void => {
      kit.pool.get('k', connects().stream).subscribe(lease => {
        order.push(i);
        if (i < 3) enter(i + 10); // a newcomer, while a connection is free
        lease.release();
      });
    };
    [0, 1, 2, 3].forEach(enter);
    for (let i = 0; i < 10; i++) poll();
    expect(order).toEqual([0, 1, 2, 3, 10, 11, 12]);
  });

  it('P11: a dial failure fails the one who started it, others get a fresh dial without having asked', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 2 });
    const endpoint = new FakeEndpoint();
    const gets = Array.from({ length: 5 }, () => kit.get('k', endpoint));
    endpoint.dials[1].fail();
    expect(gets.map(get => get.error !== undefined)).toEqual([false, true, false, false, false]);
    expect(endpoint.pending).toHaveLength(2);
  });

  it('P12: leased + idle + connecting ≤ max at every instant, in every callback of a busy life', () => {
    const kit = new PoolKit({ maxConnections: 3, maxConnectionsPerHost: 2 });
    let checks = 0;
    const check = (): void => {
      checks++;
      const { leased, idle, connecting } = kit.pool.stats();
      expect(leased + idle + connecting).toBeLessThanOrEqual(3);
      expect(kit.holds('a')[0] + kit.holds('a')[1] + kit.holds('a')[2]).toBeLessThanOrEqual(2);
    };
    kit.pool.events.subscribe(check);
    const endpoint = new FakeEndpoint('connects');
    endpoint.onSubscribe = endpoint.onTeardown = check;
    for (let i = 0; i < 30; i++) {
      kit.pool.get('abc'[i % 3], endpoint.stream).subscribe(lease => {
        check();
        if (i % 5 === 0) lease.abort();
        else lease.release();
      });
    }
    expect(checks).toBeGreaterThan(100);
  });

  it('P13: the queue limit refuses at once; the acquire timeout is absolute over queue, dial and validation', () => {
    const { kit, poll } = polledByHand({ maxConnectionsPerHost: 1, maxPending: 1, acquireTimeout: 100 });
    const holder = kit.get('k');
    poll();
    const endpoint = new FakeEndpoint();
    const waiter = kit.get('k', endpoint);
    expect(kit.get('k').error).toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
    kit.advance(60);
    holder.lease!.abort();
    kit.advance(30);
    endpoint.dials[0].connect();
    kit.advance(15);
    expect(waiter.error).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT' });
  });

  it('P14: a refusal carries what the pool held, and the last dial error as its cause', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1, maxPending: 0 });
    const failing = new FakeEndpoint();
    const refused = new ConnectError('refused');
    kit.get('k', failing);
    failing.dials[0].fail(refused);
    kit.get('k', new FakeEndpoint());
    const { error } = kit.get('k');
    expect(error).toMatchObject({
      snapshot: { key: 'k', leased: 0, idle: 0, connecting: 1, pending: 2, max: 1, waited: 0 },
      phase: 'acquire',
    });
    expect(String(error)).toContain('connecting=1');
  });

  it('P15: idle reuse is last in first out; expiry is a timer', () => {
    const kit = new PoolKit({ cachedConnectionTimeout: 100 });
    const leases = [kit.lease('k'), kit.lease('k')];
    leases[0].release();
    kit.advance(50);
    leases[1].release();
    send(kit.lease('k'));
    expect(kit.connections.map(connection => connection.requests.length)).toEqual([0, 1]);
    kit.advance(50);
    expect(kit.connections[0].state).toBe('closed');
  });

  it('P16: maxConnectionAge never kills a lease', () => {
    const kit = new PoolKit({ maxConnectionAge: 10 });
    const sent = send(kit.lease('k'));
    kit.advance(100);
    kit.connections[0].answer();
    expect(sent.completed).toBe(true);
    expect(kit.connections[0].state).toBe('closed');
  });

  it('P17: a stale handle has no effect on a later lease of the same connection', () => {
    const kit = new PoolKit();
    const stale = kit.lease('k');
    stale.release();
    const current = kit.lease('k');
    stale.release();
    stale.abort();
    expect(send(stale).error).toBeInstanceOf(LeaseUsedError);
    expect(current.state).toBe('ready');
    expect(kit.connections).toHaveLength(1);
  });

  it('P18: callbacks of users may throw or re-enter: the state stays sound', async () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    let waiter: Observable<LeasedProtocol> = NEVER;
    await unhandledErrors(() => {
      kit.pool.events.subscribe(event => {
        if (event.type !== 'quiescent') return;
        kit.get('k').cancel();
        throw new Error('observer');
      });
      const lease = kit.lease('k');
      waiter = kit.pool.get('k', connects().stream);
      lease.release();
    }, 1);
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
    expect(await firstValueFrom(waiter)).toBeDefined();
  });

  it('P19: close refuses new gets, fails pending ones, closes idle, waits for leased, then destroys', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const idle = kit.idle('idle');
    const sent = send(kit.lease('k'));
    const pending = kit.get('k');
    let closed = 0;
    kit.pool.close({ gracePeriod: 100 }).subscribe(() => closed++);
    kit.pool.close({ gracePeriod: 100 }).subscribe(() => closed++);
    expect([idle.state, closed]).toEqual(['closed', 0]);
    expect([pending.error, kit.get('k').error]).toEqual(
      Array(2).fill(expect.objectContaining({ code: 'ERR_POOL_CLOSED' })),
    );
    kit.advance(100);
    expect(sent.error).toMatchObject({ code: 'ERR_ABORTED' });
    expect(closed).toBe(2);
  });

  it('P20: a key with no connection, dial or waiter holds no memory', () => {
    const kit = new PoolKit({ cachedConnectionTimeout: 10 });
    kit.lease('aborted').abort();
    kit.get('failed', new FakeEndpoint('fails'));
    kit.get('cancelled', new FakeEndpoint()).cancel();
    kit.idle('expired');
    kit.get('timed out', NEVER, { acquireTimeout: 10 });
    kit.pool.get('untouched', NEVER);
    kit.advance(20);
    // The counters of a key live as long as the key.
    for (const key of ['aborted', 'failed', 'cancelled', 'expired', 'timed out', 'untouched']) {
      expect(kit.pool.stats(key)).toBeUndefined();
    }
    expect(kit.pool.stats()).toMatchObject({ opened: 2, refusals: 1, connectFailures: 1 });
  });

  it('P21: an idle connection does not keep the process alive, a leased one does', () => {
    const kit = new PoolKit();
    const connection = kit.idle('k');
    expect(connection.reffed).toBe(false);
    const lease = kit.lease('k');
    expect(connection.reffed).toBe(true);
    lease.release();
    expect(connection.reffed).toBe(false);
    expect(connection.unrefs).toBe(2);
  });

  it('P21: nor does one that goes from lease to lease ever have to be unreffed', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const lease = kit.lease('k');
    kit.get('k');
    lease.release();
    expect([kit.connections[0].refs, kit.connections[0].unrefs]).toEqual([0, 0]);
  });

  it('P22: a request is replayed at most once, and never on the first use of a connection', () => {
    const kit = new PoolKit();
    const fresh = send(kit.lease('k'));
    kit.connections[0].fail();
    expect(fresh.error).toMatchObject({ code: 'ERR_RESPONSE_NEVER_RECEIVED' });
    kit.idle('k');
    const reused = send(kit.lease('k'));
    kit.connections[1].fail();
    kit.connections[2].fail();
    expect(reused.error).toMatchObject({ code: 'ERR_RESPONSE_NEVER_RECEIVED' });
    expect(kit.connections).toHaveLength(3);
  });

  it.each<[string, (kit: PoolKit, get: { cancel(): void }) => void]>([
    ['cancel', (_kit, get) => get.cancel()],
    ['timeout', kit => kit.advance(50)],
  ])('P23: who loses the settle race gives the resource back: %s before delivery', (_name, lose) => {
    const { kit, poll } = polledByHand({ maxConnectionsPerHost: 1 });
    const loser = kit.get('k', connects(), { acquireTimeout: 50 });
    const next = kit.get('k');
    lose(kit, loser);
    poll();
    expect(loser.lease).toBeUndefined();
    expect(next.lease).toBeDefined();
    expect(kit.connections).toHaveLength(1);
  });

  it('P24: time comes from the scheduler: four minutes pass at once', () => {
    const kit = new PoolKit({ cachedConnectionTimeout: 240_000 });
    kit.idle('k');
    kit.advance(239_999);
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
    kit.advance(1);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });
});

describe('race matrix', () => {
  it('waiter times out × connection delivered: one wins, a losing connection goes on to the next', () => {
    const scheduler = testScheduler();
    scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
      const kit = new PoolKit({ maxConnectionsPerHost: 1 }, scheduler);
      const endpoint$ = cold('                         -----(t|)', { t: new FakeTransport() });
      const get = (options?: { acquireTimeout: number }) => kit.pool.get('k', endpoint$, options).pipe(map(() => 'p'));
      expectObservable(get({ acquireTimeout: 5 })).toBe('-----#   ', undefined, expect.any(AcquireTimeoutError));
      expectObservable(get({ acquireTimeout: 6 })).toBe('-----(p|)');
      expectSubscriptions(endpoint$.subscriptions).toBe('^----!   ');
    });
  });

  it('waiter cancels × its dial completes: to the next waiter, else idle', () => {
    const { kit, poll } = polledByHand({ maxConnectionsPerHost: 1 });
    const [first, second] = [kit.get('k'), kit.get('k')];
    first.cancel();
    poll();
    second.lease!.release();
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
    expect(kit.connections).toHaveLength(1);
  });

  it('waiter cancels × it had the only dial: the dial goes on for the next', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const endpoint = new FakeEndpoint();
    const [first, second] = [kit.get('k', endpoint), kit.get('k', endpoint)];
    first.cancel();
    expect(endpoint.pending).toHaveLength(1);
    endpoint.pending[0].fail(); // started by one who has gone: fails nobody, and the next dials
    expect(second.pending).toBe(true);
    endpoint.pending[0].connect();
    expect(second.lease).toBeDefined();
  });

  it("first waiter's dial fails × 4 others wait: 1 fails, new dials for the other 4", () => {
    const kit = new PoolKit();
    const endpoint = new FakeEndpoint();
    const gets = Array.from({ length: 5 }, () => kit.get('k', endpoint));
    endpoint.dials[0].fail();
    expect(gets.filter(get => get.error !== undefined)).toEqual([gets[0]]);
    expect(endpoint.pending).toHaveLength(4);
  });

  it('connection returned × queue empty of live waiters: idle', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const lease = kit.lease('k');
    const gets = [kit.get('k'), kit.get('k')];
    gets.forEach(get => get.cancel());
    lease.release();
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
  });

  it('connection returned × pool closing: destroyed', () => {
    const kit = new PoolKit();
    send(kit.lease('k'));
    kit.pool.close();
    kit.connections[0].answer();
    expect(kit.connections[0].state).toBe('closed');
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('connection returned × over the idle cap: the oldest idle is closed, the fresh one kept', () => {
    const kit = new PoolKit({ maxPersistentPerHost: 1 });
    const leases = [kit.lease('k'), kit.lease('k')];
    leases.forEach(lease => lease.release());
    expect(kit.connections.map(connection => connection.state)).toEqual(['closed', 'quiescent']);
  });

  it('connection returned × its age over: destroyed, the place free, the next waiter dials', () => {
    const kit = new PoolKit({ maxConnectionAge: 10, maxConnectionsPerHost: 1 });
    const lease = kit.lease('k');
    const endpoint = new FakeEndpoint();
    const waiter = kit.get('k', endpoint);
    kit.advance(20);
    lease.release();
    expect(kit.connections[0].state).toBe('closed');
    endpoint.dials[0].connect();
    expect(waiter.lease!.reused).toBe(false);
  });

  it('release × get from inside it: works, and does not overtake', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const lease = kit.lease('k');
    const order: string[] = [];
    lease.quiescent.subscribe(() => kit.pool.get('k', NEVER).subscribe(() => order.push('newcomer')));
    kit.pool.get('k', NEVER).subscribe(next => {
      order.push('waiter');
      next.release();
    });
    lease.release();
    expect(order).toEqual(['waiter', 'newcomer']);
  });

  it('a slow destruction × other keys: they are not held up', () => {
    const kit = new PoolKit({ maxConnections: 1 });
    kit.make = { lingers: true };
    kit.idle('a');
    expect(kit.get('b').lease).toBeDefined();
    expect(kit.connections[0].state).toBe('closed');
  });

  it('idle timer × take in the same tick: one of them wins, never both', () => {
    for (const first of ['take', 'timer'] as const) {
      const kit = new PoolKit({ cachedConnectionTimeout: 100 });
      let lease: LeasedProtocol | undefined;
      const take = (): void => void (lease = kit.lease('k'));
      if (first === 'take') kit.scheduler.schedule(take, 100);
      const connection = kit.idle('k');
      if (first === 'timer') kit.scheduler.schedule(take, 100);
      kit.advance(100);
      expect(lease!.reused).toBe(connection.state === 'quiescent');
      expect(kit.holds()).toEqual([1, 0, 0, 0]);
      expect(lease!.state).toBe('ready');
    }
  });

  it('server FIN × take in the same tick: the waiter does not see it', () => {
    const { kit, poll } = polledByHand();
    const first = kit.get('k');
    poll();
    send(first.lease!);
    kit.connections[0].answer();
    const get = kit.get('k');
    kit.connections[0].finFromServer();
    poll();
    expect(get.lease!.reused).toBe(false);
    expect(get.error).toBeUndefined();
  });

  it('408 or any bytes × idle: closed, not delivered', () => {
    const kit = new PoolKit();
    kit.idle('k').unsolicited();
    expect(kit.lease('k').reused).toBe(false);
  });

  it('a body that was buffered unclaimed is read later, and touches no connection', async () => {
    const kit = new PoolKit();
    const sent = send(kit.lease('k'));
    kit.connections[0].answer('kept');
    const current = kit.lease('k');
    const { response } = sent;
    expect(await firstValueFrom(response!.text())).toBe('kept');
    expect(() =>
      response!.text().subscribe({ error: error => expect(error).toBeInstanceOf(BodyUsedError) }),
    ).not.toThrow();
    expect(current.state).toBe('ready');
  });
});
