import { HTTPClientError, type HTTPClientErrorCode } from './HTTPClientError.js';

/** What the pool held under a key when it refused a get: the first question of everyone who reads such an error. */
export interface PoolSnapshot {
  readonly key: string;
  readonly leased: number;
  readonly idle: number;
  readonly connecting: number;
  readonly pending: number;
  /** The connections that the key may have open. */
  readonly max: number;
  /** How long this get had waited, in ms. */
  readonly waited: number;
}

/** The pool gave no lease. `snapshot` says what it held, `cause` is the key's last failed dial, if there was one. */
export abstract class AcquireError extends HTTPClientError {
  constructor(
    code: HTTPClientErrorCode,
    message: string,
    readonly snapshot: PoolSnapshot,
    cause?: unknown,
  ) {
    const { key, leased, idle, connecting, pending, max, waited } = snapshot;
    super(
      code,
      `${message} (key ${key}: leased=${leased} idle=${idle} connecting=${connecting} pending=${pending} max=${max}, ` +
        `waited ${Math.round(waited)} ms)`,
      { phase: 'acquire', cause },
    );
  }
}

/** No connection came within `acquireTimeout` ms, counted over queue, validation and dial together. */
export class AcquireTimeoutError extends AcquireError {
  constructor(
    readonly acquireTimeout: number,
    snapshot: PoolSnapshot,
    cause?: unknown,
  ) {
    super('ERR_ACQUIRE_TIMEOUT', `No connection within acquireTimeout = ${acquireTimeout} ms`, snapshot, cause);
  }
}

/** `maxPending` gets of the key already wait with no connection on its way to them. */
export class PoolQueueFullError extends AcquireError {
  constructor(
    readonly maxPending: number,
    snapshot: PoolSnapshot,
    cause?: unknown,
  ) {
    super('ERR_POOL_QUEUE_FULL', `The queue of the key is full, maxPending = ${maxPending}`, snapshot, cause);
  }
}

/** `close` was called: before this get, or while it waited. */
export class PoolClosedError extends AcquireError {
  constructor(snapshot: PoolSnapshot) {
    super('ERR_POOL_CLOSED', 'The pool is closed', snapshot);
  }
}
