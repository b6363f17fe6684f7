import type { Observable } from 'rxjs';
import type { HTTPClientError } from '../errors/index.js';
import type { KeyPlace } from './Bucket.js';
import type { Core } from './Core.js';
import type { LeaseHost, RetriedLease } from './LeaseHost.js';
import { redial } from './redial.js';
import type { Seat } from './Seat.js';
import { release } from './takeBack.js';

/** The pool, as its leases see it. */
export class PoolLeaseHost implements LeaseHost {
  constructor(private readonly core: Core) {}

  get retries(): boolean {
    return this.core.settings.retryAutomatically && !this.core.closing;
  }

  used(lease: Seat): void {
    this.core.unused.remove(lease);
  }

  returned(place: KeyPlace, lease: Seat): void {
    release(this.core, place, lease);
  }

  discarded(place: KeyPlace, lease: Seat, error: HTTPClientError): void {
    const { state } = place;
    if (state.kind !== 'open' && state.kind !== 'retiring') return;
    // Other leases keep the connection.
    if (state.leases.length > 1) release(this.core, place, lease);
    else state.pooled.connection.close(error);
  }

  vacated(place: KeyPlace, error: unknown): void {
    const { state } = place;
    const dial = state.kind === 'connecting' || state.kind === 'validating' ? state.dial : null;
    this.core.evict(place, 'error', error ?? undefined);
    if (dial?.beganFor.kind === 'retry') dial.beganFor.subscriber.error(error);
  }

  redial(lease: RetriedLease, place: KeyPlace, failure: HTTPClientError): Observable<KeyPlace> {
    return redial(this.core, lease, place, failure);
  }

  leaked(place: KeyPlace, lease: Seat): void {
    const { core } = this;
    const { bucket, state } = place;
    core.count(bucket, 'leaks');
    core.tell(bucket, { type: 'leaked', held: core.settings.leaseTimeout, stack: lease.stack });
    const hasOthers = (state.kind === 'open' || state.kind === 'retiring') && state.leases.length > 1;
    if (hasOthers) release(core, place, lease);
    else core.evict(place, 'leaked');
  }
}
