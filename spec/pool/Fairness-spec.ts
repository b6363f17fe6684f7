import { describe, expect, it } from '@jest/globals';
import { Subject } from 'rxjs';
import { FakeEndpoint, noStats, PoolKit, send, type Get } from './support/index.js';

const waiting = (gets: Get[]): boolean[] => gets.map(get => get.pending);

describe('the queue of a key', () => {
  it('is strictly first in, first out', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    let lease = kit.lease('k');
    const served: number[] = [];
    const gets = Array.from({ length: 5 }, (_, i) => {
      const get = kit.get('k');
      return { get, i };
    });
    for (let round = 0; round < 5; round++) {
      lease.release();
      const next = gets.filter(({ get, i }) => get.lease !== undefined && !served.includes(i));
      expect(next).toHaveLength(1);
      served.push(next[0].i);
      lease = next[0].get.lease!;
    }
    expect(served).toEqual([0, 1, 2, 3, 4]);
  });

  it('is not overtaken by a newcomer while a freed connection is being handed over', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ maxConnectionsPerHost: 1, validateIdle: polled$ });
    const first = kit.get('k');
    polled$.next();
    const second = kit.get('k');
    first.lease!.release();
    const newcomer = kit.get('k');
    expect(waiting([second, newcomer])).toEqual([true, true]);
    polled$.next();
    expect(waiting([second, newcomer])).toEqual([false, true]);
  });

  it('idle reuse is last in, first out', () => {
    const kit = new PoolKit();
    const leases = [kit.lease('k'), kit.lease('k')];
    leases.forEach(lease => send(lease));
    kit.connections[0].answer();
    kit.connections[1].answer();
    send(kit.lease('k'));
    expect(kit.connections.map(connection => connection.requests.length)).toEqual([1, 2]);
  });

  it('two gets from inside a callback get two idle connections', () => {
    const kit = new PoolKit();
    const both = [kit.lease('k'), kit.lease('k')];
    for (const lease of both) lease.release();
    const dials = kit.connections.length;
    const gets: Get[] = [];
    kit.pool.get('other', new FakeEndpoint('connects').stream).subscribe(() => {
      for (let i = 0; i < 2; i++) gets.push(kit.get('k', new FakeEndpoint()));
    });
    expect(gets.map(({ lease }) => lease?.reused)).toEqual([true, true]);
    expect(kit.connections.length).toBe(dials + 1);
  });

  it('two gets from inside a callback have their connections validated together', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ validateIdle: polled$ });
    const both = [kit.get('k'), kit.get('k')];
    polled$.next();
    for (const { lease } of both) lease!.release();
    const gets: Get[] = [];
    kit.pool.get('other', new FakeEndpoint('connects').stream).subscribe(() => {
      for (let i = 0; i < 2; i++) gets.push(kit.get('k', new FakeEndpoint()));
    });
    polled$.next();
    expect(waiting(gets)).toEqual([true, true]);
    polled$.next();
    expect(waiting(gets)).toEqual([false, false]);
  });

  it('two gets from inside a callback are dialled for, both', () => {
    const kit = new PoolKit();
    const endpoint = new FakeEndpoint();
    kit.pool.get('other', new FakeEndpoint('connects').stream).subscribe(() => {
      for (let i = 0; i < 2; i++) kit.get('k', endpoint);
    });
    expect(endpoint.pending).toHaveLength(2);
  });

  it('a waiter takes its dial, another dial or a returned connection, whichever is first', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 3 });
    const lease = kit.lease('k');
    const endpoint = new FakeEndpoint();
    const [a, b] = [kit.get('k', endpoint), kit.get('k', endpoint)];
    endpoint.dials[1].connect(); // the dial of b serves a, who is first
    expect(waiting([a, b])).toEqual([false, true]);
    lease.release();
    expect(waiting([a, b])).toEqual([false, false]);
    expect(kit.holds()).toEqual([2, 0, 1, 0]);
  });

  it('the dial that nobody waits for any more goes idle', () => {
    const kit = new PoolKit();
    const lease = kit.lease('k');
    const endpoint = new FakeEndpoint();
    const get = kit.get('k', endpoint);
    lease.release();
    expect(get.lease).toBeDefined();
    expect(endpoint.cancels).toBe(0);
    endpoint.dials[0].connect();
    expect(kit.holds()).toEqual([1, 1, 0, 0]);
    expect(endpoint.dials[0].transport.destroyed).toBe(0);
  });

  it('a failed dial that nobody waits for any more fails nobody', () => {
    const kit = new PoolKit();
    const lease = kit.lease('k');
    const endpoint = new FakeEndpoint();
    const served = kit.get('k', endpoint);
    lease.release();
    const later = kit.get('k', endpoint);
    expect(endpoint.dials).toHaveLength(1); // the orphan is on its way to it
    endpoint.dials[0].fail();
    expect(served.error).toBeUndefined();
    expect(later.pending).toBe(true);
    endpoint.dials[1].connect();
    expect(later.lease).toBeDefined();
  });

  it('a failed dial fails the one who started it, and the rest are dialled for', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const endpoint = new FakeEndpoint();
    const gets = Array.from({ length: 5 }, () => kit.get('k', endpoint));
    endpoint.dials[0].fail();
    expect(gets.map(get => get.error !== undefined)).toEqual([true, false, false, false, false]);
    expect(endpoint.pending).toHaveLength(1);
    endpoint.dials[1].connect();
    expect(gets[1].lease).toBeDefined();
  });

  it('a dial storm never has more dials than waiters, nor than the cap', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 10 });
    const endpoint = new FakeEndpoint();
    const gets = Array.from({ length: 100 }, () => kit.get('k', endpoint));
    expect(endpoint.dials).toHaveLength(10);
    let most = 0;
    endpoint.onSubscribe = () => (most = Math.max(most, endpoint.pending.length));
    while (endpoint.pending.length > 0) endpoint.pending[0].fail();
    expect(most).toBeLessThanOrEqual(10);
    expect(endpoint.dials).toHaveLength(100);
    expect(gets.every(get => get.error !== undefined)).toBe(true);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('new dials wanted = waiters − validating − connecting', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ validateIdle: polled$ });
    const first = kit.get('k');
    polled$.next();
    first.lease!.release();
    const endpoint = new FakeEndpoint();
    const gets = [kit.get('k', endpoint), kit.get('k', endpoint), kit.get('k', endpoint)];
    expect(kit.pool.stats('k')).toMatchObject({ validating: 1, connecting: 2 });
    expect(endpoint.dials).toHaveLength(2);
    polled$.next();
    expect(waiting(gets)).toEqual([false, true, true]);
    expect(endpoint.dials).toHaveLength(2);
  });

  it('the dial of a cancelled waiter is kept if another waiter can use it', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const endpoint = new FakeEndpoint();
    const [first, second] = [kit.get('k', endpoint), kit.get('k', endpoint)];
    first.cancel();
    expect(endpoint.cancels).toBe(0);
    endpoint.dials[0].connect();
    expect(second.lease).toBeDefined();
  });

  it('the dial of a cancelled waiter is aborted if nobody can use it', () => {
    const kit = new PoolKit();
    const endpoint = new FakeEndpoint();
    const [first, second] = [kit.get('k', endpoint), kit.get('k', endpoint)];
    first.cancel();
    expect(endpoint.dials.map(dial => dial.cancelled)).toEqual([true, false]);
    endpoint.dials[1].connect();
    expect(second.lease).toBeDefined();
    expect(kit.holds()).toEqual([1, 0, 0, 0]);
  });

  it('a connection of a waiter that was cancelled while it was validated goes to the next, else idle', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ maxConnectionsPerHost: 1, validateIdle: polled$ });
    const [first, second] = [kit.get('k'), kit.get('k')];
    first.cancel();
    polled$.next();
    expect(second.lease).toBeDefined();
    second.lease!.release();
    kit.get('k').cancel();
    polled$.next();
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
  });
});

describe('keys that share maxConnections', () => {
  it('the longest-idle connection of another key is closed to make room', () => {
    const kit = new PoolKit({ maxConnections: 2 }).watch();
    const [a, b] = [kit.idle('a'), kit.idle('b')];
    kit.log();
    const get = kit.get('c');
    expect(get.lease).toBeDefined();
    expect([a.state, b.state]).toEqual(['closed', 'quiescent']);
    expect(kit.log()).toContain('a evicted room');
    expect(kit.holds()).toEqual([1, 1, 0, 0]);
  });

  it('an own idle connection is used before another is closed', () => {
    const kit = new PoolKit({ maxConnections: 2 });
    const [a, b] = [kit.idle('a'), kit.idle('b')];
    expect(kit.get('b').lease!.reused).toBe(true);
    expect([a.state, b.state]).toEqual(['quiescent', 'quiescent']);
  });

  it('a key that waits for room gets the place of another key that ends', () => {
    const kit = new PoolKit({ maxConnections: 1 });
    const lease = kit.lease('a');
    const get = kit.get('b');
    expect(get.pending).toBe(true);
    lease.release(); // goes idle, and is closed for b
    expect(get.lease).toBeDefined();
    expect(kit.holds()).toEqual([1, 0, 0, 0]);
    expect(kit.connections[0].state).toBe('closed');
  });

  it('is woken when a dial that nobody waits for any more goes idle', () => {
    const kit = new PoolKit({ maxConnections: 2 });
    const lease = kit.lease('a');
    const endpoint = new FakeEndpoint();
    const served = kit.get('a', endpoint);
    lease.release(); // serves the get; its own dial goes on
    expect(served.lease).toBeDefined();
    const other = kit.get('b');
    expect(other.pending).toBe(true);
    endpoint.dials[0].connect();
    expect(other.lease).toBeDefined();
  });

  it('is woken when a connection whose waiter has gone passes validation', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ maxConnections: 1, validateIdle: polled$ });
    const first = kit.get('a');
    const other = kit.get('b');
    first.cancel();
    polled$.next(); // a's connection goes idle, and makes room
    polled$.next();
    expect(other.lease).toBeDefined();
  });

  it('is woken although the key before it has no use for the place any more', () => {
    const kit = new PoolKit({ maxConnections: 2 });
    const lease = kit.lease('a');
    const endpoint = new FakeEndpoint();
    const own = kit.get('a', endpoint);
    const b = kit.get('b');
    const c = kit.get('c');
    // From inside the drain loop: the place is free, b would have its turn, and goes.
    own.subscription.add(() => {
      lease.abort();
      b.cancel();
    });
    endpoint.dials[0].connect();
    expect(c.lease).toBeDefined();
  });

  it('two places that are freed in one pass wake two keys', () => {
    const kit = new PoolKit({ maxConnections: 3 });
    const leases = [kit.lease('a'), kit.lease('a')];
    const endpoint = new FakeEndpoint();
    const own = kit.get('a', endpoint);
    const [b, c] = [kit.get('b'), kit.get('c')];
    own.subscription.add(() => leases.forEach(lease => lease.abort()));
    endpoint.dials[0].connect();
    expect([b.lease, c.lease]).toEqual([expect.anything(), expect.anything()]);
  });

  it('a place goes to the get that has waited for it the longest, over all keys', () => {
    const kit = new PoolKit({ maxConnections: 1 });
    let lease = kit.lease('a');
    const gets = ['b', 'a', 'c', 'b', 'a'].map(key => kit.get(key));
    const served: number[] = [];
    kit.advance(1_000);
    for (let round = 0; round < gets.length; round++) {
      lease.release();
      const next = gets.findIndex((get, i) => get.lease !== undefined && !served.includes(i));
      expect(next).toBeGreaterThanOrEqual(0);
      served.push(next);
      lease = gets[next].lease!;
    }
    expect(served).toEqual([0, 1, 2, 3, 4]);
  });

  it('within a second, keys do not take the place of each other: a connection serves its own key first', () => {
    const kit = new PoolKit({ maxConnections: 1 });
    const lease = kit.lease('a');
    const [other, own] = [kit.get('b'), kit.get('a')];
    kit.advance(999);
    lease.release();
    expect([other.pending, own.pending]).toEqual([true, false]);
    expect(kit.pool.stats().opened).toBe(1);
    kit.advance(1);
    const third = kit.get('a');
    own.lease!.release();
    expect([other.pending, third.pending]).toEqual([false, true]);
  });

  it('a second counts from the get, also late in the life of a pool', () => {
    for (const [waited, pending] of [
      [999, [true, false]],
      [1_000, [false, true]],
    ] as const) {
      const kit = new PoolKit({ maxConnections: 1 });
      kit.advance(10_000);
      const lease = kit.lease('a');
      const gets = [kit.get('b'), kit.get('a')];
      kit.advance(waited);
      lease.release();
      expect(waiting(gets)).toEqual(pending);
    }
  });

  it('a connection stays with a key whose own get has waited for longer', () => {
    const kit = new PoolKit({ maxConnections: 1 });
    const lease = kit.lease('a');
    const gets = [kit.get('a'), kit.get('b')];
    kit.advance(10_000);
    lease.release();
    expect(waiting(gets)).toEqual([false, true]);
    expect(kit.pool.stats().opened).toBe(1);
  });

  it('a key is not starved by its own arrivals', () => {
    const kit = new PoolKit({ maxConnections: 1 });
    let lease = kit.lease('b');
    const first = kit.get('a');
    const others = Array.from({ length: 10 }, (_, i) => kit.get(i % 2 === 0 ? 'b' : 'c'));
    let rounds = 0;
    kit.advance(1_000);
    while (first.pending && rounds++ < 10) {
      kit.get('a'); // would put a at the end of the line
      lease.release();
      lease = [first, ...others].map(get => get.lease).find(held => held?.state === 'ready') ?? lease;
    }
    expect(rounds).toBe(1);
  });

  it('the key with the oldest get comes first, also if another key has stood in line for longer', () => {
    const kit = new PoolKit({ maxConnections: 1 });
    const lease = kit.lease('a');
    const left = kit.get('b');
    kit.advance(100);
    const oldest = kit.get('c');
    kit.advance(900);
    kit.get('b');
    left.cancel();
    const own = kit.get('a');
    kit.advance(200);
    lease.release();
    expect([oldest.lease?.state, own.pending]).toEqual(['ready', true]);
  });

  it('the cap is never exceeded, nor the queue forgotten, at any moment that a callback sees', () => {
    const kit = new PoolKit({ maxConnections: 4, maxConnectionsPerHost: 2 });
    const check = (): void => {
      for (const key of [undefined, 'a', 'b', 'c']) {
        const { leased, idle, connecting, validating } =
          key === undefined ? kit.pool.stats() : (kit.pool.stats(key) ?? noStats);
        expect(leased + idle + connecting).toBeLessThanOrEqual(key === undefined ? 4 : 2);
        expect(validating).toBeLessThanOrEqual(leased);
      }
    };
    kit.pool.events.subscribe(check);
    const endpoint = new FakeEndpoint();
    endpoint.onSubscribe = endpoint.onTeardown = check;
    const done: string[] = [];
    for (let i = 0; i < 60; i++) {
      const key = 'abc'[i % 3];
      kit.pool.get(key, endpoint.stream).subscribe(lease => {
        check();
        lease.quiescent.subscribe(check);
        lease.disconnected.subscribe(check);
        lease.request({ path: '/' }).subscribe({
          next: check,
          error: check,
          complete: () => {
            check();
            done.push(key);
          },
        });
      });
    }
    for (let step = 0; step < 400 && done.length < 60; step++) {
      endpoint.pending[0]?.connect();
      kit.connections.find(connection => connection.state === 'waiting')?.answer();
    }
    expect(done).toHaveLength(60);
    expect(kit.pool.stats()).toMatchObject({ leased: 0, pending: 0, connecting: 0 });
  });
});
