import { guarded, reportUnhandled } from '../timing/index.js';
import type { Bucket, KeyPlace, KeyWaiter } from './Bucket.js';
import type { Core } from './Core.js';
import type { RetryClaim } from './Dial.js';
import { cache } from './cache.js';
import { leaveQueue } from './get.js';
import { Lease } from './Lease.js';
import type { PooledConnection } from './Place.js';
import { isGone } from './Receiver.js';
import { unfit } from './unfit.js';

/** Validated connections go to the oldest gets, or become idle. */
export function handOut(core: Core, bucket: Bucket): void {
  for (let place = bucket.ready.shift(); place !== null; place = bucket.ready.shift()) {
    const { state } = place;
    if (state.kind !== 'validating') continue;
    const { pooled, dial } = state;
    const beganFor = dial?.beganFor;
    if (beganFor?.kind === 'retry') resume(place, pooled, beganFor);
    else {
      // A pool that is closing has nothing to give any more.
      const waiter = core.closing || pooled.connection.capacity === 0 ? null : nextWaiter(core, bucket);
      // A get that has gone may have ended the connection by the teardown of its endpoint.
      if (place.state !== state) continue;
      const reason = waiter === null ? unfit(core, pooled, 0) : null;
      if (waiter !== null) lease(core, place, pooled, waiter);
      else if (reason !== null) core.leave(place, reason);
      else cache(core, place, pooled, null);
    }
    if (beganFor?.kind === 'warm-up') guarded(() => beganFor.made());
  }
}

/** The oldest get whose subscriber still takes a lease. */
export function nextWaiter(core: Core, bucket: Bucket): KeyWaiter | null {
  let waiter = bucket.waiters.first;
  while (waiter !== null && isGone(waiter.receiver)) {
    leaveQueue(core, waiter);
    waiter = bucket.waiters.first;
  }
  return waiter;
}

/** Gives a seat of a validated or open connection to a get. */
export function lease(core: Core, place: KeyPlace, pooled: PooledConnection, waiter: KeyWaiter): void {
  const { bucket } = place;
  const { dial } = waiter;
  waiter.settle();
  // Its dial goes on without it.
  if (dial !== null) (bucket.freeDials ??= new Set()).add(dial);
  const given = new Lease(core.host, place, pooled, waiter, core.deadlines);
  bucket.seat(place, pooled, given);
  core.countLease(bucket, given.reused);
  // Sent after the pass: an observer that cancels this get now would lose its connection.
  if (core.outbox.wantsLeased) {
    core.tell(bucket, {
      type: 'leased',
      reused: given.reused,
      waited: waiter.since === null ? 0 : core.deadlines.now() - waiter.since,
    });
  }
  // Ownership passes here: the teardown that follows `next` finds a settled waiter, and does nothing.
  try {
    waiter.receiver.next(given);
    waiter.receiver.complete();
  } catch (error) {
    reportUnhandled(error);
  }
  if (given.isUnused) core.turn.note(place, pooled);
}

/** The connection that a retried request has waited for is there. */
function resume(place: KeyPlace, pooled: PooledConnection, { lease, subscriber }: RetryClaim<KeyPlace>): void {
  place.bucket.seat(place, pooled, lease);
  guarded(() => {
    subscriber.next(place);
    subscriber.complete();
  });
}
