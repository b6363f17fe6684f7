import { describe, expect, it } from '@jest/globals';
import { FakeEndpoint, PoolKit, send } from './support/index.js';

class WarmingUp {
  seen = '';
  error: unknown = undefined;
  readonly endpoint: FakeEndpoint;
  readonly subscription;

  constructor(
    readonly kit: PoolKit,
    count: number,
    mode?: 'connects' | 'fails',
  ) {
    this.endpoint = new FakeEndpoint(mode);
    this.subscription = kit.pool.warmUp('k', this.endpoint.stream, count).subscribe({
      next: made => (this.seen += made),
      error: error => {
        this.seen += '#';
        this.error = error;
      },
      complete: () => (this.seen += '|'),
    });
  }
}

describe('warmUp', () => {
  it('makes connections that wait idle, emits their number, and completes', () => {
    const kit = new PoolKit();
    const warming = new WarmingUp(kit, 3);
    expect([warming.endpoint.dials.length, kit.holds()]).toEqual([3, [0, 0, 3, 0]]);
    for (const dial of warming.endpoint.dials) {
      expect(warming.seen).toBe('');
      dial.connect();
    }
    expect([warming.seen, kit.holds()]).toEqual(['3|', [0, 3, 0, 0]]);
    expect(kit.lease('k').reused).toBe(true);
  });

  it('is cold, and every subscription dials', () => {
    const kit = new PoolKit();
    const endpoint = new FakeEndpoint('connects');
    const warmUp$ = kit.pool.warmUp('k', endpoint.stream, 1);
    expect(endpoint.dials).toHaveLength(0);
    warmUp$.subscribe();
    warmUp$.subscribe();
    expect([endpoint.dials.length, kit.holds()]).toEqual([2, [0, 2, 0, 0]]);
  });

  it('makes as many as asked for at once: endpoints may connect from within subscribe', () => {
    expect(new WarmingUp(new PoolKit(), 2, 'connects').seen).toBe('2|');
    expect(new WarmingUp(new PoolKit(), 0).seen).toBe('0|');
  });

  it.each([
    ['maxConnectionsPerHost', { maxConnectionsPerHost: 2 }, 2],
    ['maxConnections', { maxConnections: 2 }, 2],
    ['maxPersistentPerHost', { maxPersistentPerHost: 1 }, 1],
    ['maxPersistent', { maxPersistent: 1 }, 1],
    ['persistent: false', { persistent: false }, 0],
  ])('makes fewer where %s has no room', (_what, options, made) => {
    const kit = new PoolKit(options);
    expect(new WarmingUp(kit, 5, 'connects').seen).toBe(`${made}|`);
    expect(kit.pool.stats()).toMatchObject({ idle: made, evictions: 0, opened: made });
  });

  it('neither evicts an idle connection nor waits for room', () => {
    const kit = new PoolKit({ maxConnections: 2 });
    kit.idle('other');
    kit.lease('used');
    expect(new WarmingUp(kit, 1).seen).toBe('0|');
    expect(kit.pool.stats()).toMatchObject({ idle: 1, leased: 1, evictions: 0 });
  });

  it('counts idle connections, and those on their way', () => {
    const kit = new PoolKit({ maxPersistentPerHost: 3 });
    kit.idle('k');
    const first = new WarmingUp(kit, 1);
    const second = new WarmingUp(kit, 5, 'connects');
    expect([second.seen, first.endpoint.dials.length]).toEqual(['1|', 1]);
  });

  it('gives its dial to a get that needs one', () => {
    const kit = new PoolKit();
    const warming = new WarmingUp(kit, 1);
    const own = new FakeEndpoint();
    const get = kit.get('k', own);
    warming.endpoint.dials[0].connect();
    expect([get.lease?.state, own.dials.length, warming.seen]).toEqual(['ready', 0, '1|']);
  });

  it('errors with the first failure, and aborts the dials that no get has adopted', () => {
    const kit = new PoolKit();
    const warming = new WarmingUp(kit, 3);
    const get = kit.get('k', new FakeEndpoint());
    const [adopted, failing, free] = warming.endpoint.dials;
    failing.fail(new Error('refused'));
    expect([warming.seen, warming.error]).toEqual(['#', expect.objectContaining({ code: 'ERR_CONNECT' })]);
    expect([adopted.cancelled, free.cancelled]).toEqual([false, true]);
    adopted.connect();
    expect([get.lease?.state, kit.holds()]).toEqual(['ready', [1, 0, 0, 0]]);
  });

  it('a failed dial that a get has adopted is an error here, and the get dials itself', () => {
    const kit = new PoolKit();
    const warming = new WarmingUp(kit, 1);
    const own = new FakeEndpoint();
    const get = kit.get('k', own);
    warming.endpoint.dials[0].fail();
    expect([warming.seen, own.dials.length, get.pending]).toEqual(['#', 1, true]);
  });

  it('unsubscribing aborts the dials, and keeps what is idle', () => {
    const kit = new PoolKit();
    const warming = new WarmingUp(kit, 2);
    warming.endpoint.dials[0].connect();
    warming.subscription.unsubscribe();
    expect([warming.seen, warming.endpoint.cancels, kit.holds()]).toEqual(['', 1, [0, 1, 0, 0]]);
  });

  it('a dial goes on for it when the get that had adopted the dial leaves', () => {
    const kit = new PoolKit();
    const warming = new WarmingUp(kit, 1);
    kit.get('k', new FakeEndpoint()).cancel();
    expect(warming.endpoint.cancels).toBe(0);
    warming.endpoint.dials[0].connect();
    expect([warming.seen, kit.holds()]).toEqual(['1|', [0, 1, 0, 0]]);
  });

  it('fails with the pool', () => {
    const kit = new PoolKit();
    const warming = new WarmingUp(kit, 2);
    kit.pool.close();
    expect([warming.seen, warming.error]).toEqual(['#', expect.objectContaining({ code: 'ERR_POOL_CLOSED' })]);
    expect(warming.endpoint.cancels).toBe(2);
    expect(new WarmingUp(kit, 1).error).toMatchObject({ code: 'ERR_POOL_CLOSED' });
    expect(kit.pool.keys()).toEqual([]);
  });

  it('a subscriber that closes the pool when the first connection is there harms nothing', () => {
    const kit = new PoolKit();
    kit.pool.warmUp('k', new FakeEndpoint('connects').stream, 2).subscribe(() => kit.pool.close());
    expect(kit.pool.stats()).toMatchObject({ open: 0, opened: 2 });
  });

  it('made connections are used ones: a request over a stale one is retried', () => {
    const kit = new PoolKit();
    const warming = new WarmingUp(kit, 1, 'connects');
    const sent = send(kit.lease('k', new FakeEndpoint('connects')));
    kit.connections[0].fail();
    kit.connections[1].answer();
    expect([warming.seen, sent.completed]).toEqual(['1|', true]);
  });

  it.each([-1, 0.5, NaN, Infinity, '2'])('refuses %p as a number of connections', count => {
    const { pool } = new PoolKit();
    const endpoint$ = new FakeEndpoint().stream;
    expect(() => pool.warmUp('k', endpoint$, count as number)).toThrow(expect.objectContaining({ option: 'count' }));
  });
});
