import type { EvictionReason } from '../events/index.js';
import type { KeyPlace } from './Bucket.js';
import type { Core } from './Core.js';
import type { PooledConnection, Open } from './Place.js';

/** Why a connection takes no further lease, beside those that it has; null: it does. */
export function unfit(core: Core, pooled: PooledConnection, taken: number): EvictionReason | null {
  const { persistent, maxRequestsPerConnection } = core.settings;
  if (core.closing) return 'pool-closed';
  if (!persistent) return 'not-persistent';
  if (pooled.requests + taken >= maxRequestsPerConnection || pooled.connection.keepAlive?.max === 0) {
    return 'max-requests';
  }
  return pooled.expiresAt !== Infinity && core.deadlines.now() >= pooled.expiresAt ? 'max-age' : null;
}

/** The connection ends with its last lease. */
export function retire(place: KeyPlace, { pooled, leases }: Open, reason: EvictionReason): void {
  place.become({ kind: 'retiring', pooled, leases, reason, error: undefined });
  place.bucket.noteFreeSeats(place);
}
