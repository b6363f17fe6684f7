import { AsyncSubject } from 'rxjs';
import type { HTTPClientError } from '../errors/index.js';
import { guarded } from '../timing/index.js';

/** How a lease ended: its connection went back, or was lost with this error. */
export type LeaseEnd =
  { readonly how: 'released' } | { readonly how: 'closed'; readonly error: HTTPClientError | null };

/** The same for all: a lease ends for every request. */
export const released: LeaseEnd = { how: 'released' };

/** The Subjects of a lease. Made for a lease that is asked for them. */
export class LeaseEcho {
  readonly quiescent = new AsyncSubject<void>();
  readonly disconnected = new AsyncSubject<HTTPClientError | null>();

  end(end: LeaseEnd): void {
    if (end.how === 'released') this.quiescent.next();
    else this.disconnected.next(end.error);
    // They emit now, in the middle of a step of the pool: an exception of an observer must not stop it.
    guarded(() => this.quiescent.complete());
    guarded(() => this.disconnected.complete());
  }
}
