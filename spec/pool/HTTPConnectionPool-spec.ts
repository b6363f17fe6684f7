import { describe, expect, it } from '@jest/globals';
import {
  NEVER,
  Subject,
  defer,
  firstValueFrom,
  of,
  retry,
  throwError,
  type SchedulerLike,
  type Subscription,
} from 'rxjs';
import { ConnectError, UnsolicitedDataError } from '../../src/errors/index.js';
import { HTTPConnectionPool, type LeasedProtocol } from '../../src/pool/index.js';
import { FakeTransport as Wire, answer } from '../support/index.js';
import { FakeEndpoint, FakeTransport, PoolKit, send, testScheduler } from './support/index.js';

describe('the contract of a lease', () => {
  it('L1: when a cached connection is used, endpoint$ is never subscribed to', () => {
    const scheduler = testScheduler();
    scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
      const kit = new PoolKit({}, scheduler);
      kit.idle('k');
      const endpoint$ = cold('--(t|)', { t: new FakeTransport() });
      expectObservable(kit.pool.get('k', endpoint$)).toBe('(p|)', { p: expect.anything() });
      expectSubscriptions(endpoint$.subscriptions).toBe([]);
    });
  });

  it('L1: an endpoint that would fail is fine as long as a cached connection serves', () => {
    const kit = new PoolKit();
    kit.idle('k');
    const get = kit.get(
      'k',
      throwError(() => new Error('never asked')),
    );
    expect(get.lease).toBeDefined();
  });

  it('L2: teardown before next aborts its own dial, and leaves nothing', () => {
    const scheduler = testScheduler();
    scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
      const kit = new PoolKit({}, scheduler);
      const endpoint$ = cold('                               -----(t|)', { t: new FakeTransport() });
      expectObservable(kit.pool.get('k', endpoint$), '       ^--!    ').toBe('---');
      expectSubscriptions(endpoint$.subscriptions).toBe('    ^--!    ');
      cold('---x').subscribe(() => expect(kit.holds()).toEqual([0, 0, 0, 0]));
    });
  });

  it('L3: the pool is driven by quiescence alone: it needs no consumer of the body', () => {
    const kit = new PoolKit();
    send(kit.lease('k'));
    kit.connections[0].respond();
    kit.connections[0].data('nobody reads this');
    expect(kit.holds()).toEqual([1, 0, 0, 0]);
    kit.connections[0].finish();
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
  });

  it('L3: failure has the same order: disconnected, slot freed, error, teardown; a retry of the user finds room', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1, maxPending: 0, retryAutomatically: false });
    const log: string[] = [];
    const lease = kit.lease('k');
    const say = (what: string): void => void log.push(`${what} ${kit.holds().join('')}`);
    lease.disconnected.subscribe(() => say('disconnected'));
    const request = lease.request({ path: '/' }).subscribe({ error: () => say('error') });
    request.add(() => say('teardown'));
    kit.connections[0].fail();
    expect(log).toEqual(['disconnected 0000', 'error 0000', 'teardown 0000']);

    kit.make = { answers: true };
    let attempts = 0;
    kit.pool
      .use('k', new FakeEndpoint('connects').stream, retried => {
        if (attempts++ === 0) retried.abort();
        return retried.request({ path: '/' });
      })
      .pipe(retry(1))
      .subscribe();
    expect(attempts).toBe(2);
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
  });

  it('L5: a fresh connection that speaks or ends before the loop has polled counts as a failed dial', () => {
    for (const event of ['unsolicited', 'finFromServer'] as const) {
      const polled$ = new Subject<void>();
      const kit = new PoolKit({ validateIdle: polled$ });
      const [first, second] = [kit.get('k'), kit.get('k')];
      kit.connections[0][event]();
      expect(first.error).toBeInstanceOf(UnsolicitedDataError);
      expect(first.error).toBeInstanceOf(ConnectError);
      polled$.next();
      expect(second.lease).toBeDefined();
    }
  });

  it('L5: a validating connection belongs to no waiter, goes to the head of the queue, and counts as leased', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ validateIdle: polled$ });
    const endpoints = [new FakeEndpoint(), new FakeEndpoint()];
    const [first, second] = endpoints.map(endpoint => kit.get('k', endpoint));
    endpoints[1].dials[0].connect();
    expect(kit.pool.stats('k')).toMatchObject({ leased: 1, validating: 1, connecting: 1 });
    polled$.next();
    expect([first.pending, second.pending]).toEqual([false, true]);
  });

  it('L7: timeouts are streams that are cancelled by what they wait for', () => {
    const kit = new PoolKit({ leaseTimeout: Infinity, acquireTimeout: 50 });
    const endpoint = new FakeEndpoint();
    const get = kit.get('k', endpoint);
    endpoint.dials[0].connect();
    kit.advance(100);
    expect(get.lease!.state).toBe('ready');
    expect(kit.pool.stats().refusals).toBe(0);
  });

  it('L8: consumers are called only when the state is consistent: a get from inside next finds the truth', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 2 });
    const seen: unknown[] = [];
    kit.pool.get('k', new FakeEndpoint('connects').stream).subscribe(() => seen.push(kit.holds()));
    kit.pool.get('k', new FakeEndpoint('connects').stream).subscribe(() => seen.push(kit.holds()));
    expect(seen).toEqual([
      [1, 0, 0, 0],
      [2, 0, 0, 0],
    ]);
  });

  it('L9: no timer at all where every time is Infinity', () => {
    const kit = new PoolKit({ leaseTimeout: Infinity, cachedConnectionTimeout: Infinity });
    kit.idle('k');
    kit.get('k').lease!.release();
    kit.get('other', NEVER);
    expect(kit.scheduler.actions).toEqual([]);
  });
});

describe('the timer of a cached connection', () => {
  /** When timers of a length were scheduled and given up. */
  function timersOf(length: number) {
    const scheduler = testScheduler();
    const log: string[] = [];
    const recording: SchedulerLike = {
      now: () => scheduler.now(),
      schedule: (...args: unknown[]): Subscription => {
        const action = Reflect.apply(scheduler.schedule, scheduler, args) as Subscription;
        if (args[1] !== length) return action;
        log.push(`^${scheduler.frame}`);
        action.add(() => log.push(`!${scheduler.frame}`));
        return action;
      },
    };
    const kit = new PoolKit({ scheduler: recording, cachedConnectionTimeout: length }, scheduler);
    return { kit, log };
  }

  it('runs from the return to the lease, to the frame', () => {
    const { kit, log } = timersOf(777);
    const lease = kit.lease('k');
    kit.advance(5);
    lease.release();
    kit.advance(10);
    const again = kit.lease('k');
    kit.advance(20);
    again.release();
    expect(log).toEqual(['^5', '!15', '^35']);
  });

  it('is given up when the connection dies, is evicted, or the pool is closed', () => {
    for (const act of ['die', 'close'] as const) {
      const { kit, log } = timersOf(777);
      const connection = kit.idle('k');
      kit.advance(10);
      if (act === 'die') connection.finFromServer();
      else kit.pool.close();
      expect(log).toEqual(['^0', '!10']);
    }
  });

  it('with validateIdle true it is armed only for one that is still idle when the turn ends', async () => {
    const { kit, log } = timersOf(777);
    const pool = new PoolKit({ validateIdle: true, cachedConnectionTimeout: 778, scheduler: kit.scheduler });
    const first = await firstValueFrom(pool.pool.get('k', new FakeEndpoint('connects').stream));
    first.release();
    const second = await firstValueFrom(pool.pool.get('k', new FakeEndpoint('connects').stream));
    const idleTimers = (): number => kit.scheduler.actions.filter(action => action.delay === 778).length;
    expect([idleTimers(), pool.connections[0].unrefs, log.length]).toEqual([0, 0, 0]);
    second.release();
    await firstValueFrom(pool.pool.get('other', new FakeEndpoint('connects').stream)); // a turn has ended
    expect([idleTimers(), pool.connections[0].unrefs]).toEqual([1, 1]);
    pool.pool.close({ gracePeriod: 0 });
  });
});

describe('what is kept of the seed system', () => {
  it('the key is any string, and connections of two keys never mix', () => {
    const kit = new PoolKit();
    for (const key of ['', '__proto__', 'constructor', 'a b']) {
      kit.idle(key);
      expect(kit.holds(key)).toEqual([0, 1, 0, 0]);
    }
    expect(kit.lease('other').reused).toBe(false);
  });

  /** A pool of real HTTP/1.1 connections, over transports whose server is the test. */
  function overHTTP() {
    const transports: Wire[] = [];
    const endpoint$ = defer(() => {
      const transport = new Wire();
      transports.push(transport);
      return of(transport);
    });
    const kit = new PoolKit({ protocolFactory: undefined });
    return { kit, transports, lease: () => kit.lease('k', endpoint$) };
  }

  it.each(['200 OK', '404 Not Found', '500 Oops', '503 Busy'])(
    'the status of a response does not matter: after %s the connection goes back',
    status => {
      const { kit, transports, lease } = overHTTP();
      send(lease());
      transports[0].respond(answer('', { status }));
      expect(kit.holds()).toEqual([0, 1, 0, 0]);
      expect(lease().reused).toBe(true);
    },
  );

  it.each(['408 Request Timeout', '503 Busy'])('a status is no reason for a retry: %s is the answer', status => {
    const { transports, lease } = overHTTP();
    send(lease());
    transports[0].respond(answer());
    const sent = send(lease());
    transports[0].respond(answer('', { status }));
    expect(sent.response!.status).toBe(parseInt(status));
    expect([transports.length, transports[0].requests.length]).toEqual([1, 2]);
  });

  it('the protocolFactory is called once for each new connection, with what the endpoint emitted', () => {
    const made: unknown[] = [];
    const kit: PoolKit = new PoolKit({
      protocolFactory: (transport, context) => {
        made.push(transport);
        return kit.protocolFactory(transport, context);
      },
    });
    const endpoint = new FakeEndpoint('connects');
    const leases = [kit.lease('k', endpoint), kit.lease('k', endpoint)];
    leases.forEach(lease => lease.release());
    kit.lease('k', endpoint);
    expect(made).toEqual(endpoint.dials.map(dial => dial.transport));
    expect(made).toHaveLength(2);
  });

  it('the order of idle connections is that of their returns, not of their dials', () => {
    const kit = new PoolKit();
    const leases = [0, 1, 2].map(() => kit.lease('k'));
    for (const i of [1, 0, 2]) leases[i].release();
    const paths = ['/first', '/second', '/third'];
    for (const path of paths) send(kit.lease('k'), { path });
    expect([2, 0, 1].map(i => kit.connections[i].requests[0].path)).toEqual(paths);
  });

  it('the timer of a connection that is evicted over the cap is given up, that of the one that stays runs on', () => {
    const kit = new PoolKit({ maxPersistentPerHost: 1, cachedConnectionTimeout: 100, leaseTimeout: Infinity });
    const leases = [kit.lease('k'), kit.lease('k')];
    const timers = (): number => kit.scheduler.actions.filter(action => !action.closed).length;
    leases[0].release();
    expect(timers()).toBe(1);
    leases[1].release();
    expect(kit.connections.map(({ state }) => state)).toEqual(['closed', 'quiescent']);
    expect(timers()).toBe(1);
    kit.advance(100);
    expect([kit.connections[1].state, timers()]).toEqual(['closed', 0]);
  });

  it('a connection whose idle time is over leaves the others of its key alone', () => {
    const kit = new PoolKit({ cachedConnectionTimeout: 100 });
    const leases = [kit.lease('k'), kit.lease('k')];
    leases[0].release();
    kit.advance(50);
    leases[1].release();
    kit.advance(50);
    expect(kit.connections.map(({ state }) => state)).toEqual(['closed', 'quiescent']);
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
  });

  it('what is done to the options afterwards changes nothing: a cap cannot fall below what is cached', () => {
    const kit = new PoolKit();
    const { scheduler, protocolFactory } = kit;
    const options = { maxPersistentPerHost: 2, validateIdle: false, scheduler, protocolFactory };
    const pool = new HTTPConnectionPool(options);
    const leases: LeasedProtocol[] = [];
    for (let i = 0; i < 3; i++) pool.get('k', new FakeEndpoint('connects').stream).subscribe(p => leases.push(p));
    options.maxPersistentPerHost = 1;
    leases.forEach(lease => lease.release());
    expect(pool.stats('k')?.idle).toBe(2);
  });

  it('an idle connection that died before close does not hold it up', () => {
    const kit = new PoolKit();
    kit.idle('k').finFromServer();
    kit.idle('k');
    let closed = false;
    kit.pool.close().subscribe(() => (closed = true));
    expect(closed).toBe(true);
  });

  it('close gives up the timers of idle connections at once, though their sockets linger', () => {
    const kit = new PoolKit({ leaseTimeout: Infinity });
    kit.make = { lingers: true };
    const connection = kit.idle('k');
    let closed = false;
    kit.pool.close({ gracePeriod: Infinity }).subscribe(() => (closed = true));
    expect([kit.scheduler.actions.filter(action => !action.closed).length, closed]).toEqual([0, false]);
    connection.socketCloses();
    expect(closed).toBe(true);
  });

  it('an error of the endpoint comes as it is', () => {
    const error = new ConnectError('refused');
    const kit = new PoolKit();
    const get = kit.get(
      'k',
      throwError(() => error),
    );
    expect(get.error).toBe(error);
  });

  it('an error that is not of the family is the cause of a ConnectError', () => {
    const kit = new PoolKit();
    const cause = new Error('odd');
    const get = kit.get(
      'k',
      throwError(() => cause),
    );
    expect(get.error).toBeInstanceOf(ConnectError);
    expect(get.error).toMatchObject({ cause, phase: 'connect' });
  });

  it('an endpoint that completes without a connection is a failed dial', () => {
    const kit = new PoolKit();
    const endpoint = new FakeEndpoint();
    const get = kit.get('k', endpoint);
    endpoint.dials[0].complete();
    expect(get.error).toBeInstanceOf(ConnectError);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('cancelling a get that dials cancels the dial', () => {
    const endpoint = new FakeEndpoint();
    new PoolKit().get('k', endpoint).cancel();
    expect(endpoint.cancels).toBe(1);
  });

  it('the replacement connection of a retry enters the pool under the same key', () => {
    const kit = new PoolKit();
    kit.idle('k');
    send(kit.lease('k'));
    kit.connections[0].fail();
    kit.connections[1].answer();
    expect(kit.holds('k')).toEqual([0, 1, 0, 0]);
  });
});

describe('what is mended of the seed system (by the number of the defect)', () => {
  it('1: the caps are on open connections, with a queue, its limit and a timeout', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1, maxPending: 1, acquireTimeout: 10 });
    kit.lease('k');
    const waiter = kit.get('k');
    expect(kit.get('k').error).toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
    kit.advance(10);
    expect(waiter.error).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT' });
  });

  it('2: the newest idle connection is handed out, the oldest evicted', () => {
    const kit = new PoolKit({ maxPersistentPerHost: 2 });
    const leases = [0, 1, 2].map(() => kit.lease('k'));
    leases.forEach(lease => lease.release());
    send(kit.lease('k'));
    expect(kit.connections.map(({ state }) => state)).toEqual(['closed', 'quiescent', 'waiting']);
  });

  it('3: a dead idle connection is removed at once, and takes no place of a living one', () => {
    const kit = new PoolKit({ maxPersistentPerHost: 2 });
    const leases = [0, 1, 2].map(() => kit.lease('k'));
    leases[0].release();
    leases[1].release();
    kit.connections[1].finFromServer();
    leases[2].release();
    expect(kit.connections.map(({ state }) => state)).toEqual(['quiescent', 'closed', 'quiescent']);
  });

  it('4: a cap of 0 caches nothing, and reports nothing', () => {
    const kit = new PoolKit({ maxPersistentPerHost: 0 }).watch();
    kit.idle('k');
    expect(kit.log()).not.toContain('k error');
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('5: a connection that closes itself is not leased, though its socket lingers', () => {
    const kit = new PoolKit();
    kit.make = { lingers: true };
    kit.idle('k').unsolicited();
    expect(kit.lease('k').reused).toBe(false);
  });

  it('6: close concerns leased and connecting ones too, has a deadline, and a later return is destroyed', () => {
    const kit = new PoolKit();
    const endpoint = new FakeEndpoint();
    kit.get('k', endpoint);
    send(kit.lease('leased'));
    let closed = false;
    kit.pool.close({ gracePeriod: 10 }).subscribe(() => (closed = true));
    expect(endpoint.cancels).toBe(1);
    kit.advance(10);
    expect([closed, kit.connections[0].state]).toEqual([true, 'closed']);
  });

  it('7: a connection handed back in the wrong state is destroyed, and its request is not harmed before that', () => {
    const kit = new PoolKit().watch();
    const connection = kit.idle('k');
    connection.quiescentByMistake();
    expect(connection.closes).toBe(1);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('11: abort settles in every state', () => {
    const ends: ((kit: PoolKit, lease: LeasedProtocol) => void)[] = [
      () => {},
      (_kit, lease) => send(lease),
      (kit, lease) => (send(lease), kit.connections[0].respond()),
    ];
    for (const reach of ends) {
      const kit = new PoolKit();
      const lease = kit.lease('k');
      reach(kit, lease);
      lease.abort();
      lease.abort();
      expect(lease.state).toBe('closed');
      expect(kit.holds()).toEqual([0, 0, 0, 0]);
    }
  });

  it('12: abort counts as cancellation: a GET on a reused connection is not sent again', () => {
    const kit = new PoolKit();
    kit.idle('k');
    const lease = kit.lease('k');
    const sent = send(lease);
    lease.abort();
    expect(sent.error).toMatchObject({ code: 'ERR_ABORTED' });
    expect(kit.connections).toHaveLength(1);
  });

  it('20: a retry that fails has the first error as its last cause', () => {
    const kit = new PoolKit();
    const connection = kit.idle('k');
    const endpoint = new FakeEndpoint();
    const sent = send(kit.lease('k', endpoint));
    connection.fail();
    endpoint.dials[0].fail();
    expect(sent.error).toMatchObject({ code: 'ERR_CONNECT', cause: { code: 'ERR_RESPONSE_NEVER_RECEIVED' } });
  });

  it('23: events and stats are public', () => {
    const kit = new PoolKit().watch();
    kit.idle('k');
    expect(kit.log()).toHaveLength(4);
    expect(kit.pool.stats('k')).toMatchObject({ idle: 1, opened: 1 });
  });

  it('24: what makes connections differ is in the key: the endpoint of another get is never used for it', () => {
    const kit = new PoolKit();
    const [first, second] = [new FakeEndpoint('connects'), new FakeEndpoint()];
    kit.idle('k', first);
    send(kit.lease('k', second));
    kit.connections[0].fail();
    expect([first.dials.length, second.dials.length]).toEqual([1, 1]);
  });
});

// The other defects belong elsewhere: 8, 10, 16, 17 to spec/wire/ResponseParser-spec.ts; 9, 13, 15, 18, 19 to
// spec/protocol/HTTP11ClientProtocol-spec.ts; 14, 22 to spec/protocol/HTTPBody-spec.ts; 21 and the keys of 24 to the
// specs of the agent (redirects, keys).

describe('keys', () => {
  it('are those that hold a connection, a dial or a waiting get', () => {
    const kit = new PoolKit({ maxConnections: 2 });
    expect(kit.pool.keys()).toEqual([]);
    kit.lease('leased');
    const dialling = kit.get('dialling', new FakeEndpoint());
    const waiting = kit.get('waiting', new FakeEndpoint());
    expect(kit.pool.keys()).toEqual(['leased', 'dialling', 'waiting']);
    waiting.cancel();
    dialling.cancel();
    expect(kit.pool.keys()).toEqual(['leased']);
    expect([kit.pool.stats('dialling'), kit.pool.stats('leased')?.seats]).toEqual([undefined, 1]);
  });
});
