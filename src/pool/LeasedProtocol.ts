import type { Observable, Unsubscribable } from 'rxjs';
import type { TransportInfo } from '../endpoint/index.js';
import type { HTTPClientError } from '../errors/index.js';
import type { ConnectionState, ProtocolRequest, ProtocolResponse } from '../protocol/index.js';
import type { Receiver } from './Receiver.js';

export type LeaseState =
  /** Not used yet. */
  | 'ready'
  /** The request is being written. */
  | 'transmitting'
  /** The request is written, the response head has not come. */
  | 'waiting'
  /** The response body is on its way. */
  | 'receiving'
  /** The connection went back to the pool: nothing that is done here touches it. */
  | 'released'
  /** The connection is gone. */
  | 'closed';

/** The state of a used lease, by the state of its connection; undefined: the connection has not taken the request yet. */
export function leaseStateOf(state: ConnectionState | undefined): LeaseState {
  switch (state) {
    case 'waiting':
      return 'waiting';
    case 'receiving':
    case 'early':
    case 'draining':
      return 'receiving';
    default:
      return 'transmitting';
  }
}

/**
 * A lease: the right to make one request over one connection of the pool. It ends by itself when the response has been
 * read; `release` and `abort` end it early. After that the handle is inert.
 *
 * ```
 *   request(…)   ──(r|)                       r = response head
 *   r.body            ─d─d─d─|
 *   quiescent               q                 the pool has the connection back, before the last d
 * ```
 */
export interface LeasedProtocol {
  readonly key: string;
  /** The connection has carried a request, or been idle, before. Turns false when a request was retried on a new one. */
  readonly reused: boolean;
  readonly state: LeaseState;
  /** How its connection came about, and with whom; undefined once the lease is over. */
  readonly info: TransportInfo | undefined;
  /**
   * Emits the response head and completes; the body goes on in `response.body`. Cold, but for one subscription: a second
   * one errors with `LeaseUsedError`. Unsubscribing before the head destroys the connection; after it, nothing.
   */
  request(request: ProtocolRequest): Observable<ProtocolResponse>;
  /** Gives an unused lease back. After `request` was subscribed to it does nothing: the lease gives itself back. */
  release(): void;
  /** Destroys the connection. The request, or its body, errors with `AbortedError`; it is never retried. */
  abort(reason?: unknown): void;
  /** Emits once the pool has taken the connection back; completes without emitting if it was lost instead. */
  readonly quiescent: Observable<void>;
  /** Emits when the connection was lost under this lease, `null` if in order; not for a loss that is retried. */
  readonly disconnected: Observable<HTTPClientError | null>;
}

/** A lease, as the layer above the pool has it: not for users. */
export interface InnerLease extends LeasedProtocol {
  /** The time at which its request was first sent, on the pool's clock. */
  readonly startedAt: number;
  /** `request` without an Observable. The caller unsubscribes from the result in the end, also after the response. */
  send(request: ProtocolRequest, receiver: Receiver<ProtocolResponse>): Unsubscribable | undefined;
}
