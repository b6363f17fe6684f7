import type { Unsubscribable } from 'rxjs';
import type { ExchangeHandle, ExchangeReceiver, ProtocolResponse } from '../protocol/index.js';
import type { Receiver } from './Receiver.js';

/** The lease, as its request sees it. */
export interface Requester {
  started(exchange: ExchangeHandle): void;
  answered(response: ProtocolResponse): void;
  failed(error: unknown, receiver: Receiver<ProtocolResponse>): void;
  /** The subscriber unsubscribed before it had the response or the error. */
  cancelled(): void;
}

/** The request while all goes well: the receiver of the exchange, and the teardown of the subscriber, in one object. */
export class FirstAttempt implements ExchangeReceiver, Unsubscribable {
  #settled = false;

  constructor(
    private readonly lease: Requester,
    private readonly receiver: Receiver<ProtocolResponse>,
  ) {}

  started(exchange: ExchangeHandle): void {
    this.lease.started(exchange);
  }

  next(response: ProtocolResponse): void {
    this.#settled = true;
    this.lease.answered(response);
    this.receiver.next(response);
  }

  error(error: unknown): void {
    // The receiver of a cancelled request hears nothing more.
    if (!this.#settled) this.lease.failed(error, this.receiver);
  }

  complete(): void {
    this.receiver.complete();
  }

  unsubscribe(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.lease.cancelled();
  }
}
