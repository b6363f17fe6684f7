import { describe, expect, it } from '@jest/globals';
import { Subject } from 'rxjs';
import { HTTPConnectionPool, type HTTPConnectionPoolOptions } from '../../src/pool/index.js';
import type { PoolEvent } from '../../src/events/index.js';
import { record } from '../support/index.js';
import { FakeEndpoint, SeatsConnection, send, type SeatsExchange, testScheduler } from './support/index.js';

/** A pool whose connections have `capacity` seats each. */
function poolOf(capacity: number, options: HTTPConnectionPoolOptions = {}) {
  const scheduler = testScheduler();
  const connections: SeatsConnection[] = [];
  const pool = new HTTPConnectionPool({ validateIdle: false, scheduler, ...options }, transport => {
    const connection = new SeatsConnection(transport, capacity);
    connections.push(connection);
    return connection;
  });
  const events: PoolEvent[] = [];
  pool.events.subscribe(event => events.push(event));
  const endpoint = new FakeEndpoint('connects');
  const get = () => record(pool.get('k', endpoint.stream));
  const lease = () => {
    const { values } = get();
    expect(values).toHaveLength(1);
    return values[0];
  };
  const advance = (ms: number): void => {
    scheduler.schedule(() => undefined, ms);
    scheduler.maxFrames = scheduler.frame + ms;
    scheduler.flush();
  };
  const evictions = () => events.flatMap(event => (event.type === 'evicted' ? event.reason : []));
  /** Connections with leases, seats taken, idle connections, gets that wait. */
  const holds = () => {
    const { leased, seats, idle, pending } = pool.stats();
    return [leased, seats, idle, pending];
  };
  return { pool, connections, endpoint, events, get, lease, advance, evictions, holds };
}

describe('A connection with several seats', () => {
  it('carries as many leases as it has seats, and the next get dials', () => {
    const { connections, lease, holds } = poolOf(2);
    const leases = [lease(), lease()];
    expect([connections.length, holds()]).toEqual([1, [1, 2, 0, 0]]);
    leases.push(lease());
    expect([connections.length, holds()]).toEqual([2, [2, 3, 0, 0]]);
    for (const one of leases) send(one);
    expect(connections.map(({ pending }) => pending.length)).toEqual([2, 1]);
  });

  it('gives a seat that becomes free to the get that waits, while the other leases go on', () => {
    const { connections, get, lease, holds } = poolOf(2, { maxConnectionsPerHost: 1 });
    const [first, second] = [lease(), lease()];
    const answers = [send(first), send(second)];
    const waiting = get();
    expect(holds()).toEqual([1, 2, 0, 1]);
    // The second is answered first: its lease ends, and no other.
    connections[0].exchanges[1].answer();
    expect([first.state, second.state]).toEqual(['waiting', 'released']);
    expect([answers[0].response, answers[1].response?.status]).toEqual([undefined, 200]);
    expect([waiting.values.length, holds()]).toEqual([1, [1, 2, 0, 0]]);
    connections[0].exchanges[0].answer();
    expect([first.state, answers[0].response?.status, holds()]).toEqual(['released', 200, [1, 1, 0, 0]]);
    waiting.values[0].release();
    expect([connections.length, holds()]).toEqual([1, [0, 0, 1, 0]]);
  });

  it('is preferred for the next lease while it is the fullest, so that others can idle', () => {
    const { connections, lease } = poolOf(3);
    const used = (): number[] => connections.map(({ pending }) => pending.length);
    for (let i = 0; i < 4; i++) send(lease());
    expect(used()).toEqual([3, 1]);
    connections[0].pending[0].answer();
    send(lease());
    expect(used()).toEqual([3, 1]);
    send(lease());
    connections[0].pending[0].answer();
    connections[0].pending[0].answer();
    expect(used()).toEqual([1, 2]);
    send(lease());
    expect(used()).toEqual([1, 3]);
    send(lease());
    expect(used()).toEqual([2, 3]);
  });

  it('is idle when no seat is taken, and counts once however many leases it carries', () => {
    const { pool, lease, holds } = poolOf(4);
    const leases = [lease(), lease(), lease()];
    expect(pool.stats()).toMatchObject({ open: 1, leased: 1, seats: 3, leases: 3, opened: 1 });
    for (const [at, one] of leases.entries()) {
      expect(holds()).toEqual([1, 3 - at, 0, 0]);
      one.release();
    }
    expect(holds()).toEqual([0, 0, 1, 0]);
  });

  it.each<[string, boolean]>([
    ['unused', false],
    ['under its request', true],
  ])('goes on for the others when one lease is aborted: %s', (_, isUsed) => {
    const { connections, lease, holds } = poolOf(2);
    const [aborted, other] = [lease(), lease()];
    const answer = send(other);
    const failed = isUsed ? send(aborted) : null;
    aborted.abort();
    expect(failed?.error).toEqual(isUsed ? expect.objectContaining({ code: 'ERR_ABORTED' }) : undefined);
    expect([connections[0].closes, other.state, holds()]).toEqual([0, 'waiting', [1, 1, 0, 0]]);
    expect(aborted.state).not.toBe('ready');
    connections[0].pending[0].answer();
    expect([answer.response?.status, holds()]).toEqual([200, [0, 0, 1, 0]]);
  });

  it('is closed when its only lease is aborted unused', () => {
    const { connections, lease, holds } = poolOf(2);
    lease().abort();
    expect([connections[0].closes > 0, holds()]).toEqual([true, [0, 0, 0, 0]]);
  });

  it('goes on for the others when one lease leaks', () => {
    const { pool, connections, lease, advance, holds, events } = poolOf(2, { leaseTimeout: 100 });
    const [leaked, used] = [lease(), lease()];
    const answer = send(used);
    advance(100);
    expect(events.map(({ type }) => type)).toContain('leaked');
    expect([pool.stats().leaks, leaked.state, connections[0].closes, holds()]).toEqual([
      1,
      'released',
      0,
      [1, 1, 0, 0],
    ]);
    connections[0].pending[0].answer();
    expect(answer.response?.status).toBe(200);
    lease();
    advance(100);
    expect([pool.stats().leaks, connections[0].closes, holds()]).toEqual([2, 1, [0, 0, 0, 0]]);
  });

  it('fails all its requests when it is lost, and frees its place', () => {
    const { connections, lease, holds, evictions } = poolOf(2);
    const sent = [lease(), lease()].map(one => send(one, { method: 'POST' }));
    connections[0].lose();
    expect(sent.map(({ error }) => error)).toEqual(
      Array(2).fill(expect.objectContaining({ code: 'ERR_RESPONSE_NEVER_RECEIVED' })),
    );
    expect([holds(), evictions()]).toEqual([[0, 0, 0, 0], ['error']]);
  });

  it('that is lost under several requests gives its place to the retry of one; the others fail', () => {
    const { pool, connections, lease, holds, evictions, get } = poolOf(2, { maxConnectionsPerHost: 1 });
    lease().release();
    const leases = [lease(), lease()];
    const sent = leases.map(one => send(one));
    const waiting = get();
    let before: unknown;
    connections[0].disconnected.subscribe(() => (before = [leases.map(({ state }) => state), holds()]));
    connections[0].lose();
    // Before any request hears of it, what is left is the one lease that keeps the place.
    expect(before).toEqual([
      ['waiting', 'closed'],
      [1, 1, 0, 1],
    ]);
    expect(sent[1].error).toMatchObject({ code: 'ERR_RESPONSE_NEVER_RECEIVED' });
    expect([leases[0].reused, leases[1].state]).toEqual([false, 'closed']);
    // The second seat of the new connection is that of the get that waits.
    expect([connections.length, waiting.values.length, holds()]).toEqual([2, 1, [1, 2, 0, 0]]);
    connections[1].exchanges[0].answer();
    expect(sent[0].response?.status).toBe(200);
    expect([pool.stats().retries, evictions()]).toEqual([1, ['error']]);
  });

  it('that names an exchange of nobody is not trusted any more', () => {
    const { connections, lease, holds, evictions } = poolOf(2);
    const sent = send(lease());
    lease();
    const { exchanges, quiescent } = connections[0];
    quiescent.next(Object.create(exchanges[0]) as SeatsExchange);
    expect([holds(), evictions(), connections[0].closes]).toEqual([[0, 0, 0, 0], ['wrong-state'], 1]);
    expect(sent.error).toMatchObject({ code: 'ERR_ABORTED' });
  });
});

describe('A connection with several seats that takes no further lease', () => {
  it('as it has carried enough requests ends with its last lease', () => {
    const { connections, lease, holds, evictions } = poolOf(2, { maxRequestsPerConnection: 2 });
    const [first, second] = [lease(), lease()];
    send(first);
    connections[0].pending[0].answer();
    // One request was carried, and a lease stands for the other.
    send(lease());
    expect(connections.map(({ exchanges }) => exchanges.length)).toEqual([1, 1]);
    expect([evictions(), holds()]).toEqual([[], [2, 2, 0, 0]]);
    const answer = send(second);
    connections[0].pending[0].answer();
    expect([answer.response?.status, evictions(), holds()]).toEqual([200, ['max-requests'], [1, 1, 0, 0]]);
  });

  it('as it is too old gives its free seat to nobody, and ends with its last lease', () => {
    const { connections, lease, advance, holds, evictions } = poolOf(2, { maxConnectionAge: 100 });
    const old = lease();
    advance(100);
    lease();
    expect([connections.length, evictions(), holds()]).toEqual([2, [], [2, 2, 0, 0]]);
    old.release();
    expect([evictions(), holds()]).toEqual([['max-age'], [1, 1, 0, 0]]);
  });

  it.each([
    [1_000, ['room'], 2, ['other']],
    [999, [], 1, ['k']],
  ])('as an older get of another key waits for room, since %d ms', (waited, reasons, made, served) => {
    const { pool, connections, endpoint, lease, get, advance, evictions } = poolOf(2, { maxConnections: 1 });
    const [first, second] = [lease(), lease()];
    const other = record(pool.get('other', endpoint.stream));
    const own = get();
    advance(waited);
    first.release();
    second.release();
    expect([evictions(), connections.length]).toEqual([reasons, made]);
    expect([...own.values, ...other.values].map(({ key }) => key)).toEqual(served);
  });

  it.each<[string, (stage: ReturnType<typeof retiring>) => void, string]>([
    ['is aborted unused', ({ last }) => last.abort(), 'cancelled'],
    ['leaks', ({ advance }) => advance(1_000), 'leaked'],
    ['is lost', ({ connections }) => connections[0].lose(), 'error'],
    ['is answered', ({ connections, last }) => (send(last), connections[0].pending[0].answer()), 'max-age'],
  ])('ends when its last lease %s', (_, act, reason) => {
    const stage = retiring();
    act(stage);
    expect([stage.evictions()[0], stage.last.state !== 'ready']).toEqual([reason, true]);
    expect(stage.connections[0].closes > 0 || reason === 'error').toBe(true);
  });

  it('loses one of its leases, and goes on for the other: aborted, or leaked', () => {
    const { connections, lease, advance, holds, evictions } = poolOf(3, { maxConnectionAge: 100, leaseTimeout: 1_000 });
    const [first, , used] = [lease(), lease(), lease()];
    send(used);
    first.release();
    advance(100);
    const aborted = lease(); // over a new connection: the first one is too old
    expect([connections.length, holds()]).toEqual([2, [2, 3, 0, 0]]);
    aborted.release();
    advance(1_000);
    expect([evictions(), used.state, holds()]).toEqual([[], 'waiting', [1, 1, 1, 0]]);
    connections[0].pending[0].answer();
    expect(evictions()).toEqual(['max-age']);
  });

  it('is waited for by a pool that closes', () => {
    const { pool, connections, last, evictions } = retiring();
    const answer = send(last);
    const closed = record(pool.close());
    expect([closed.completed, connections[0].closes]).toEqual([false, 0]);
    connections[0].pending[0].answer();
    expect([answer.response?.status, closed.completed]).toEqual([200, true]);
    expect(evictions()).toEqual(['pool-closed', 'max-age']);
  });

  /** A connection that is too old, with one lease left, and an idle one. */
  function retiring() {
    const stage = poolOf(2, { maxConnectionAge: 100, leaseTimeout: 1_000 });
    const last = stage.lease();
    stage.advance(100);
    stage.lease().release();
    expect(stage.holds()).toEqual([1, 1, 1, 0]);
    return { ...stage, last };
  }
});

describe('A capacity that changes', () => {
  it('lets a get that waits have the new seat at once', () => {
    const { connections, lease, get, holds } = poolOf(1, { maxConnectionsPerHost: 1 });
    lease();
    const waiting = get();
    expect(waiting.values).toHaveLength(0);
    connections[0].changeCapacity(2);
    expect([waiting.values.length, holds()]).toEqual([1, [1, 2, 0, 0]]);
  });

  it('counts for gets that come while the connection is validated: none dials that has a seat to come', () => {
    const polled = new Subject<void>();
    const { connections, endpoint, get, holds } = poolOf(1, { validateIdle: polled });
    const gets = [get()];
    connections[0].changeCapacity(3);
    gets.push(get(), get());
    expect(endpoint.dials).toHaveLength(1);
    gets.push(get());
    expect(endpoint.dials).toHaveLength(2);
    polled.next();
    expect(gets.map(({ values }) => values.length)).toEqual([1, 1, 1, 1]);
    // None is validated any more, and none is counted on.
    gets.push(get(), get());
    expect([endpoint.dials.length, holds()]).toEqual([4, [4, 4, 0, 2]]);
  });

  it('to 0 makes an idle connection one that no get is given, until it takes requests again', () => {
    const { connections, lease, holds } = poolOf(1);
    lease().release();
    connections[0].changeCapacity(0);
    const other = lease();
    expect([connections.length, holds()]).toEqual([2, [1, 1, 1, 0]]);
    connections[0].changeCapacity(1);
    lease();
    expect([connections.length, holds()]).toEqual([2, [2, 2, 0, 0]]);
    other.release();
  });

  it('to 0 while the connection is validated: the get dials anew, and the connection is kept', () => {
    const polled = new Subject<void>();
    const { connections, get, holds } = poolOf(1, { validateIdle: polled });
    const waiting = get();
    connections[0].changeCapacity(0);
    expect([connections.length, waiting.values.length]).toEqual([2, 0]);
    polled.next();
    expect([waiting.values.length, holds()]).toEqual([1, [1, 1, 1, 0]]);
  });
});
