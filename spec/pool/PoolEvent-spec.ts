import { describe, expect, it } from '@jest/globals';
import { NEVER, Subject } from 'rxjs';
import { BodyUnclaimedError, ResponseNeverReceivedError } from '../../src/errors/index.js';
import type { HTTPConnectionPoolOptions } from '../../src/pool/index.js';
import { FakeEndpoint, PoolKit, send } from './support/index.js';

describe('pool.events', () => {
  it('of a request, a second one over the same connection, and the end of that', () => {
    const kit = new PoolKit().watch();
    send(kit.lease('k'));
    kit.connections[0].answer();
    send(kit.lease('k'));
    kit.connections[0].answer();
    kit.connections[0].finFromServer();
    expect(kit.log()).toEqual([
      'k connecting',
      'k connected',
      'k leased',
      'k quiescent 1',
      'k leased reused',
      'k quiescent 2',
      'k evicted peer-closed',
    ]);
  });

  it('of gets that wait', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 }).watch();
    const lease = kit.lease('k');
    kit.log();
    kit.get('k');
    kit.get('k');
    lease.release();
    expect(kit.log()).toEqual(['k pending 1', 'k pending 2', 'k quiescent 0', 'k leased']);
  });

  it('of gets that wait, both if they come from one callback', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    kit.lease('k');
    kit.watch();
    kit.pool.get('other', new FakeEndpoint('connects').stream).subscribe(() => {
      for (let i = 0; i < 2; i++) kit.get('k');
    });
    expect(kit.log().filter(entry => entry.startsWith('k '))).toEqual(['k pending 2', 'k pending 2']);
  });

  it('of a get that does not wait there is no pending', () => {
    const kit = new PoolKit().watch();
    kit.get('k', new FakeEndpoint());
    expect(kit.log()).toEqual(['k connecting']);
  });

  it('of refusals', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1, maxPending: 1 });
    kit.lease('k');
    kit.watch();
    kit.get('k', undefined, { acquireTimeout: 10 });
    kit.get('k');
    kit.advance(10);
    kit.get('k');
    kit.pool.close();
    expect(kit.log()).toEqual([
      'k pending 1',
      'k refused ERR_POOL_QUEUE_FULL',
      'k refused ERR_ACQUIRE_TIMEOUT',
      'k pending 1',
      'k refused ERR_POOL_CLOSED',
    ]);
  });

  it('of a failed dial, with how long it took', () => {
    const kit = new PoolKit().watch();
    const endpoint = new FakeEndpoint();
    kit.get('k', endpoint);
    kit.advance(70);
    endpoint.dials[0].fail();
    expect(kit.events[1]).toMatchObject({ type: 'connect-failed', elapsed: 70, at: 70, key: 'k' });
  });

  it('of a dial, with how long that took, whenever it was', () => {
    const kit = new PoolKit().watch();
    kit.advance(1_000);
    const endpoint = new FakeEndpoint();
    kit.get('k', endpoint);
    kit.get('k', endpoint);
    kit.advance(30);
    endpoint.dials[0].connect();
    kit.advance(20);
    endpoint.dials[1].fail();
    const taken = kit.events.filter(event => 'elapsed' in event);
    expect(taken).toMatchObject([
      { type: 'connected', elapsed: 30, at: 1_030 },
      { type: 'connect-failed', elapsed: 50, at: 1_050 },
    ]);
  });

  it('of a lease, with how long its get waited, whenever it was', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    kit.advance(1_000);
    const lease = kit.lease('k');
    kit.watch();
    kit.get('k');
    kit.advance(40);
    lease.release();
    expect(kit.events.filter(({ type }) => type === 'leased')).toMatchObject([{ waited: 40, at: 1_040 }]);
  });

  it('of a retry', () => {
    const kit = new PoolKit();
    kit.idle('k');
    kit.watch();
    send(kit.lease('k'));
    kit.connections[0].fail();
    kit.connections[1].answer();
    expect(kit.log()).toEqual([
      'k leased reused',
      'k evicted error',
      'k retried ERR_RESPONSE_NEVER_RECEIVED',
      'k connecting',
      'k connected',
      'k quiescent 1',
    ]);
  });

  it.each<[string, (kit: PoolKit) => void, string]>([
    ['bytes on an idle connection', kit => kit.idle('k').unsolicited(), 'unsolicited-data'],
    ['the end of an idle connection', kit => kit.idle('k').finFromServer(), 'peer-closed'],
    ['a response that closes', kit => (send(kit.lease('k')), kit.connections[0].answerAndClose()), 'not-persistent'],
    ['a request that was cancelled', kit => send(kit.lease('k')).subscription.unsubscribe(), 'cancelled'],
    ['a lease that was aborted', kit => kit.lease('k').abort(), 'cancelled'],
    ['a loss in use', kit => (send(kit.lease('k')), kit.connections[0].fail()), 'error'],
  ])('the reason of an eviction: %s', (_name, act, reason) => {
    const kit = new PoolKit({ retryAutomatically: false }).watch();
    act(kit);
    expect(kit.log().pop()).toBe(`k evicted ${reason}`);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it.each<[string, HTTPConnectionPoolOptions, (kit: PoolKit) => unknown, string]>([
    [
      'over the cap of idle ones of all keys',
      { maxPersistent: 1 },
      kit => [kit.idle('a'), kit.idle('b')],
      'a overflow',
    ],
    ['over the cap of a key', { maxPersistentPerHost: 0 }, kit => kit.idle('a'), 'a overflow'],
    ['with no idle life', { cachedConnectionTimeout: 0 }, kit => kit.idle('a'), 'a not-persistent'],
    ['for another key', { maxConnections: 1 }, kit => [kit.idle('a'), kit.get('b')], 'a room'],
    [
      'for another key that has waited for long',
      { maxConnections: 1 },
      kit => {
        const lease = kit.lease('a');
        kit.get('b');
        kit.get('a');
        kit.advance(1_000);
        lease.release();
      },
      'a room',
    ],
    ['idle, when the pool is closed', {}, kit => [kit.idle('a'), kit.pool.close()], 'a pool-closed'],
    ['leased, when its time is over', {}, kit => [kit.lease('a'), kit.pool.close({ gracePeriod: 0 })], 'a pool-closed'],
    [
      'that comes back to a pool that is closing',
      {},
      kit => {
        const lease = kit.lease('a');
        kit.pool.close();
        lease.release();
      },
      'a pool-closed',
    ],
    [
      'whose body nobody claimed in time',
      { retryAutomatically: false },
      kit => (send(kit.lease('a')), kit.connections[0].fail(new BodyUnclaimedError(10_000))),
      'a cancelled',
    ],
    [
      'handed back before it was handed out',
      { validateIdle: NEVER },
      kit => [kit.get('a'), kit.connections[0].quiescentByMistake()],
      'a wrong-state',
    ],
    [
      'of a retry that was given up while the connection was validated',
      {},
      kit => {
        const polled$ = new Subject<void>();
        const slow = new PoolKit({ validateIdle: polled$ });
        slow.pool.events.subscribe(event => kit.events.push(event));
        const setup = slow.get('a');
        polled$.next();
        send(setup.lease!);
        slow.connections[0].answer();
        const get = slow.get('a');
        polled$.next();
        const sent = send(get.lease!);
        slow.connections[0].fail();
        sent.subscription.unsubscribe();
      },
      'a cancelled',
    ],
    [
      'of a retry whose time was over while the connection was validated',
      {},
      kit => {
        const polled$ = new Subject<void>();
        const slow = new PoolKit({ validateIdle: polled$ });
        slow.pool.events.subscribe(event => kit.events.push(event));
        const setup = slow.get('a');
        polled$.next();
        send(setup.lease!);
        slow.connections[0].answer();
        const get = slow.get('a', undefined, { acquireTimeout: 100 });
        polled$.next();
        send(get.lease!);
        slow.connections[0].fail();
        slow.advance(200);
      },
      'a cancelled',
    ],
  ])('the reason of an eviction: %s', (_name, options, act, reason) => {
    const kit = new PoolKit(options).watch();
    act(kit);
    const [last] = kit.events.filter(({ type }) => type === 'evicted').slice(-1);
    expect(last).toMatchObject({ type: 'evicted' });
    expect(`${last.key} ${(last as { reason: string }).reason}`).toBe(reason);
  });

  it('a lease that gives up the place of a connection that died tells of that as an error', () => {
    const kit = new PoolKit();
    const stale = kit.idle('k');
    const lease = kit.lease('k');
    const error = new ResponseNeverReceivedError('reset');
    stale.fail(error);
    kit.watch();
    lease.abort(error);
    expect(kit.events).toMatchObject([{ type: 'evicted', reason: 'error', error }]);
  });

  it('of the end of the pool, which is of no key', () => {
    const kit = new PoolKit().watch();
    kit.pool.close();
    expect(kit.events).toEqual([{ type: 'closed', key: '', at: 0 }]);
  });

  it('what the teardown of an endpoint throws is told, and harms nobody', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 }).watch();
    const endpoint = new FakeEndpoint();
    const error = new Error('cannot hang up');
    endpoint.onTeardown = () => {
      throw error;
    };
    const get = kit.get('k', endpoint);
    get.cancel();
    const told = kit.events.filter(({ type }) => type === 'error');
    expect(told).toMatchObject([{ key: 'k', error: { errors: [error] } }]);
    expect(kit.lease('k')).toBeDefined();
  });

  it('a connection handed back in the wrong state is reported, and destroyed', () => {
    const kit = new PoolKit();
    const connection = kit.idle('k');
    kit.watch();
    connection.quiescentByMistake();
    expect(connection.state).toBe('closed');
    expect(kit.log()).toEqual(['k error', 'k evicted wrong-state']);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('what a protocol reports is told, after the fact', async () => {
    const kit = new PoolKit();
    const connection = kit.idle('k');
    kit.watch();
    connection.context.report(new Error('aside'));
    await Promise.resolve();
    expect(kit.events).toEqual([{ type: 'error', key: 'k', at: 0, error: new Error('aside') }]);
  });

  it('is hot: who comes late has missed what was before', () => {
    const kit = new PoolKit();
    kit.idle('k');
    kit.watch();
    expect(kit.log()).toEqual([]);
  });

  it('nothing is built while nobody observes: the clock is not even asked for it', () => {
    const life = (kit: PoolKit): number => {
      let readings = 0;
      const now = kit.scheduler.now;
      kit.scheduler.now = () => (readings++, now());
      send(kit.lease('k'));
      kit.connections[0].answer();
      return readings;
    };
    expect(life(new PoolKit())).toBeLessThan(life(new PoolKit().watch()));
  });
});

describe('pool.stats', () => {
  it('counts per key and in total', () => {
    const kit = new PoolKit();
    kit.idle('a');
    send(kit.lease('a'));
    kit.connections[0].fail(); // retried
    kit.connections[1].answer();
    kit.lease('b').abort();
    kit.lease('b');
    kit.get('b', new FakeEndpoint('fails'));
    expect(kit.pool.stats('a')).toMatchObject({
      leased: 0,
      idle: 1,
      connecting: 0,
      validating: 0,
      pending: 0,
      opened: 2,
      connectFailures: 0,
      leases: 2,
      reuses: 1,
      retries: 1,
      evictions: 1,
      refusals: 0,
      leaks: 0,
    });
    expect(kit.pool.stats()).toMatchObject({
      leased: 1,
      idle: 1,
      opened: 4,
      connectFailures: 1,
      leases: 4,
      evictions: 2,
    });
  });

  it('the counters of a key live as long as it holds anything', () => {
    const kit = new PoolKit();
    kit.lease('k').abort();
    expect(kit.pool.stats('k')).toBeUndefined();
    expect(kit.pool.stats()).toMatchObject({ opened: 1, evictions: 1 });
  });

  it('is a snapshot', () => {
    const kit = new PoolKit();
    const before = kit.pool.stats();
    kit.lease('k');
    expect(before.leased).toBe(0);
  });
});
