import type { Observable } from 'rxjs';
import type { Endpoint } from '../endpoint/index.js';
import type { HTTPClientError } from '../errors/index.js';
import type { KeyPlace } from './Bucket.js';
import type { Seat } from './Seat.js';

/** A lease whose connection died, as its retry knows it. */
export interface RetriedLease extends Seat {
  /** The endpoint of the lease's get: a retry dials through it, also if another get's dial had made the connection. */
  readonly endpoint: Endpoint;
  /** `acquireTimeout` of the get, and what was left of it: the dial of a retry has so long. Null: there is no limit. */
  readonly acquire: { readonly timeout: number; readonly left: number } | null;
  /** The lease goes on in another place, where a connection is being made for it. */
  moved(place: KeyPlace): void;
}

/** The pool, as its leases see it. */
export interface LeaseHost {
  /** Retry is on and the pool is not closing. */
  readonly retries: boolean;
  /** The lease sends its request. */
  used(lease: Seat): void;
  /** The lease gives a connection back as it got it. */
  returned(place: KeyPlace, lease: Seat): void;
  /** The lease gives its connection up, and sends nothing. */
  discarded(place: KeyPlace, lease: Seat, error: HTTPClientError): void;
  /** The lease gives up the place that it kept when its connection died, or that a retry has taken for it. */
  vacated(place: KeyPlace, error: unknown): void;
  /** The lease was neither used nor released within `leaseTimeout`. */
  leaked(place: KeyPlace, lease: Seat): void;
  /** Dials anew in the place of the connection that died. */
  redial(lease: RetriedLease, place: KeyPlace, failure: HTTPClientError): Observable<KeyPlace>;
}
