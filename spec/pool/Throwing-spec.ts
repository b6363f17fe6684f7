import { afterEach, describe, expect, it } from '@jest/globals';
import { config, finalize, firstValueFrom, UnsubscriptionError, type MonoTypeOperatorFunction } from 'rxjs';
import type { Endpoint } from '../../src/endpoint/index.js';
import { ConnectError } from '../../src/errors/index.js';
import { FakeConnection, FakeEndpoint, PoolKit, send, unhandledErrors } from './support/index.js';

afterEach(() => {
  config.onUnhandledError = null;
});

/** RxJS throws what a finalizer throws out of `complete`, `error` and `unsubscribe`. */
function throws<T>(): MonoTypeOperatorFunction<T> {
  return finalize(() => {
    throw new Error('from finalize');
  });
}

const reported = [expect.any(UnsubscriptionError)];
const ignore = { error: () => undefined };

describe('a finalizer that throws', () => {
  it('of one that gets its lease from the queue: the next in the queue gets its own', async () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const holder = kit.lease('k');
    kit.pool
      .get('k', new FakeEndpoint('connects').stream)
      .pipe(throws())
      .subscribe(lease => lease.release());
    const next = kit.get('k');
    const errors = await unhandledErrors(() => holder.release(), 1);
    expect(errors).toEqual(reported);
    expect(next.lease).toBeDefined();
    next.lease!.release();
    expect(kit.lease('k').reused).toBe(true);
    expect(kit.lease('other')).toBeDefined();
  });

  it('of one whose time is over: the others are told as well, and the pool goes on', async () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1, acquireTimeout: 50 });
    const holder = kit.lease('k');
    kit.pool.get('k', new FakeEndpoint('connects').stream).pipe(throws()).subscribe(ignore);
    const other = kit.get('k');
    const errors = await unhandledErrors(() => kit.advance(50), 1);
    expect(errors).toEqual(reported);
    expect(other.error).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT' });
    holder.release();
    expect(kit.lease('k')).toBeDefined();
  });

  it('of one whose dial fails: who waits for the slot gets it', async () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const endpoint = new FakeEndpoint();
    kit.pool.get('k', endpoint.stream).pipe(throws()).subscribe(ignore);
    const next = kit.get('k');
    const errors = await unhandledErrors(() => endpoint.dials[0].fail(), 1);
    expect(errors).toEqual(reported);
    expect(next.lease).toBeDefined();
  });

  it('of a request whose retry cannot dial: who waits for the slot gets it', async () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    kit.idle('k');
    const endpoint = new FakeEndpoint();
    kit.lease('k', endpoint).request({ path: '/' }).pipe(throws()).subscribe(ignore);
    kit.connections[0].fail();
    const next = kit.get('k');
    const errors = await unhandledErrors(() => endpoint.dials[0].fail(), 1);
    expect(errors).toEqual(reported);
    expect(next.lease).toBeDefined();
  });

  it('of a request whose retry is answered at once: its connection goes back', async () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    kit.idle('k');
    const endpoint = new FakeEndpoint();
    kit.make = { answers: true };
    kit.lease('k', endpoint).request({ path: '/' }).pipe(throws()).subscribe(ignore);
    kit.connections[0].fail();
    const next = kit.get('k');
    const errors = await unhandledErrors(() => endpoint.dials[0].connect(), 1);
    expect(errors).toEqual(reported);
    expect(next.lease).toBeDefined();
  });

  it('of one that waits when the pool is closed: the others are told, and it closes', async () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const holder = kit.lease('k');
    kit.pool.get('k', new FakeEndpoint('connects').stream).pipe(throws()).subscribe(ignore);
    const other = kit.get('k');
    let closed = false;
    const errors = await unhandledErrors(() => kit.pool.close().subscribe(() => (closed = true)), 1);
    expect(errors).toEqual(reported);
    expect(other.error).toMatchObject({ code: 'ERR_POOL_CLOSED' });
    holder.release();
    expect(closed).toBe(true);
  });

  it('of a request whose retry dials when the pool is closed: the others are told, and it closes', async () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    kit.idle('k');
    kit.lease('k', new FakeEndpoint()).request({ path: '/' }).pipe(throws()).subscribe(ignore);
    kit.connections[0].fail();
    const other = kit.get('k');
    let closed = false;
    const errors = await unhandledErrors(() => kit.pool.close().subscribe(() => (closed = true)), 1);
    expect(errors).toEqual(reported);
    expect(other.error).toMatchObject({ code: 'ERR_POOL_CLOSED' });
    expect(closed).toBe(true);
  });

  it('of who watches the events: close says that it is closed', async () => {
    const kit = new PoolKit();
    kit.pool.events.pipe(throws()).subscribe();
    let closed = false;
    const errors = await unhandledErrors(() => kit.pool.close().subscribe(() => (closed = true)), 1);
    expect(errors).toEqual(reported);
    expect(closed).toBe(true);
  });

  it('in a loop turn: other pools go on', async () => {
    const kits = [new PoolKit({ validateIdle: true }), new PoolKit({ validateIdle: true })];
    let other: Promise<unknown> | undefined;
    const errors = await unhandledErrors(() => {
      kits[0].pool.get('k', new FakeEndpoint('connects').stream).pipe(throws()).subscribe();
      other = firstValueFrom(kits[1].pool.get('k', new FakeEndpoint('connects').stream));
    }, 1);
    expect(errors).toEqual(reported);
    await expect(other).resolves.toBeDefined();
    await firstValueFrom(kits[1].pool.get('again', new FakeEndpoint('connects').stream));
    await firstValueFrom(kits[0].pool.get('again', new FakeEndpoint('connects').stream));
  });
});

describe('an endpoint that is none', () => {
  const none: Record<string, unknown> = {
    undefined: undefined,
    'a number': 5,
    'an object': {},
    'one whose subscribe throws': {
      subscribe() {
        throw new Error('odd');
      },
    },
  };

  it.each(Object.keys(none))('%s: ConnectError, and the slot is free', name => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const errors: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      kit.pool.get('k', none[name] as Endpoint).subscribe({ error: error => errors.push(error) });
    }
    expect(errors).toEqual([expect.any(ConnectError), expect.any(ConnectError)]);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
    expect(kit.lease('k')).toBeDefined();
  });
});

describe('a connection that can carry several requests', () => {
  it('is refused, and closed: the pool gives it one at a time', () => {
    const made: FakeConnection[] = [];
    const kit = new PoolKit({
      maxConnectionsPerHost: 1,
      protocolFactory: (transport, context) => {
        const connection = new FakeConnection(transport, context);
        made.push(connection);
        return Object.assign(connection, { capacity: 2 });
      },
    });
    expect(kit.get('k').error).toBeInstanceOf(ConnectError);
    expect(made.map(({ state }) => state)).toEqual(['closed']);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });
});

describe('the dial of a get that has gone', () => {
  it('is kept for another that waits, and aborted when that one goes as well', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 2 });
    const endpoint = new FakeEndpoint();
    const [first, second, third] = [kit.get('k', endpoint), kit.get('k', endpoint), kit.get('k', endpoint)];
    first.cancel();
    expect(endpoint.cancels).toBe(0);
    third.cancel();
    expect(endpoint.dials.map(({ cancelled }) => cancelled)).toEqual([true, false]);
    second.cancel();
    expect(endpoint.cancels).toBe(2);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('serves the other, and is then like any', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const endpoint = new FakeEndpoint();
    const [first, second] = [kit.get('k', endpoint), kit.get('k', endpoint)];
    first.cancel();
    endpoint.dials[0].connect();
    expect(second.lease).toBeDefined();
    second.lease!.release();
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
  });
});

describe('the error of a retry that cannot dial', () => {
  /** What the request says whose connection is lost, and whose second dial fails like this. */
  function retried(error: unknown): unknown {
    const kit = new PoolKit();
    const connection = kit.idle('k');
    const endpoint = new FakeEndpoint();
    const sent = send(kit.lease('k', endpoint));
    connection.fail();
    endpoint.dials[0].fail(error);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
    return sent.error;
  }

  it('may be its own cause, by a detour', () => {
    const cyclic = new ConnectError('a');
    cyclic.cause = Object.assign(new Error('b'), { cause: cyclic });
    expect(retried(cyclic)).toBe(cyclic);
  });

  it('may have a circle of causes that it is no part of', () => {
    const cyclic = new Error('a');
    cyclic.cause = Object.assign(new Error('b'), { cause: cyclic });
    expect(retried(cyclic)).toMatchObject({ code: 'ERR_CONNECT', cause: cyclic });
  });

  it('may have a cause that is frozen', () => {
    const frozen = Object.freeze(new Error('frozen'));
    expect(retried(frozen)).toMatchObject({ code: 'ERR_CONNECT', cause: frozen });
  });

  it('may be met again', () => {
    const error = new ConnectError('always the same');
    expect([retried(error), retried(error)]).toEqual([error, error]);
  });
});
