import { describe, expect, it } from '@jest/globals';
import { finalize, Subject, take, takeUntil } from 'rxjs';
import type { PoolEvent } from '../../src/events/index.js';
import type { LeasedProtocol } from '../../src/pool/index.js';
import { longRun } from '../support/index.js';
import { FakeConnection, FakeEndpoint, PoolKit, send, unhandledErrors } from './support/index.js';

/** What the pool says it holds is what there is. */
function consistent(kit: PoolKit): void {
  const total = kit.pool.stats();
  expect(total.leased + total.idle).toBe(total.opened - total.evictions);
  expect(total.validating).toBeLessThanOrEqual(total.leased);
  for (const value of Object.values(total)) expect(value).toBeGreaterThanOrEqual(0);
}

type Act = (world: { kit: PoolKit; lease: LeasedProtocol }) => void;
const acts: [string, Act][] = [
  ['get', ({ kit }) => void kit.get('k')],
  ['get of another key', ({ kit }) => void kit.get('other')],
  ['release', ({ lease }) => lease.release()],
  ['abort', ({ lease }) => lease.abort()],
  ['close', ({ kit }) => kit.pool.close()],
  ['close at once', ({ kit }) => kit.pool.close({ gracePeriod: 0 })],
  ['cancel of a waiting get', ({ kit }) => kit.get('k', new FakeEndpoint()).cancel()],
];

describe.each(acts)('%s, called', (_name, act) => {
  it('from next of a lease', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 2 });
    kit.pool.get('k', new FakeEndpoint('connects').stream).subscribe(lease => {
      act({ kit, lease });
      consistent(kit);
    });
    consistent(kit);
  });

  it('from complete of a get', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 2 });
    let lease: LeasedProtocol;
    kit.pool.get('k', new FakeEndpoint('connects').stream).subscribe({
      next: value => (lease = value),
      complete: () => {
        act({ kit, lease });
        consistent(kit);
      },
    });
    consistent(kit);
  });

  it('from error of a get', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 2 });
    const lease = kit.lease('k');
    let errors = 0;
    kit.pool.get('k', new FakeEndpoint('fails').stream).subscribe({
      error: () => {
        errors++;
        act({ kit, lease });
        consistent(kit);
      },
    });
    expect(errors).toBe(1);
    consistent(kit);
  });

  it.each<PoolEvent['type']>([
    'connecting',
    'connected',
    'leased',
    'quiescent',
    'evicted',
    'connect-failed',
    'pending',
  ])('from an observer of %s events', type => {
    const kit = new PoolKit({ maxConnectionsPerHost: 2, maxPersistentPerHost: 1 });
    const lease = kit.lease('k');
    let calls = 0;
    kit.pool.events.subscribe(event => {
      if (event.type !== type || calls++ > 0) return;
      act({ kit, lease });
      consistent(kit);
    });
    kit.get('k', new FakeEndpoint('fails'));
    const second = kit.get('k');
    const third = kit.get('k');
    second.lease?.release();
    third.lease?.release();
    kit.get('k', new FakeEndpoint('connects')).lease?.abort();
    lease.abort();
    expect(calls).toBeGreaterThan(0);
    consistent(kit);
    kit.pool.close({ gracePeriod: 0 });
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('from subscribe and from teardown of endpoint$', () => {
    for (const when of ['onSubscribe', 'onTeardown'] as const) {
      const kit = new PoolKit({ maxConnectionsPerHost: 2 });
      const lease = kit.lease('k');
      const endpoint = new FakeEndpoint();
      let calls = 0;
      endpoint[when] = () => {
        if (calls++ > 0) return;
        act({ kit, lease });
        consistent(kit);
      };
      const get = kit.get('k', endpoint);
      consistent(kit);
      get.cancel();
      expect(calls).toBeGreaterThan(0);
      consistent(kit);
      kit.pool.close({ gracePeriod: 0 });
      expect(kit.holds()).toEqual([0, 0, 0, 0]);
    }
  });

  it('from the protocolFactory', () => {
    let calls = 0;
    const kit: PoolKit = new PoolKit({
      maxConnectionsPerHost: 3,
      protocolFactory: (transport, context) => {
        if (calls++ === 1) act({ kit, lease });
        const connection = new FakeConnection(transport, context);
        kit.connections.push(connection);
        return connection;
      },
    });
    const lease = kit.lease('k');
    kit.get('k');
    consistent(kit);
    kit.pool.close({ gracePeriod: 0 });
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
    expect(kit.connections.map(connection => connection.state)).not.toContain('quiescent');
  });

  it('from quiescent and disconnected of a lease', () => {
    for (const end of ['answer', 'fail'] as const) {
      const kit = new PoolKit({ maxConnectionsPerHost: 2 });
      const [lease, other] = [kit.lease('k'), kit.lease('k')];
      const waiter = kit.get('k');
      let calls = 0;
      const call = (): void => {
        calls++;
        act({ kit, lease: other });
        consistent(kit);
      };
      if (end === 'answer') lease.quiescent.subscribe(call);
      else lease.disconnected.subscribe(call);
      send(lease);
      kit.connections[0][end]();
      expect(calls).toBe(1);
      expect(waiter.pending).toBe(false);
      consistent(kit);
      kit.pool.close({ gracePeriod: 0 });
      expect(kit.holds()).toEqual([0, 0, 0, 0]);
    }
  });

  it('from next, complete and error of a request', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 2 });
    for (const end of ['answer', 'fail'] as const) {
      const { lease } = kit.get('k');
      if (lease === undefined) continue; // an earlier act closed the pool, or holds the places
      const connection: FakeConnection = kit.connections.find(({ state }) => state === 'quiescent')!;
      let calls = 0;
      const call = (): void => {
        if (calls++ > 0) return;
        act({ kit, lease });
        consistent(kit);
      };
      lease.request({ path: '/' }).subscribe({ next: call, complete: call, error: call });
      if (connection.state === 'waiting') connection[end]();
      consistent(kit);
    }
    kit.pool.close({ gracePeriod: 0 });
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });
});

describe('a consumer', () => {
  it.each(['connected', 'leased'] as const)('that unsubscribes in the %s event loses no connection', type => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const endpoint = new FakeEndpoint();
    const [first, second] = [kit.get('k', endpoint), kit.get('k', endpoint)];
    const watching = kit.pool.events.subscribe(event => {
      if (event.type !== type) return;
      watching.unsubscribe();
      first.cancel();
    });
    endpoint.dials[0].connect();
    // Either it was too late, and the lease is the first one's, or the second one's.
    expect([first, second].filter(get => get.lease !== undefined)).toHaveLength(1);
    (first.lease ?? second.lease)!.release();
    expect(second.pending).toBe(false);
    expect(kit.pool.stats()).toMatchObject({ pending: 0, opened: 1, evictions: 0 });
  });

  it('that releases a connection from its complete, before its own teardown ran, is not given it', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const lease = kit.lease('k');
    const stop$ = new Subject<void>();
    kit.pool
      .get('k', new FakeEndpoint().stream)
      .pipe(takeUntil(stop$))
      .subscribe({ complete: () => lease.release() });
    const next = kit.get('k');
    stop$.next();
    expect(next.lease).toBeDefined();
  });

  it('that takes one and goes has the lease', () => {
    const kit = new PoolKit();
    const leases: LeasedProtocol[] = [];
    kit.pool
      .get('k', new FakeEndpoint('connects').stream)
      .pipe(take(1))
      .subscribe(lease => leases.push(lease));
    expect(leases[0].state).toBe('ready');
    expect(kit.holds()).toEqual([1, 0, 0, 0]);
  });

  it.each(['next', 'error', 'complete'] as const)('that throws in %s harms nobody', async callback => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const endpoint = new FakeEndpoint();
    const bang = (): never => {
      throw new Error('bang');
    };
    const errors = await unhandledErrors(() => {
      kit.pool.get('k', endpoint.stream).subscribe({ error: () => {}, [callback]: bang });
      const next = kit.get('k', new FakeEndpoint('connects'));
      if (callback === 'error') endpoint.dials[0].fail();
      else {
        endpoint.dials[0].connect();
        expect(next.pending).toBe(true);
        kit.connections[0].finFromServer();
      }
      expect(next.lease).toBeDefined();
      consistent(kit);
    }, 1);
    expect(errors).toEqual([new Error('bang')]);
  });

  it('an observer of events that throws harms nobody', async () => {
    const kit = new PoolKit();
    const errors = await unhandledErrors(() => {
      kit.pool.events.subscribe(() => {
        throw new Error('bang');
      });
      expect(kit.get('k').lease).toBeDefined();
      consistent(kit);
    }, 3);
    expect(errors).toHaveLength(3); // connecting, connected, leased
  });

  it('observers of a lease that throw harm nobody', async () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    await unhandledErrors(() => {
      const lease = kit.lease('k');
      lease.quiescent.subscribe(() => {
        throw new Error('bang');
      });
      const next = kit.get('k');
      lease.release();
      expect(next.lease).toBeDefined();
    }, 1);
    consistent(kit);
  });

  it('an endpoint whose teardown throws, after it has connected, harms nobody', () => {
    const kit = new PoolKit().watch();
    const endpoint = new FakeEndpoint();
    const throwing$ = endpoint.stream.pipe(
      finalize(() => {
        throw new Error('teardown');
      }),
    );
    const get = kit.get('k', throwing$);
    try {
      endpoint.dials[0].connect();
    } catch {
      // RxJS throws it at whoever emitted
    }
    expect(get.lease).toBeDefined();
    consistent(kit);
  });

  it('an endpoint whose teardown throws, when its dial is aborted, harms nobody', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const throwing$ = new FakeEndpoint().stream.pipe(
      finalize(() => {
        throw new Error('teardown');
      }),
    );
    const get = kit.get('k', throwing$);
    kit.get('other');
    try {
      get.cancel();
    } catch {
      // as above
    }
    expect(kit.holds()).toEqual([1, 0, 0, 0]);
    expect(kit.get('k').lease).toBeDefined();
  });

  it('a protocolFactory that throws is a failed dial', () => {
    const kit = new PoolKit({
      protocolFactory: () => {
        throw new Error('factory');
      },
    });
    const endpoint = new FakeEndpoint('connects');
    const get = kit.get('k', endpoint);
    expect(get.error).toMatchObject({ code: 'ERR_CONNECT', cause: new Error('factory') });
    expect(endpoint.dials[0].transport.destroyed).toBe(1);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });
});

describe('a long chain does not grow the stack', () => {
  const rounds = longRun(100_000);

  it('of releases and takes', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const endpoint = new FakeEndpoint('connects');
    let served = 0;
    const again = (lease: LeasedProtocol): void => {
      if (++served < rounds) kit.pool.get('k', endpoint.stream).subscribe(again);
      lease.release();
    };
    kit.pool.get('k', endpoint.stream).subscribe(again);
    expect(served).toBe(rounds);
    expect(kit.connections).toHaveLength(1);
  });

  it('of requests that are answered within subscribe, each begun from the completion of the last', () => {
    const kit = new PoolKit();
    kit.make = { answers: true };
    const endpoint = new FakeEndpoint('connects');
    let served = 0;
    const again = (): void => {
      kit.pool.get('k', endpoint.stream).subscribe(lease => {
        lease.request({ path: '/' }).subscribe({ complete: () => ++served < rounds && again() });
      });
    };
    again();
    expect(served).toBe(rounds);
    expect(kit.connections).toHaveLength(1);
  });

  it('of waiters that were all there before', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const first = kit.lease('k');
    let served = 0;
    const endpoint = new FakeEndpoint();
    for (let i = 0; i < rounds; i++) {
      kit.pool.get('k', endpoint.stream).subscribe(lease => {
        served++;
        lease.release();
      });
    }
    first.release();
    expect(served).toBe(rounds);
  });

  it('of dials that fail within subscribe', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const lease = kit.lease('k');
    const endpoint = new FakeEndpoint('fails');
    let failed = 0;
    const many = longRun(10_000);
    for (let i = 0; i < many; i++) kit.pool.get('k', endpoint.stream).subscribe({ error: () => failed++ });
    lease.abort();
    expect(failed).toBe(many);
  });
});

describe('events', () => {
  it('come in order to all observers, also when one acts on them', () => {
    const kit = new PoolKit();
    const logs: string[][] = [[], []];
    let acted = false;
    kit.pool.events.subscribe(event => {
      logs[0].push(event.type);
      if (acted) return;
      acted = true;
      kit.get('other');
    });
    kit.pool.events.subscribe(event => logs[1].push(event.type));
    kit.get('k');
    expect(logs[0]).toEqual(logs[1]);
    expect(logs[0]).toHaveLength(6);
  });
});
