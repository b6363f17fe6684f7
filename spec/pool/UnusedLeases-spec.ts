import { describe, expect, it } from '@jest/globals';
import { finalize, firstValueFrom } from 'rxjs';
import { turns } from '../loopback/until.js';
import { FakeEndpoint, PoolKit, send, unhandledErrors } from './support/index.js';

describe('leases that nobody uses', () => {
  it('leak one after the other, each at its own time, whatever becomes of the others', () => {
    const kit = new PoolKit({ leaseTimeout: 100 }).watch();
    const leases = ['a', 'b', 'c', 'd'].map(key => {
      const lease = kit.lease(key);
      kit.advance(20);
      return lease;
    });
    leases[0].release();
    send(leases[2]);
    kit.log();
    kit.advance(40); // 120: that of b
    expect(kit.log()).toEqual(['b leaked', 'b evicted leaked']);
    kit.advance(39);
    expect(leases[3].state).toBe('ready');
    kit.advance(1); // 160: that of d
    expect(kit.log()).toEqual(['d leaked', 'd evicted leaked']);
    expect(leases.map(({ state }) => state)).toEqual(['released', 'closed', 'waiting', 'closed']);
    kit.advance(1_000);
    expect(kit.pool.stats()).toMatchObject({ leaks: 2, leased: 1, idle: 1 });
  });

  it('that leak together are all reported, also if what hears of one gives the next one back', () => {
    const kit = new PoolKit({ leaseTimeout: 100 });
    const leases = ['a', 'b', 'c'].map(key => kit.lease(key));
    kit.pool.events.subscribe(({ type, key }) => {
      if (type === 'leaked' && key === 'a') leases[1].release();
    });
    kit.advance(100);
    expect(leases.map(({ state }) => state)).toEqual(['closed', 'released', 'closed']);
    expect(kit.pool.stats()).toMatchObject({ leaks: 2, idle: 1 });
  });

  it('of a connection that dies are gone from the list: the next lease of the key has all of its time', () => {
    const kit = new PoolKit({ leaseTimeout: 100 });
    kit.lease('k').abort();
    kit.advance(60);
    const lease = kit.lease('k');
    kit.advance(99);
    expect(lease.state).toBe('ready');
    kit.advance(1);
    expect(lease.state).toBe('closed');
  });

  it('go on leaking where what hears of one throws', async () => {
    const kit = new PoolKit({ leaseTimeout: 100 });
    const [first] = ['a', 'b'].map(key => kit.lease(key));
    const thrower = finalize(() => {
      throw new Error('from finalize');
    });
    first.disconnected.pipe(thrower).subscribe();
    const errors = await unhandledErrors(() => kit.advance(100), 1);
    expect(errors).toHaveLength(1);
    kit.lease('c');
    kit.advance(100);
    expect(kit.pool.stats()).toMatchObject({ leaks: 3, leased: 0 });
  });

  it('leak also if their connection is lost in the loop turn in which they were given', async () => {
    const kit = new PoolKit({ validateIdle: true, leaseTimeout: 100 });
    const lease = () => firstValueFrom(kit.pool.get('k', new FakeEndpoint('connects').stream));
    (await lease()).release();
    const kept = await lease();
    kit.connections[0].finFromServer();
    expect([kept.state, kit.holds()]).toEqual(['ready', [1, 0, 0, 0]]);
    await turns();
    kit.advance(100);
    expect([kept.state, kit.pool.stats().leaks, kit.holds()]).toEqual(['closed', 1, [0, 0, 0, 0]]);
  });

  it('a timeout of 0 is over at the next tick, not before the lease can be used', () => {
    const kit = new PoolKit({ leaseTimeout: 0 });
    const used = kit.lease('k');
    send(used);
    const unused = kit.lease('other');
    expect(unused.state).toBe('ready');
    kit.advance(1);
    expect([used.state, unused.state]).toEqual(['waiting', 'closed']);
  });

  it('do not keep a closed pool open: its end does not wait for their time', () => {
    const kit = new PoolKit({ leaseTimeout: 1_000 });
    const lease = kit.lease('k');
    let closed = false;
    kit.pool.close({ gracePeriod: 500 }).subscribe(() => (closed = true));
    lease.release();
    expect(closed).toBe(true);
  });
});
