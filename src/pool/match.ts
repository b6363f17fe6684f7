import type { Bucket, KeyPlace } from './Bucket.js';
import type { Core } from './Core.js';
import { beginDial, subscribeDial } from './connect.js';
import { admit } from './get.js';
import { cache } from './cache.js';
import { handOut, lease, nextWaiter } from './handOut.js';
import type { PooledConnection, Open } from './Place.js';
import { retire, unfit } from './unfit.js';
import { poll, startValidation } from './validate.js';

/** One pass of the drain loop over a key. */
export function serve(core: Core, bucket: Bucket): void {
  const { room } = core;
  const hadTurn = room.has(bucket);
  do {
    handOut(core, bucket);
    match(core, bucket);
  } while (bucket.ready.length > 0);
  if (bucket.waiters.length > 0) admit(core, bucket);
  if (bucket.uncovered === 0) room.leave(bucket);
  // If this key no longer waits for room, the next waiting key gets its turn.
  if (hadTurn && !room.has(bucket)) room.wake();
  core.forget(bucket);
}

/*
 *  The pool matches gets with connections. A dial counts for one get, a validating connection for its free seats.
 *
 *  ┌ SEAT   more gets than validating seats, and a free seat of an open connection
 *  │        → lease it at once
 *  │        more gets than validating seats, and an idle connection
 *  │        → validate it
 *  ├ DIAL   an uncovered get: no dial, and no validating seat left for it
 *  │        → adopt a free dial (needs no room)
 *  │        → else dial, if there is room
 *  │        → else, at the total cap, close the longest-idle connection of another key and dial
 *  │        → else wait, or be refused (`admit`)
 *  └ RETURN a connection comes back, and an older get of another key has waited long for room
 *           → close it for that key
 */
function match(core: Core, bucket: Bucket): void {
  while (bucket.waiters.length > 0 && !core.closing) {
    if (bucket.waiters.length > bucket.validatingSeats && (leaseFreeSeat(core, bucket) || takeIdle(core, bucket))) {
      continue;
    }
    const waiter = bucket.oldestUncovered;
    if (waiter === null) break;
    const [free] = bucket.freeDials ?? [];
    if (free !== undefined) {
      bucket.freeDials!.delete(free);
      waiter.link(free);
    } else if (bucket.open >= core.settings.maxConnectionsPerHost) break;
    else if (core.places.size >= core.settings.maxConnections) {
      const { oldest } = core.idle;
      if (oldest === undefined) {
        core.room.join(bucket);
        return;
      }
      // The place is free now. User code may have run: all is asked again.
      core.leave(oldest, 'room');
    } else {
      const dial = beginDial(core, bucket, waiter.endpoint, { kind: 'get', waiter });
      waiter.link(dial);
      subscribeDial(core, dial);
    }
  }
  core.room.leave(bucket);
}

/** RETURN: a connection keeps other leases. If it has to give way, it ends with them. */
export function matchShared(core: Core, place: KeyPlace, state: Open): void {
  const { bucket } = place;
  if (bucket.waiters.length > 0 && core.room.outranks(bucket, core.deadlines)) retire(place, state, 'room');
}

/** RETURN: a connection has come back with no seat taken. True: a get wants it, so it must be polled. */
export function matchReturned(core: Core, place: KeyPlace, pooled: PooledConnection, since: number | null): boolean {
  const { bucket } = place;
  if (bucket.waiters.length <= bucket.validatingSeats) cache(core, place, pooled, since);
  else if (core.room.outranks(bucket, core.deadlines)) core.leave(place, 'room');
  else {
    startValidation(core, place, pooled, null);
    return true;
  }
  return false;
}

/** Other leases keep the connection busy, so that it needs no validation. */
function leaseFreeSeat(core: Core, bucket: Bucket): boolean {
  const place = bucket.fullestWithFreeSeat;
  if (place?.state.kind !== 'open') return false;
  const { state } = place;
  const waiter = nextWaiter(core, bucket);
  // A get that has gone may end the connection by the teardown of its endpoint.
  if (waiter === null || place.state !== state) return true;
  const reason = unfit(core, state.pooled, state.leases.length);
  if (reason !== null) retire(place, state, reason);
  else lease(core, place, state.pooled, waiter);
  return true;
}

function takeIdle(core: Core, bucket: Bucket): boolean {
  const idle = core.idle.next(bucket);
  if (idle === null) return false;
  const { place, pooled } = idle;
  const reason = core.idle.overdue(idle);
  if (reason !== null) core.leave(place, reason);
  else {
    core.idle.remove(idle);
    if (idle.isArmed) pooled.connection.ref();
    // A foreign connection that throws there is gone.
    if (place.state !== idle) return true;
    const waiter = core.settings.validateIdle === false ? nextWaiter(core, bucket) : null;
    if (place.state !== idle) return true;
    if (waiter !== null) lease(core, place, pooled, waiter);
    else {
      startValidation(core, place, pooled, null);
      poll(core, place);
    }
  }
  return true;
}
