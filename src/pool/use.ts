import { from, Observable, type ObservableInput, type Subscription } from 'rxjs';
import type { LeasedProtocol } from './LeasedProtocol.js';
import type { Lease } from './Lease.js';
import { isGone } from './Receiver.js';

/**
 * A lease for the time of an inner Observable.
 *
 * ```
 *   lease$       ──(p|)
 *   project(p)      ──r──|      r = response head
 *   ended before r    !         the connection is destroyed; unused, it is released
 *   ended after r         |     the body owns the exchange; only an error that leaves it unclaimed destroys it
 * ```
 */
export function use<T>(
  lease$: Observable<Lease>,
  project: (protocol: LeasedProtocol) => ObservableInput<T>,
): Observable<T> {
  return new Observable(subscriber => {
    let held: Lease | null = null;
    let inner: Subscription | null = null;
    const leave = (failed: boolean): void => {
      const lease = held;
      held = null; // the teardown runs after `complete` and `error` as well
      lease?.leave(failed);
    };
    const outer = lease$.subscribe({
      next: lease => {
        if (isGone(subscriber)) {
          lease.release();
          return;
        }
        held = lease;
        let inner$: Observable<T>;
        try {
          inner$ = from(project(lease));
        } catch (error) {
          leave(true);
          subscriber.error(error);
          return;
        }
        inner = inner$.subscribe({
          next: value => subscriber.next(value),
          error: error => {
            leave(true);
            subscriber.error(error);
          },
          complete: () => {
            leave(false);
            subscriber.complete();
          },
        });
        // It may have been unsubscribed from by what it emitted, before there was an `inner` to unsubscribe.
        if (subscriber.closed) inner.unsubscribe();
      },
      error: error => subscriber.error(error),
    });
    return () => {
      outer.unsubscribe();
      inner?.unsubscribe();
      leave(false);
    };
  });
}
