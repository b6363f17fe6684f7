import { describe, expect, it } from '@jest/globals';
import { Subject } from 'rxjs';
import { UnsolicitedDataError } from '../../src/errors/index.js';
import type { PoolEvent } from '../../src/events/index.js';
import { FakeEndpoint, PoolKit, send, type FakeConnection } from './support/index.js';

const error = new UnsolicitedDataError('bytes');

/** Why connections left the pool, and with what error. */
function evictions(events: readonly PoolEvent[]): [string, unknown][] {
  return events.flatMap(event => (event.type === 'evicted' ? [[event.reason, event.error]] : []));
}

const ends: [string, (connection: FakeConnection) => void, [string, unknown]][] = [
  ['the server closes it', connection => connection.finFromServer(), ['peer-closed', undefined]],
  ['bytes come', connection => connection.fail(error), ['unsolicited-data', error]],
];

describe('The event of a connection that leaves the pool', () => {
  it.each(ends)('tells why, and the error if there is one: idle, and %s', (_, end, expected) => {
    const kit = new PoolKit().watch();
    end(kit.idle('k'));
    expect(evictions(kit.events)).toEqual([expected]);
  });

  it.each(ends)('tells the same of one that is validated for a get: %s', (_, end, expected) => {
    const polled = new Subject<void>();
    const kit = new PoolKit({ validateIdle: polled }).watch();
    const first = kit.get('k');
    polled.next();
    first.lease!.release();
    const get = kit.get('k');
    end(kit.connections[0]);
    expect(evictions(kit.events)).toEqual([expected]);
    // The get dials, and hears of nothing.
    expect([get.error, kit.connections.length]).toEqual([undefined, 2]);
  });

  it('tells the same of a new one; the error of its get is that of the connection', () => {
    const polled = new Subject<void>();
    const kit = new PoolKit({ validateIdle: polled }).watch();
    const gets = [kit.get('a'), kit.get('b')];
    kit.connections[0].fail(error);
    kit.connections[1].finFromServer();
    expect(evictions(kit.events).map(([reason]) => reason)).toEqual(['unsolicited-data', 'peer-closed']);
    expect(gets[0].error).toBe(error);
    expect(gets[1].error).toMatchObject({ code: 'ERR_UNSOLICITED_DATA' });
  });

  it('tells of one that died without a word as its lease was released', () => {
    const kit = new PoolKit().watch();
    const connection = kit.idle('k');
    const lease = kit.lease('k');
    connection.progress = () => ({ state: 'closed', wrote: false, responseByte: false, bodySubscribed: false });
    lease.release();
    expect(evictions(kit.events)).toEqual([['peer-closed', undefined]]);
    expect(lease.state).toBe('closed');
  });
});

describe('The time for which a get has waited', () => {
  it('is 0 for one that is served, or refused, at once', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1, maxPending: 0 });
    kit.idle('k');
    kit.advance(50);
    kit.watch();
    kit.lease('k');
    const { error: refused } = kit.get('k');
    expect(kit.events[0]).toMatchObject({ type: 'leased', waited: 0 });
    expect(refused).toMatchObject({ code: 'ERR_POOL_QUEUE_FULL', snapshot: { waited: 0 } });
  });

  it('is told in ms for one that has waited', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const lease = kit.lease('k');
    kit.advance(50);
    kit.watch();
    kit.get('k');
    kit.advance(20);
    lease.release();
    expect(kit.events.find(({ type }) => type === 'leased')).toMatchObject({ waited: 20 });
  });
});

describe('A pool that is closed while the connection of a retry is validated', () => {
  it('tells the request so', () => {
    const polled = new Subject<void>();
    const kit = new PoolKit({ validateIdle: polled });
    const first = kit.get('k');
    polled.next();
    first.lease!.release();
    const get = kit.get('k');
    polled.next();
    const sent = send(get.lease!);
    kit.connections[0].fail();
    expect([kit.connections.length, polled.observed]).toEqual([2, true]);
    let closed = false;
    kit.pool.close().subscribe(() => (closed = true));
    expect(sent.error).toMatchObject({ code: 'ERR_POOL_CLOSED' });
    expect([polled.observed, closed, kit.connections[1].closes]).toEqual([false, true, 1]);
  });
});

describe('Warming a key up', () => {
  const made = (kit: PoolKit, key: string, count: number): number => {
    let number = -1;
    kit.pool.warmUp(key, new FakeEndpoint('connects').stream, count).subscribe(value => (number = value));
    return number;
  };

  it('makes no more connections than the limits of the key have room for beside those that are leased', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 3 });
    kit.lease('k');
    expect(made(kit, 'k', 9)).toBe(2);
  });

  it('makes no more connections than the cache has room for beside the idle ones, of all keys', () => {
    const kit = new PoolKit({ maxPersistent: 3 });
    kit.idle('other');
    expect(made(kit, 'k', 9)).toBe(2);
    expect([made(kit, 'k', 9), kit.pool.stats().evictions]).toEqual([0, 0]);
  });
});
