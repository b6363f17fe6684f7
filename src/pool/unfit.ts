import type { EvictionReason } from '../events/index.js';
import type { KeyPlace } from './Bucket.js';
import type { Core } from './Core.js';
import type { Member, Open } from './Place.js';

/** Why a connection takes no further lease, beside those that it has; null: it does. */
export function unfit(core: Core, member: Member, taken: number): EvictionReason | null {
  const { persistent, maxRequestsPerConnection } = core.settings;
  if (core.closing) return 'pool-closed';
  if (!persistent) return 'not-persistent';
  if (member.requests + taken >= maxRequestsPerConnection || member.connection.keepAlive?.max === 0) {
    return 'max-requests';
  }
  return member.expiresAt !== Infinity && core.deadlines.now() >= member.expiresAt ? 'max-age' : null;
}

/** The connection ends with its last lease. */
export function retire(place: KeyPlace, { member, leases }: Open, reason: EvictionReason): void {
  place.become({ kind: 'retiring', member, leases, reason, error: undefined });
  place.bucket.noteFreeSeats(place);
}
