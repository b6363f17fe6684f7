import { describe, expect, it } from '@jest/globals';
import { NEVER, Subject } from 'rxjs';
import { FakeEndpoint, PoolKit, send, type Get } from './support/index.js';

const waiting = (...gets: Get[]): boolean[] => gets.map(get => get.pending);

/** A dial that its get does not need any more: another connection has served that. */
const freeDial = (kit: PoolKit) => {
  const endpoint = new FakeEndpoint();
  const lease = kit.lease('k');
  const get = kit.get('k', endpoint);
  lease.release();
  expect(get.lease).toBeDefined();
  expect(endpoint.pending).toHaveLength(1);
  return { dial: endpoint.dials[0], served: get.lease! };
};

describe('a get beside the dial of another', () => {
  it('takes the idle connection, however many dials are under way', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ validateIdle: polled$ });
    const hangs = new FakeEndpoint();
    const a = kit.get('k');
    polled$.next();
    send(a.lease!);
    const b = kit.get('k', hangs);
    kit.connections[0].answer();
    polled$.next(); // b is leased the connection of a, and its dial is free
    expect(b.lease!.reused).toBe(true);
    send(b.lease!);
    kit.connections[0].answer();
    expect(kit.holds('k')).toEqual([0, 1, 1, 0]);
    const unused = new FakeEndpoint();
    const c = kit.get('k', unused);
    expect(kit.pool.stats('k')).toMatchObject({ idle: 0, connecting: 1, validating: 1 });
    polled$.next();
    expect(c.lease!.reused).toBe(true);
    expect(unused.dials).toHaveLength(0);
    expect(hangs.pending).toHaveLength(1);
  });

  it('waits for it if it is free, and dials not', () => {
    const kit = new PoolKit();
    const { dial } = freeDial(kit);
    const own = new FakeEndpoint();
    const get = kit.get('k', own);
    expect(own.dials).toHaveLength(0);
    dial.connect();
    expect(get.lease!.reused).toBe(false);
    expect(own.dials).toHaveLength(0);
  });

  it('dials if another get has adopted it', () => {
    const kit = new PoolKit();
    const { dial } = freeDial(kit);
    const [none, own] = [new FakeEndpoint(), new FakeEndpoint()];
    const gets = [kit.get('k', none), kit.get('k', own)];
    expect([none, own].map(({ dials }) => dials.length)).toEqual([0, 1]);
    dial.connect();
    expect(waiting(...gets)).toEqual([false, true]);
  });

  it('that serves an older get counts on the dial of that', () => {
    const kit = new PoolKit();
    const [first, second] = [new FakeEndpoint(), new FakeEndpoint()];
    const [a, b] = [kit.get('k', first), kit.get('k', second)];
    second.dials[0].connect();
    expect(waiting(a, b)).toEqual([false, true]);
    first.dials[0].connect();
    expect(waiting(a, b)).toEqual([false, false]);
    expect(second.dials).toHaveLength(1);
  });
});

describe('an adopted dial', () => {
  it('fails nobody, and its get dials for itself', () => {
    const kit = new PoolKit();
    const { dial } = freeDial(kit);
    const own = new FakeEndpoint();
    const get = kit.get('k', own);
    dial.fail();
    expect(get.pending).toBe(true);
    expect(own.pending).toHaveLength(1);
    own.dials[0].connect();
    expect(get.lease).toBeDefined();
  });

  it('passes on when its get leaves unserved', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 2 });
    const { dial } = freeDial(kit);
    const none = new FakeEndpoint();
    const [leaver, heir] = [kit.get('k', none), kit.get('k', none)];
    leaver.cancel();
    expect(dial.pending).toBe(true);
    dial.connect();
    expect(heir.lease).toBeDefined();
    expect(none.dials).toHaveLength(0);
  });

  it('is aborted when its get leaves unserved and nobody can use it', () => {
    const kit = new PoolKit();
    const { dial, served } = freeDial(kit);
    kit.get('k').cancel();
    expect(dial.cancelled).toBe(true);
    expect(kit.holds('k')).toEqual([1, 0, 0, 0]);
    served.release();
  });

  it('becomes idle when its get is served otherwise', () => {
    const kit = new PoolKit();
    const { dial, served } = freeDial(kit);
    const get = kit.get('k', new FakeEndpoint());
    served.release();
    expect(get.lease).toBeDefined();
    dial.connect();
    expect(kit.holds('k')).toEqual([1, 1, 0, 0]);
  });
});

describe('the dial of a get that leaves unserved', () => {
  it.each(['cancel', 'time-out'])('passes on to the oldest that has none: %s', how => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const endpoint = new FakeEndpoint();
    const none = new FakeEndpoint();
    const first = kit.get('k', endpoint, { acquireTimeout: 20 });
    const [heir, last] = [kit.get('k', none), kit.get('k', none)];
    if (how === 'cancel') first.cancel();
    else kit.advance(20);
    expect(first.pending).toBe(false);
    expect(endpoint.cancels).toBe(0);
    endpoint.dials[0].connect();
    expect(waiting(heir, last)).toEqual([false, true]);
    expect(none.dials).toHaveLength(0);
  });

  it('fails nobody else', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const [endpoint, own] = [new FakeEndpoint(), new FakeEndpoint()];
    const first = kit.get('k', endpoint);
    const heir = kit.get('k', own);
    first.cancel();
    endpoint.dials[0].fail();
    expect(heir.pending).toBe(true);
    expect(own.pending).toHaveLength(1);
  });

  it('is aborted if all others have their own', () => {
    const kit = new PoolKit();
    const [endpoint, own] = [new FakeEndpoint(), new FakeEndpoint()];
    const first = kit.get('k', endpoint);
    kit.get('k', own);
    first.cancel();
    expect(endpoint.cancels).toBe(1);
    expect(own.pending).toHaveLength(1);
  });

  it('is aborted if a connection that is being validated is enough', () => {
    const kit = new PoolKit({ validateIdle: NEVER });
    const [endpoint, other] = [new FakeEndpoint(), new FakeEndpoint()];
    const first = kit.get('k', endpoint);
    const second = kit.get('k', other);
    other.dials[0].connect();
    first.cancel();
    expect(endpoint.cancels).toBe(1);
    expect(second.pending).toBe(true);
  });
});

describe('the dial of a retry', () => {
  it('is never free: a get that comes meanwhile dials for itself', () => {
    const kit = new PoolKit();
    const retrying = new FakeEndpoint('connects');
    kit.idle('k', retrying);
    const lease = kit.lease('k', retrying);
    retrying.mode = 'manual';
    const sent = send(lease);
    kit.connections[0].fail();
    expect(retrying.pending).toHaveLength(1);
    const own = new FakeEndpoint();
    const get = kit.get('k', own);
    expect(own.pending).toHaveLength(1);
    retrying.pending[0].connect();
    expect(get.pending).toBe(true);
    expect(kit.connections[1].requests).toHaveLength(1);
    expect(sent.error).toBeUndefined();
  });
});
