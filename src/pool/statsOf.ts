import type { Bucket } from './Bucket.js';
import type { Counters, PoolStats } from './PoolStats.js';

/** A snapshot of these keys together. */
export function statsOf(buckets: Iterable<Bucket>, counters: Counters): PoolStats {
  const now = { leased: 0, seats: 0, idle: 0, connecting: 0, validating: 0, pending: 0 };
  for (const bucket of buckets) {
    now.leased += bucket.leased + bucket.validating;
    now.seats += bucket.seats;
    now.idle += bucket.idling;
    now.connecting += bucket.connecting;
    now.validating += bucket.validating;
    now.pending += bucket.waiters.length;
  }
  return { open: now.leased + now.idle + now.connecting, ...now, ...counters };
}
