import { describe, expect, it } from '@jest/globals';
import { NEVER, Subject } from 'rxjs';
import { PoolClosedError } from '../../src/errors/index.js';
import type { CloseOptions } from '../../src/pool/index.js';
import { FakeEndpoint, PoolKit, send, testScheduler } from './support/index.js';

/** Closes the pool and tells whether that has emitted and completed. */
function closing(kit: PoolKit, options?: CloseOptions): () => string {
  let log = '';
  kit.pool.close(options).subscribe({ next: () => (log += 'v'), complete: () => (log += '|') });
  return () => log;
}

describe('close', () => {
  it('of an empty pool emits and completes at once', () => {
    expect(closing(new PoolKit())()).toBe('v|');
  });

  it('starts at the call, not at the subscription', () => {
    const kit = new PoolKit();
    const idle = kit.idle('k');
    kit.pool.close();
    expect(idle.state).toBe('closed');
    expect(kit.get('k').error).toBeInstanceOf(PoolClosedError);
  });

  it('refuses later gets with what the pool holds', () => {
    const kit = new PoolKit();
    kit.lease('k');
    kit.pool.close();
    expect(kit.get('k').error).toMatchObject({ code: 'ERR_POOL_CLOSED', snapshot: { key: 'k', leased: 1, idle: 0 } });
    expect(kit.get('other').error).toMatchObject({ snapshot: { key: 'other', leased: 0 } });
    expect(kit.holds()).toEqual([1, 0, 0, 0]);
  });

  it('closes idle connections and aborts dials at once, and fails waiting gets with PoolClosedError', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 2 });
    const idle = kit.idle('idle');
    const endpoint = new FakeEndpoint();
    const gets = [kit.get('k', endpoint), kit.get('k', endpoint), kit.get('k', endpoint)];
    const closed = closing(kit);
    expect(idle.state).toBe('closed');
    expect(endpoint.cancels).toBe(2);
    expect(gets.map(get => get.error)).toEqual(Array(3).fill(expect.any(PoolClosedError)));
    expect(closed()).toBe('v|');
  });

  it('ends what is being validated', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ validateIdle: polled$ });
    const get = kit.get('k');
    const closed = closing(kit);
    expect(get.error).toBeInstanceOf(PoolClosedError);
    expect(kit.connections[0].state).toBe('closed');
    expect(closed()).toBe('v|');
    expect(polled$.observed).toBe(false);
  });

  it('waits for leases; one that comes back is destroyed', () => {
    const kit = new PoolKit();
    const sent = send(kit.lease('k'));
    const closed = closing(kit);
    expect(closed()).toBe('');
    kit.connections[0].answer();
    expect(sent.completed).toBe(true);
    expect(kit.connections[0].state).toBe('closed');
    expect(closed()).toBe('v|');
  });

  it('a lease that is unused yet may still be used, and one that is released is destroyed', () => {
    const kit = new PoolKit();
    const [used, unused] = [kit.lease('k'), kit.lease('k')];
    const closed = closing(kit);
    const sent = send(used);
    kit.connections[0].answer();
    expect(sent.completed).toBe(true);
    unused.release();
    expect(kit.connections[1].state).toBe('closed');
    expect(closed()).toBe('v|');
  });

  it('a dial that comes after all is destroyed', () => {
    const kit = new PoolKit();
    const endpoint = new FakeEndpoint();
    let late: (() => void) | undefined;
    endpoint.onTeardown = dial => (late = () => dial.connect());
    kit.get('k', endpoint);
    kit.pool.close();
    late!();
    expect(kit.connections).toHaveLength(0);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('destroys leases when the grace period is over, exactly then', () => {
    const scheduler = testScheduler();
    scheduler.run(({ expectObservable }) => {
      const kit = new PoolKit({}, scheduler);
      const response$ = kit.lease('k').request({ path: '/' });
      expectObservable(response$).toBe(
        '       --- 47ms #',
        undefined,
        expect.objectContaining({ code: 'ERR_ABORTED' }),
      );
      expectObservable(kit.pool.close({ gracePeriod: 50 })).toBe('50ms (v|)', { v: undefined });
    });
  });

  it('gives 10 s if it is not told', () => {
    const kit = new PoolKit();
    send(kit.lease('k'));
    const closed = closing(kit);
    kit.advance(9_999);
    expect(closed()).toBe('');
    kit.advance(1);
    expect(closed()).toBe('v|');
  });

  it('gracePeriod: 0 destroys leases at once', () => {
    const kit = new PoolKit();
    const sent = send(kit.lease('k'));
    const closed = closing(kit, { gracePeriod: 0 });
    expect(sent.error).toMatchObject({ code: 'ERR_ABORTED' });
    expect(closed()).toBe('v|');
  });

  it('gracePeriod: Infinity makes no timer', () => {
    const kit = new PoolKit({ leaseTimeout: Infinity });
    send(kit.lease('k'));
    const actions = kit.scheduler.actions.length;
    const closed = closing(kit, { gracePeriod: Infinity });
    expect(kit.scheduler.actions).toHaveLength(actions);
    kit.connections[0].answer();
    expect(closed()).toBe('v|');
  });

  it('called again it can only shorten the grace period', () => {
    const kit = new PoolKit();
    send(kit.lease('k'));
    const closed = closing(kit, { gracePeriod: 100 });
    kit.advance(90);
    kit.pool.close(); // 10 s from here, which is later
    kit.pool.close({ gracePeriod: Infinity });
    kit.advance(10);
    expect(closed()).toBe('v|');
  });

  it('called again with a shorter grace period it ends sooner', () => {
    const kit = new PoolKit();
    send(kit.lease('k'));
    const closed = [closing(kit), closing(kit, { gracePeriod: 20 })];
    kit.advance(20);
    expect(closed.map(log => log())).toEqual(['v|', 'v|']);
  });

  it('after the end emits at once, and makes no timer', () => {
    const kit = new PoolKit();
    closing(kit);
    const actions = kit.scheduler.actions.filter(action => !action.closed).length;
    expect(closing(kit)()).toBe('v|');
    expect(kit.scheduler.actions.filter(action => !action.closed)).toHaveLength(actions);
  });

  it('leaves no timer behind', () => {
    const kit = new PoolKit();
    kit.lease('k').release();
    kit.lease('k');
    kit.get('other', NEVER, { acquireTimeout: 1_000 });
    kit.pool.close();
    kit.pool.close({ gracePeriod: 0 });
    expect(kit.scheduler.actions.filter(action => !action.closed)).toEqual([]);
  });

  it('emits only when every connection is closed, those included that were evicted earlier and linger', () => {
    const kit = new PoolKit({ maxPersistentPerHost: 1 });
    kit.make = { lingers: true };
    const leases = [kit.lease('k'), kit.lease('k')];
    leases.forEach(lease => lease.release()); // the first is over the cap
    const [evicted, idle] = kit.connections;
    expect([evicted.state, idle.state]).toEqual(['closed', 'quiescent']);
    const closed = closing(kit);
    idle.socketCloses();
    expect(closed()).toBe('');
    evicted.socketCloses();
    expect(closed()).toBe('v|');
  });

  it('does not wait for an upgraded connection', () => {
    const kit = new PoolKit().watch();
    send(kit.lease('k'));
    kit.log();
    kit.connections[0].upgrade();
    expect(kit.log()).toEqual(['k evicted upgraded']);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
    expect(closing(kit)()).toBe('v|');
    expect(kit.connections[0].transport).toMatchObject({ destroyed: 0 });
  });

  it('completes the events, the last of which says closed', () => {
    const kit = new PoolKit();
    const log: string[] = [];
    kit.pool.events.subscribe({ next: event => log.push(event.type), complete: () => log.push('|') });
    kit.idle('k');
    log.length = 0;
    kit.pool.close();
    expect(log).toEqual(['evicted', 'closed', '|']);
    kit.pool.events.subscribe({ complete: () => log.push('late |') });
    expect(log).toContain('late |');
  });

  it('is what await using does', async () => {
    const kit = new PoolKit();
    const idle = kit.idle('k');
    await kit.pool[Symbol.asyncDispose]();
    expect(idle.state).toBe('closed');
  });

  it('throws for a grace period that makes no sense', () => {
    const kit = new PoolKit();
    expect(() => kit.pool.close({ gracePeriod: -1 })).toThrow('gracePeriod');
    expect(kit.get('k').lease).toBeDefined();
  });

  it('stats after the end: nothing held, the totals kept, the keys forgotten', () => {
    const kit = new PoolKit();
    kit.idle('k');
    kit.pool.close();
    expect(kit.pool.stats()).toMatchObject({ leased: 0, idle: 0, opened: 1, evictions: 1 });
    expect(kit.pool.stats('k')).toBeUndefined();
  });

  it('a key of which only waiters were left is forgotten', () => {
    const kit = new PoolKit({ maxConnections: 1 });
    kit.lease('a');
    kit.get('b');
    kit.pool.close();
    expect(kit.pool.stats('b')).toBeUndefined();
    expect(kit.pool.stats()).toMatchObject({ refusals: 1 });
  });
});
