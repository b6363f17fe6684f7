import type { Unsubscribable } from 'rxjs';
import type { ExchangeHandle, ExchangeReceiver, ProtocolResponse } from '../protocol/index.js';
import { isGone, type Receiver } from './Receiver.js';

/** The lease, as its request sees it. */
export interface Requester {
  started(exchange: ExchangeHandle): void;
  answered(response: ProtocolResponse): void;
  failed(error: unknown, request: LeaseRequest): void;
  /** The subscriber unsubscribed before it had the response or the error. */
  cancelled(): void;
}

/**
 * The request of a lease: the receiver of its first exchange, and the teardown of its subscriber, in one object. A retry
 * tells its outcome here as well.
 */
export class LeaseRequest implements ExchangeReceiver, Unsubscribable {
  #isSettled = false;

  constructor(
    private readonly lease: Requester,
    private readonly receiver: Receiver<ProtocolResponse>,
  ) {}

  /** No notification reaches the subscriber any more. */
  get closed(): boolean {
    return this.#isSettled || isGone(this.receiver);
  }

  started(exchange: ExchangeHandle): void {
    this.lease.started(exchange);
  }

  next(response: ProtocolResponse): void {
    this.#isSettled = true;
    this.lease.answered(response);
    this.receiver.next(response);
  }

  /** The first exchange failed: the lease may retry. */
  error(error: unknown): void {
    // The receiver of a cancelled request hears nothing more.
    if (!this.#isSettled) this.lease.failed(error, this);
  }

  /** The request failed for good. */
  fail(error: unknown): void {
    this.#isSettled = true;
    this.receiver.error(error);
  }

  complete(): void {
    this.receiver.complete();
  }

  unsubscribe(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.lease.cancelled();
  }
}
