import type { Observable } from 'rxjs';
import type { Transport, TransportInfo } from '../endpoint/index.js';
import type { HTTPClientError } from '../errors/index.js';
import type { DeadlineSweep } from '../timing/index.js';
import type { ProtocolLimits } from './ProtocolLimits.js';
import type { ProtocolRequest } from './ProtocolRequest.js';
import type { ProtocolResponse } from './ProtocolResponse.js';
import type { ConnectionState } from './transitions.js';

/** How far an exchange got; of a connection: its current exchange, or else its last one. */
export interface ExchangeProgress {
  readonly state: ConnectionState;
  /** A byte of the request was given to the transport. */
  readonly wrote: boolean;
  /** The first byte of a response arrived. An informational response (1xx) counts. */
  readonly responseByte: boolean;
  /** The source of the request body was subscribed to. */
  readonly bodySubscribed: boolean;
}

/** What a `protocolFactory` makes: one per transport, living as long as it. Users hold leases, never one of these. */
export interface Connection {
  /** How many exchanges it can carry at a time. The pool takes 1 only. */
  readonly capacity: number;
  readonly info: TransportInfo;
  /** What the server's last `Keep-Alive` header said: seconds idle, requests left. */
  readonly keepAlive?: { readonly timeout?: number; readonly max?: number } | undefined;
  /**
   * Emits the response head and completes; the exchange goes on in `response.body`. Cold. Unsubscribed before the head,
   * it destroys the connection; after it, nothing.
   */
  request(request: ProtocolRequest): Observable<ProtocolResponse>;
  progress(): ExchangeProgress;
  /**
   * Fires once per exchange, if the connection can be used again: after the last byte of the response was read, before
   * the consumer is told.
   *
   * ```
   *   quiescent  ------q
   *   body       --d-d-(d|)
   * ```
   */
  readonly quiescent: Observable<unknown>;
  /**
   * Emits once, replayed, as soon as the connection can carry nothing any more: `null` if it ended in order. Completes
   * when the transport is closed. A failed exchange errors after the emission.
   */
  readonly disconnected: Observable<HTTPClientError | null>;
  /** Destroys it. An exchange under way errors with `AbortedError`, or with `reason` if that is one of our errors. */
  close(reason?: unknown): void;
  /** Keeps the process alive, or not. */
  ref(): void;
  unref(): void;
}

/** What the pool gives to a protocol. */
export interface ProtocolContext {
  /** False: every request says `Connection: close`, and no connection is used twice. */
  readonly persistent: boolean;
  readonly limits: ProtocolLimits;
  readonly deadlines: DeadlineSweep;
  /** Takes an error that no caller can be told. */
  report(error: unknown): void;
}

export type ProtocolFactory = (transport: Transport, context: ProtocolContext) => Connection;
