import { isHTTPClientError, type HTTPClientErrorCode } from '../errors/index.js';
import {
  isIdempotent,
  isReplayable,
  type ExchangeHandle,
  type ExchangeProgress,
  type ProtocolRequest,
} from '../protocol/index.js';

/** What there is to know about a request that failed. */
export interface RequestFailure {
  readonly error: unknown;
  /** `retryAutomatically`, and the pool is not closing. */
  readonly allowed: boolean;
  /** It is the request's first attempt. */
  readonly first: boolean;
  /** The connection had carried a request before. */
  readonly reused: boolean;
}

/**
 * Whether a request that failed goes out once more, over a new connection. A server may close an idle connection at any
 * moment, also just when a request is on its way: that is nobody's fault, and nobody should see it, unless the request
 * may have been acted on and doing it twice does harm (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1).
 *
 * All of: retry is allowed; first attempt; the connection was reused (a fresh one that fails says that something is
 * wrong); not cancelled; no byte of a response seen; nothing was written, or the request is idempotent; the body was not
 * begun, or can be sent again.
 */
export function shouldRetry(failure: RequestFailure, request: ProtocolRequest, progress: ExchangeProgress): boolean {
  const { error, allowed, first, reused } = failure;
  return (
    allowed &&
    first &&
    reused &&
    !progress.responseByte &&
    isLoss(error) &&
    (!progress.wrote || isIdempotent(request)) &&
    (!progress.bodySubscribed || isReplayable(request.body))
  );
}

/** How far a request had got. A connection that refused the request tells of its last exchange, which is another one. */
export function progressAtFailure(exchange: ExchangeHandle | null, error: unknown): ExchangeProgress {
  return exchange === null || isHTTPClientError(error, 'ERR_REQUEST_NOT_SENT') ? untouched : exchange.progress();
}

const untouched: ExchangeProgress = { state: 'closed', wrote: false, responseByte: false, bodySubscribed: false };

/** The connection failed: not the caller, who cancelled or gave a bad request, and not a deadline. */
function isLoss(error: unknown): boolean {
  return isHTTPClientError(error) && losses.has(error.code);
}

const losses: ReadonlySet<HTTPClientErrorCode> = new Set([
  'ERR_REQUEST_NOT_SENT',
  'ERR_REQUEST_TRANSMISSION_FAILED',
  'ERR_RESPONSE_NEVER_RECEIVED',
]);
