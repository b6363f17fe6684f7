import { describe, expect, it } from '@jest/globals';
import { FakeEndpoint, PoolKit, send } from './support/index.js';

/** A pool with an idle connection under each of these keys. */
function idleUnder(...keys: string[]): PoolKit {
  const kit = new PoolKit().watch();
  for (const key of keys) kit.idle(key);
  kit.log();
  return kit;
}

/** What an Observable has told so far: v for a value, | for the end. */
function told(kit: PoolKit, key?: string): () => string {
  let seen = '';
  kit.pool.closeIdle(key).subscribe({ next: () => (seen += 'v'), complete: () => (seen += '|') });
  return () => seen;
}

describe('closeIdle', () => {
  it('closes the idle connections of all keys at the call, and the pool goes on', () => {
    const kit = idleUnder('a', 'b');
    kit.pool.closeIdle();
    expect(kit.connections.map(({ state }) => state)).toEqual(['closed', 'closed']);
    expect(kit.log()).toEqual(['a evicted closed-idle', 'b evicted closed-idle']);
    expect(kit.pool.keys()).toEqual([]);
    send(kit.lease('a'));
    expect(kit.connections).toHaveLength(3);
  });

  it('closes those of one key', () => {
    const kit = idleUnder('a', 'b');
    expect(told(kit, 'a')()).toBe('v|');
    expect(kit.pool.keys()).toEqual(['b']);
  });

  it('refuses a key that is no string', () => {
    expect(() => new PoolKit().pool.closeIdle(5 as never)).toThrow('key');
  });

  it('leaves leased connections and dials alone', () => {
    const kit = idleUnder('idle');
    const sent = send(kit.lease('leased'));
    const dial = new FakeEndpoint();
    const waiting = kit.get('dialling', dial);
    kit.pool.closeIdle();
    kit.connections[1].answer();
    dial.dials[0].connect();
    expect([sent.completed, waiting.lease?.state]).toEqual([true, 'ready']);
  });

  it('completes when the sockets are closed, also for a late subscriber', () => {
    const kit = new PoolKit();
    kit.make = { lingers: true };
    const connections = [kit.idle('a'), kit.idle('b')];
    const closing = kit.pool.closeIdle();
    const seen: string[] = [];
    closing.subscribe({ next: () => seen.push('v'), complete: () => seen.push('|') });
    connections[0].socketCloses();
    expect(seen).toEqual([]);
    connections[1].socketCloses();
    expect(seen).toEqual(['v', '|']);
    closing.subscribe({ next: () => seen.push('late') });
    expect(seen.at(-1)).toBe('late');
  });

  it('completes at once when nothing is idle', () => {
    expect([told(new PoolKit())(), told(new PoolKit(), 'no such key')()]).toEqual(['v|', 'v|']);
  });

  it('gives the room to a key that waits for it', () => {
    const kit = new PoolKit({ maxConnections: 1, maxConnectionsPerHost: 1 });
    kit.idle('a');
    kit.make = {};
    const lease = kit.lease('b'); // it takes the place of the idle one
    const waiting = kit.get('c');
    lease.release();
    expect(waiting.lease?.state).toBe('ready');
    waiting.lease!.release();
    kit.pool.closeIdle('c');
    expect(kit.pool.stats()).toMatchObject({ idle: 0, open: 0 });
  });

  it('may be called from what hears of the end of a connection', () => {
    const kit = idleUnder('a', 'b');
    kit.pool.events.subscribe(({ type }) => {
      if (type === 'evicted') kit.pool.closeIdle();
    });
    expect(told(kit, 'a')()).toBe('v|');
    expect(kit.pool.stats()).toMatchObject({ idle: 0, evictions: 2 });
  });
});
