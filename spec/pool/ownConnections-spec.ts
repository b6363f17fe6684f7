import { describe, expect, it } from '@jest/globals';
import { config, finalize, lastValueFrom, mergeMap, UnsubscriptionError, type Observable } from 'rxjs';
import { HTTPConnectionPool, type LeasedProtocol, type HTTPConnectionPoolOptions } from '../../src/pool/index.js';
import { FakeEndpoint } from '../../src/testing/index.js';
import { lateness } from '../loopback/index.js';
import { answer, record } from '../support/index.js';
import { unhandledErrors } from './support/index.js';

/**
 * A pool of the connections that it makes by itself. It hears of their exchanges by a call, and of those of others, which
 * most specs of the pool have, by an Observable.
 */
function poolOf(options: HTTPConnectionPoolOptions = {}) {
  const endpoint = new FakeEndpoint();
  const pool = new HTTPConnectionPool({ validateIdle: false, ...options });
  const events: string[] = [];
  pool.events.subscribe(event =>
    events.push(
      [event.type, 'reason' in event ? event.reason : '', 'requests' in event ? event.requests : ''].join(' '),
    ),
  );
  const lease = (): LeasedProtocol => record(pool.get('k', endpoint)).values[0];
  const exchange = (protocol: LeasedProtocol): string => {
    const text = record(protocol.request({ path: '/' }).pipe(mergeMap(response => response.text())));
    endpoint.last.respond(answer('done'));
    return text.values[0];
  };
  return { endpoint, pool, events, lease, exchange };
}

describe('a connection of the pool’s own', () => {
  it('counts its requests, and is not used for more than it may', () => {
    const { endpoint, pool, events, lease, exchange } = poolOf({ maxRequestsPerConnection: 2 });
    for (let i = 0; i < 5; i++) expect(exchange(lease())).toBe('done');
    expect(endpoint.dials).toBe(3);
    expect(events.filter(event => /quiescent|evicted/.test(event))).toEqual([
      'quiescent  1',
      'quiescent  2',
      'evicted max-requests ',
      'quiescent  1',
      'quiescent  2',
      'evicted max-requests ',
      'quiescent  1',
    ]);
    expect(pool.stats()).toMatchObject({ leases: 5, reuses: 2, opened: 3, idle: 1 });
  });

  it('does not count a lease that sent nothing', () => {
    const { endpoint, lease, exchange } = poolOf({ maxRequestsPerConnection: 2 });
    exchange(lease());
    for (let i = 0; i < 3; i++) lease().release();
    exchange(lease());
    expect(endpoint.dials).toBe(1);
    exchange(lease());
    expect(endpoint.dials).toBe(2);
  });

  it('is a used one for who waited for it, so that a failure of it is retried', () => {
    const { endpoint, pool, lease, exchange } = poolOf({ maxConnectionsPerHost: 1 });
    const first = lease();
    const waiting = record(pool.get('k', endpoint));
    exchange(first);
    const [second] = waiting.values;
    expect(second.reused).toBe(true);
    const text = record(second.request({ path: '/' }).pipe(mergeMap(response => response.text())));
    endpoint.last.reset();
    expect([endpoint.dials, text.error]).toEqual([2, undefined]);
    endpoint.last.respond(answer('the second try'));
    expect(text.values).toEqual(['the second try']);
  });

  it.each<[string, (lease: LeasedProtocol) => Observable<unknown>]>([
    ['quiescent', lease => lease.quiescent],
    ['disconnected', lease => lease.disconnected],
  ])('goes to the next who waits though who hears that it is %s throws', async (what, told) => {
    const { endpoint, pool, lease, exchange } = poolOf({ maxConnectionsPerHost: 1 });
    const first = lease();
    const throwing = finalize<unknown>(() => {
      throw new Error('from finalize');
    });
    told(first).pipe(throwing).subscribe();
    const waiting = record(pool.get('k', endpoint));
    const errors = await unhandledErrors(() => {
      if (what === 'quiescent') exchange(first);
      else first.abort();
    }, 1);
    config.onUnhandledError = null;
    expect(errors).toEqual([expect.any(UnsubscriptionError)]);
    expect([waiting.values.length, endpoint.dials]).toEqual([1, what === 'quiescent' ? 1 : 2]);
    expect(exchange(waiting.values[0])).toBe('done');
  });

  it('ends its pool in silence though who waits for that throws', async () => {
    const { pool, lease } = poolOf();
    const last = lease();
    const throwing = finalize<void>(() => {
      throw new Error('from finalize');
    });
    pool.close().pipe(throwing).subscribe();
    const errors = await unhandledErrors(() => expect(() => last.release()).not.toThrow(), 1);
    config.onUnhandledError = null;
    expect(errors).toEqual([expect.any(UnsubscriptionError)]);
    expect(record(pool.close()).completed).toBe(true);
  });

  it('stays for ever with cachedConnectionTimeout: Infinity, for which Node’s timers have no number', async () => {
    const { pool, lease, exchange } = poolOf({ cachedConnectionTimeout: Infinity });
    exchange(lease());
    await lateness(30);
    expect(pool.stats()).toMatchObject({ idle: 1, evictions: 0 });
    await lastValueFrom(pool.close());
  });

  it('that was made for a request, and fails with that, is not retried', () => {
    const { endpoint, lease } = poolOf();
    const failed = record(lease().request({ path: '/' }));
    endpoint.last.reset();
    expect(failed.error).toMatchObject({ code: 'ERR_RESPONSE_NEVER_RECEIVED', reused: false });
    expect(endpoint.dials).toBe(1);
  });
});
