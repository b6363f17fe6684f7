/** How far a request had got when it failed. */
export type RequestPhase = 'acquire' | 'connect' | 'transmit' | 'wait' | 'receive';

/** Every `code` of the family. A code never changes its meaning; switch on it when `instanceof` is not at hand. */
export type HTTPClientErrorCode =
  | 'ERR_INVALID_OPTION'
  | 'ERR_ACQUIRE_TIMEOUT'
  | 'ERR_POOL_QUEUE_FULL'
  | 'ERR_POOL_CLOSED'
  | 'ERR_CONNECT'
  | 'ERR_CONNECT_TIMEOUT'
  | 'ERR_UNSOLICITED_DATA'
  | 'ERR_PROXY'
  | 'ERR_REQUEST_NOT_SENT'
  | 'ERR_LEASE_USED'
  | 'ERR_REQUEST_GENERATION_FAILED'
  | 'ERR_INVALID_REQUEST'
  | 'ERR_BODY_LENGTH_MISMATCH'
  | 'ERR_BODY_NOT_REPLAYABLE'
  | 'ERR_REQUEST_TRANSMISSION_FAILED'
  | 'ERR_UPLOAD_TIMEOUT'
  | 'ERR_RESPONSE_NEVER_RECEIVED'
  | 'ERR_HEADERS_TIMEOUT'
  | 'ERR_RESPONSE_FAILED'
  | 'ERR_PARSE'
  | 'ERR_HEADERS_OVERFLOW'
  | 'ERR_TRUNCATED_BODY'
  | 'ERR_BODY_TIMEOUT'
  | 'ERR_BODY_UNCLAIMED'
  | 'ERR_BODY_USED'
  | 'ERR_CONTENT_DECODING'
  | 'ERR_BODY_TOO_LARGE'
  | 'ERR_RECORD_TOO_LARGE'
  | 'ERR_CONTENT_TYPE'
  | 'ERR_TOTAL_TIMEOUT'
  | 'ERR_STATUS'
  | 'ERR_REDIRECT'
  | 'ERR_TOO_MANY_REDIRECTS'
  | 'ERR_ABORTED';

export interface HTTPClientErrorInit {
  readonly cause?: unknown;
  readonly phase?: RequestPhase;
}

const brand = Symbol.for('rxjs-http-pool.HTTPClientError');

/**
 * The base of every error that this library emits or throws. The subclasses follow the progress of a request, so that
 * "was anything sent?" and "may I retry?" are questions of type: `ConnectError`, `RequestNotSentError`,
 * `RequestGenerationFailedError`, `RequestTransmissionFailedError`, `ResponseNeverReceivedError`, `ResponseFailedError`.
 *
 * Gotcha: two copies of the package in one process have two classes; `isHTTPClientError` matches both.
 */
export class HTTPClientError extends Error {
  readonly code: HTTPClientErrorCode;
  /** How far the request had got. Undefined for a configuration error. */
  phase: RequestPhase | undefined;
  /** The request went over a connection that had carried another one before. */
  reused = false;
  /** Method and URL (credentials redacted) of the request, added by the agent. */
  request: { readonly method: string; readonly url: string } | undefined = undefined;

  constructor(code: HTTPClientErrorCode, message: string, init: HTTPClientErrorInit = {}) {
    // Own ones only: a polluted prototype explains no error.
    const cause = Object.hasOwn(init, 'cause') ? init.cause : undefined;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.phase = Object.hasOwn(init, 'phase') ? init.phase : undefined;
  }

  static {
    // On the prototype, not the instance: one assignment in all, and invisible to loggers that print own properties.
    // Descriptors without a prototype: one with a `get` or a `set` on it would make them invalid.
    const define = (name: PropertyKey, descriptor: PropertyDescriptor): unknown =>
      Object.defineProperty(this.prototype, name, Object.setPrototypeOf(descriptor, null) as PropertyDescriptor);
    define(brand, { value: true });
    define('name', {
      get(this: HTTPClientError) {
        return this.constructor.name;
      },
      configurable: true,
    });
  }
}

/**
 * Whether `error` is one of this library's, and, if a code is given, that one.
 *
 * @example
 * catchError(error => (isHTTPClientError(error, 'ERR_ACQUIRE_TIMEOUT') ? of(busy) : throwError(() => error)))
 */
export function isHTTPClientError(error: unknown, code?: HTTPClientErrorCode): error is HTTPClientError {
  try {
    return (
      typeof error === 'object' &&
      error !== null &&
      (error as Record<symbol, unknown>)[brand] === true &&
      (code === undefined || (error as HTTPClientError).code === code)
    );
  } catch {
    return false; // anything can be thrown, a Proxy that throws among it
  }
}

/** An option that makes no sense. Thrown synchronously, with the option's name and value. */
export class InvalidOptionError extends HTTPClientError {
  readonly #value: unknown;

  constructor(
    readonly option: string,
    value: unknown,
    expected: string,
  ) {
    super('ERR_INVALID_OPTION', `${option} must be ${expected}, but is ${describe(option, value)}`);
    this.#value = value;
  }

  /** What was given. It is not printed with the error, as it may be, or hold, a secret. */
  get value(): unknown {
    return this.#value;
  }
}

/** Options that are secrets or hold some: of their values only the type is told. */
const credentials = ['authorization', 'username', 'password', 'token'];
const secret = new Set(['connect', 'ca', 'cert', 'key', 'pfx', 'passphrase', ...credentials]);

function describe(option: string, value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'function' || typeof value === 'symbol' || secret.has(option)) return `a ${typeof value}`;
  if (typeof value !== 'string') return `${value as number}`;
  // In front of an @ stand credentials, whatever the option.
  const shown = value.replace(/^.*@/s, '…@');
  return JSON.stringify(shown.length > 64 ? `${shown.slice(0, 64)}…` : shown);
}

/**
 * The exchange was given up on purpose: `lease.abort()`, an aborted `signal`, a pool that was closed over it. It counts
 * as cancellation and is never retried. Its `cause` is the reason given.
 */
export class AbortedError extends HTTPClientError {
  constructor(message = 'The request was aborted', init?: HTTPClientErrorInit) {
    super('ERR_ABORTED', message, init);
  }
}
