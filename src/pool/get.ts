import { AcquireTimeoutError, PoolQueueFullError, type HTTPClientError } from '../errors/index.js';
import { Deadline } from '../timing/index.js';
import type { Bucket, KeyDial, KeyWaiter } from './Bucket.js';
import type { Core } from './Core.js';

/** A get joins the queue of its key. */
export function enqueue(core: Core, waiter: KeyWaiter): void {
  const { bucket } = waiter;
  bucket.waiters.push(waiter);
  if (waiter.acquireTimeout !== Infinity) {
    waiter.since ??= core.deadlines.now();
    waiter.deadline = new Deadline(core.deadlines, () => timedOut(core, waiter));
    waiter.deadline.startAt(waiter.since + waiter.acquireTimeout);
  }
  core.loop.touch(bucket);
  core.loop.run();
}

/** A get was unsubscribed from before it had its lease. */
export function cancel(core: Core, waiter: KeyWaiter): void {
  leaveQueue(core, waiter);
  core.loop.run();
}

function timedOut(core: Core, waiter: KeyWaiter): void {
  const { bucket, since, acquireTimeout } = waiter;
  const error = new AcquireTimeoutError(acquireTimeout, core.snapshot(bucket, since), bucket.lastDialError);
  refuse(core, waiter, error);
  core.loop.run();
}

/** The get leaves the queue. The dial that it counted on passes on. */
export function leaveQueue(core: Core, waiter: KeyWaiter): void {
  const { bucket, dial } = waiter;
  waiter.settle();
  core.loop.touch(bucket);
  if (dial !== null) passOn(core, bucket, dial);
}

/** The get that counted on a dial left unserved. The dial passes to the oldest uncovered get, or else it is aborted. */
export function passOn(core: Core, bucket: Bucket, dial: KeyDial): void {
  if (dial.place.state.kind !== 'connecting') return;
  const successor = bucket.oldestUncovered;
  if (successor !== null) successor.link(dial);
  // A warm-up still wants the connection.
  else if (dial.beganFor.kind === 'warm-up' && !dial.beganFor.isOver) (bucket.freeDials ??= new Set()).add(dial);
  else core.leave(dial.place, 'cancelled');
}

/** The get fails with this error. The key counts a refusal, and the pool emits `refused`. */
export function refuse(core: Core, waiter: KeyWaiter, error: HTTPClientError): void {
  if (!waiter.settled) leaveQueue(core, waiter);
  core.count(waiter.bucket, 'refusals');
  core.tell(waiter.bucket, { type: 'refused', error });
  waiter.fail(error);
}

/** Each new get of a key waits, or is refused if the queue is full. */
export function admit(core: Core, bucket: Bucket): void {
  const { maxPending } = core.settings;
  const { last } = bucket.waiters;
  if (last !== null && !last.admitted && bucket.uncovered > maxPending) {
    refuse(core, last, new PoolQueueFullError(maxPending, core.snapshot(bucket, last.since), bucket.lastDialError));
    // The refused consumer may have freed a place, or have come again: `match` looks before the next one is refused.
    core.loop.touch(bucket);
    return;
  }
  const waits = bucket.uncovered > 0;
  for (let waiter = last; waiter !== null && !waiter.admitted; waiter = waiter.previous) {
    waiter.admitted = true;
    waiter.since ??= core.deadlines.now();
    if (waits) core.tell(bucket, { type: 'pending', depth: bucket.waiters.length });
  }
}
