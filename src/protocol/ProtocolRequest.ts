import { member, own } from '../errors/index.js';
import { HTTPHeaders, type HTTPHeadersInit, type ResponseHead } from '../wire/index.js';
import type { RequestBody } from './RequestBody.js';

/** What one exchange may wait for, in ms. `Infinity`: for ever. */
export interface ExchangeTimeouts {
  /** From the request being written to the response head. Default 60 000. */
  readonly headers?: number;
  /**
   * Silence on the wire while a body moves, in either direction: between response chunks, or while an upload waits for
   * the socket. It stands still while the consumer of the response, or the source of the upload, holds. Default 60 000.
   */
  readonly bodyIdle?: number;
  /** How long a body that is too long to be read ahead, or an upgraded transport, waits to be claimed. Default 10 000. */
  readonly bodyUnclaimed?: number;
}

export const defaultTimeouts: Required<ExchangeTimeouts> = { headers: 60_000, bodyIdle: 60_000, bodyUnclaimed: 10_000 };

/** Told about the steps of an exchange. A callback that throws is reported and changes nothing. */
export interface RequestObserver {
  /** The request is written. */
  sent?(): void;
  /** A 1xx response came; it is not the answer. */
  informational?(head: ResponseHead): void;
  /** `loaded` bytes of the request body are written, of `total` if that is known. */
  uploadProgress?(loaded: number, total?: number): void;
  /** `loaded` bytes of the response body are read, of `total` if that is known. */
  downloadProgress?(loaded: number, total?: number): void;
}

export interface ProtocolRequest {
  /** Default `GET`. Case matters (RFC 9110 section 9.1). */
  readonly method?: string;
  /** The request target: `/path?query`, or `*`, or `host:port` for CONNECT, or a URL if `absoluteForm`. */
  readonly path: string;
  /**
   * It goes to a proxy, for which `path` is the whole URL of what is asked for (RFC 9112 section 3.2.2); `headers` need
   * a Host then. Proxy-Authorization is sent with such a path, and to CONNECT, and never else.
   */
  readonly absoluteForm?: boolean;
  readonly headers?: HTTPHeadersInit;
  readonly body?: RequestBody | null;
  /** Says that doing it twice does no harm, whatever the method: it may be retried on a stale connection. */
  readonly idempotent?: boolean;
  readonly timeouts?: ExchangeTimeouts;
  readonly observer?: RequestObserver;
}

/** Tells an observer, if there is one and it asks for that. What it throws comes out. */
export function notify<K extends keyof RequestObserver>(
  observer: RequestObserver | undefined,
  what: K,
  ...details: Parameters<Required<RequestObserver>[K]>
): void {
  if (observer === undefined || member(observer, what) === undefined) return;
  (observer as Record<K, (...all: typeof details) => void>)[what](...details);
}

/**
 * The request as it is now: what the caller does to an object literal while the request is under way has no effect. An
 * instance of a class, such as the agent's request, is taken as it is. Throws `InvalidRequestError` for its headers.
 */
export function snapshotOf(request: ProtocolRequest): ProtocolRequest {
  const prototype: unknown = Object.getPrototypeOf(request);
  if (prototype !== Object.prototype && prototype !== null) return request;
  return { ...request, headers: HTTPHeaders.from(own(request, 'headers')) };
}
