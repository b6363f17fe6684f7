import type { Observable, Subscription } from 'rxjs';
import type { KeyDial, KeyPlace, KeyValidating } from './Bucket.js';
import type { Core } from './Core.js';
import type { PooledConnection } from './Place.js';

/**
 * A connection without leases is on its way to a get, or, if `dial` is given, is new. What arrives on it before the loop
 * has polled (bytes, an end, an error) is fatal to it, and no answer to the request to come.
 */
export function startValidation(core: Core, place: KeyPlace, pooled: PooledConnection, dial: KeyDial | null): void {
  const seats = freeSeats(core, pooled, dial);
  // What was asked may have brought out that a foreign connection is dead.
  if (place.state.kind !== 'gone') place.become({ kind: 'validating', pooled, dial, seats, poll: null });
}

/** Number of gets that can count on a validating connection. A retry has its own seat there. */
export function freeSeats(core: Core, { connection, requests }: PooledConnection, dial: KeyDial | null): number {
  const { capacity } = connection;
  const { persistent, maxRequestsPerConnection } = core.settings;
  // A connection that is fit for a lease has one seat at least.
  const seats = capacity <= 1 ? capacity : Math.min(capacity, persistent ? maxRequestsPerConnection - requests : 1);
  return dial?.beganFor.kind === 'retry' ? Math.max(seats - 1, 0) : seats;
}

/** Waits until the event loop has polled, or until `validateIdle` says so. */
export function poll(core: Core, place: KeyPlace): void {
  const { validateIdle } = core.settings;
  const { state } = place;
  if (state.kind !== 'validating') return;
  if (validateIdle === true) core.polls.add(place);
  else if (validateIdle === false) polled(core, place);
  else pollBy(validateIdle, core, place, state);
}

function polled(core: Core, place: KeyPlace): void {
  core.ready(place);
  core.loop.run();
}

/** The first notification of the Observable, its end included, says that the loop has polled. */
function pollBy(polled$: Observable<unknown>, core: Core, place: KeyPlace, state: KeyValidating): void {
  let subscription: Subscription | null = null;
  let isOver = false;
  const once = (): void => {
    if (isOver) return;
    isOver = true;
    state.poll = null;
    subscription?.unsubscribe();
    polled(core, place);
  };
  subscription = polled$.subscribe({
    next: once,
    complete: once,
    error: (cause: unknown) => {
      core.report(place.bucket, cause);
      once();
    },
  });
  // The connection may have died within the subscribe.
  if (isOver || place.state !== state) subscription.unsubscribe();
  else state.poll = subscription;
}
