import type { Subscriber, Unsubscribable } from 'rxjs';
import type { Endpoint } from '../endpoint/index.js';
import type { HTTPClientError } from '../errors/index.js';
import type { Seat } from './Seat.js';

/** A waiting get, as its dial knows it. */
export interface DialWaiter<P> {
  dial: Dial<P> | null;
  readonly settled: boolean;
  /** Leaves the queue and its dial. */
  settle(): void;
  /** Does not count on its dial any more. */
  unlink(): void;
  /** The get is over, with this error. */
  fail(error: HTTPClientError): void;
}

/** The retry of a lease whose connection died. No other get can count on its dial. */
export interface RetryClaim<P> {
  readonly kind: 'retry';
  readonly lease: Seat;
  readonly subscriber: Subscriber<P>;
}

/** The get that began the dial. */
export interface GetClaim<P> {
  readonly kind: 'get';
  readonly waiter: DialWaiter<P>;
}

/** A call of `warmUp`, which began the dial for later gets. */
export interface WarmUpClaim {
  readonly kind: 'warm-up';
  /** It has completed, failed, or was unsubscribed from. */
  readonly isOver: boolean;
  made(): void;
  failed(error: HTTPClientError): void;
}

/**
 * A subscription to an endpoint, for one connection.
 *
 * A failure of the dial is a failure of `beganFor`, which never changes. `waiter` is the get that counts on the dial now.
 * A dial without one is free: the oldest uncovered get adopts it.
 */
export class Dial<P> {
  place!: P;
  waiter: DialWaiter<P> | null = null;
  subscription: Unsubscribable | null = null;

  constructor(
    readonly endpoint: Endpoint,
    readonly beganFor: GetClaim<P> | RetryClaim<P> | WarmUpClaim,
    readonly startedAt: number,
  ) {}
}
