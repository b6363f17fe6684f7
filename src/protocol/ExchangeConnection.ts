import type { Observable, Observer } from 'rxjs';
import type { Transport, TransportInfo } from '../endpoint/index.js';
import type { HTTPClientError } from '../errors/index.js';
import type { Connection, ExchangeProgress, ProtocolContext } from './Connection.js';
import type { ProtocolRequest } from './ProtocolRequest.js';
import type { ProtocolResponse } from './ProtocolResponse.js';

/** One request and its response, as the sender of the request holds it. */
export interface ExchangeHandle {
  /** The time at which the request was sent, on the pool's clock. */
  readonly startedAt: number;
  /** The time of the end, on the pool's clock, when `quiescent` emits the exchange. */
  readonly endedAt: number;
  progress(): ExchangeProgress;
  /** Ends this exchange with an error, and no other one. Does nothing once the exchange is over. */
  abort(reason?: unknown): void;
}

/** The receiver of a response. */
export interface ExchangeReceiver extends Observer<ProtocolResponse> {
  /** The receiver takes no notification any more. */
  readonly closed: boolean;
  /** Comes before all other notifications: a transport may answer, fail or throw inside its `write`. */
  started(exchange: ExchangeHandle): void;
}

/**
 * A connection as the pool drives it: it carries up to `capacity` exchanges at a time.
 *
 * ```
 *   send(request, receiver)   started(e) ─── next(response) ─── complete
 *   quiescent                 ─────────────────────────────────── e ───      e = the exchange that ended
 *   disconnected              ───────────────────────────────────────── (x)
 * ```
 *
 * The order is the contract. A started exchange ends with `quiescent` or `disconnected` before its receiver, or the
 * consumer of its body, hears of the end. An error without either means that the connection is as it was before.
 */
export interface ExchangeConnection {
  /** Number of exchanges that the connection carries at a time, now. 0: it takes none at present. */
  readonly capacity: number;
  /** Emits after `capacity` has changed. Null: it never changes. */
  readonly capacityChanged: Observable<unknown> | null;
  readonly info: TransportInfo;
  readonly keepAlive?: Connection['keepAlive'];
  /** Sends a request. Null: the request was refused with an error, and nothing was sent. */
  send(request: ProtocolRequest, receiver: ExchangeReceiver): ExchangeHandle | null;
  /** Emits an exchange that has ended and whose place on the connection can be used again. */
  readonly quiescent: Observable<ExchangeHandle>;
  /** Emits once, replayed, when the connection can carry nothing any more. Completes when its socket is closed. */
  readonly disconnected: Observable<HTTPClientError | null>;
  /** Destroys the connection; all its exchanges fail. */
  close(reason?: unknown): void;
  ref(): void;
  unref(): void;
}

export type ConnectionFactory = (transport: Transport, context: ProtocolContext) => ExchangeConnection;
