import { AsyncSubject, timer, type Observable } from 'rxjs';
import { AbortedError } from '../errors/index.js';
import { guarded } from '../timing/index.js';
import type { Core } from './Core.js';
import { refuse } from './get.js';

/** Refuses gets, ends idle connections and dials, and gives leases their time. A later call can only shorten it. */
export function close(core: Core, gracePeriod: number): Observable<void> {
  const isFirst = core.closed === null;
  const closed = (core.closed ??= new AsyncSubject<void>());
  if (isFirst) core.loop.during(() => endUnused(core));
  const ends = core.deadlines.now() + gracePeriod;
  if (gracePeriod === 0) endLeases(core);
  else if (ends < core.graceEnds) {
    core.graceEnds = ends;
    core.grace?.unsubscribe();
    core.grace = timer(gracePeriod, core.settings.scheduler).subscribe(() => endLeases(core));
  }
  core.loop.run();
  return closed.asObservable();
}

function endUnused(core: Core): void {
  const waiters = [...core.buckets.values()].flatMap(bucket => [...bucket.waiters]);
  for (const place of [...core.places]) {
    const { bucket, state } = place;
    if (state.kind === 'open') continue;
    // A retiring connection that is alive has leases to wait for.
    if (state.kind === 'retiring' && state.leases.some(lease => !lease.isLost)) continue;
    const dial = state.kind === 'connecting' || state.kind === 'validating' ? state.dial : null;
    core.leave(place, 'pool-closed');
    if (dial === null) continue;
    const { beganFor, startedAt } = dial;
    const error = core.closedError(bucket, startedAt);
    if (beganFor.kind === 'retry') guarded(() => beganFor.subscriber.error(error));
    else if (beganFor.kind === 'warm-up') guarded(() => beganFor.failed(error));
  }
  for (const waiter of waiters) {
    if (waiter.settled) continue;
    refuse(core, waiter, core.closedError(waiter.bucket, waiter.since));
    core.loop.touch(waiter.bucket); // a key that held nothing else is forgotten
  }
}

function endLeases(core: Core): void {
  for (const place of [...core.places]) core.leave(place, 'pool-closed', new AbortedError('The pool was closed'));
  core.loop.run();
}
