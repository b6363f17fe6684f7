import type { HTTPClientError } from '../errors/index.js';

/** Why a connection left the pool. */
export type EvictionReason =
  /** It was idle for `cachedConnectionTimeout`, or for what the server's `Keep-Alive` allowed. */
  | 'idle-timeout'
  /** `closeIdle` was called while it was idle. */
  | 'closed-idle'
  /** More than `maxPersistentPerHost` or `maxPersistent` were idle, and it had been so the longest. */
  | 'overflow'
  /** Another key needed room under `maxConnections`. */
  | 'room'
  | 'max-age'
  | 'max-requests'
  /** The response or the request said that the connection ends with it, or the pool is not `persistent`. */
  | 'not-persistent'
  /** The peer closed it while it was idle or being validated. */
  | 'peer-closed'
  /** Bytes came that nobody had asked for. */
  | 'unsolicited-data'
  /** It was lost in use, or the exchange failed. */
  | 'error'
  /** The caller unsubscribed, aborted or never came for the body. */
  | 'cancelled'
  /** A lease was neither used nor released within `leaseTimeout`. */
  | 'leaked'
  /** It was handed back in a state in which it cannot be used again: a defect of the protocol, reported as an error. */
  | 'wrong-state'
  /** It speaks another protocol now and belongs to whoever took `response.upgrade`. */
  | 'upgraded'
  | 'pool-closed';

/** What happens in a pool. `at` is the time in ms on the pool's clock. */
export type PoolEvent = { readonly key: string; readonly at: number } & (
  | { readonly type: 'connecting' }
  /** `elapsed` ms after the dial began. */
  | { readonly type: 'connected'; readonly elapsed: number }
  | { readonly type: 'connect-failed'; readonly error: HTTPClientError; readonly elapsed: number }
  /** A get has to wait; `depth` gets of the key do now. */
  | { readonly type: 'pending'; readonly depth: number }
  | { readonly type: 'leased'; readonly reused: boolean; readonly waited: number }
  /** A connection came back after its `requests`-th request. */
  | { readonly type: 'quiescent'; readonly requests: number }
  | { readonly type: 'evicted'; readonly reason: EvictionReason; readonly error?: unknown }
  /** A request whose reused connection was dead goes out once more over a new one. */
  | { readonly type: 'retried'; readonly error: HTTPClientError }
  /** A get was refused: the queue was full, its time ran out, or the pool was closed. */
  | { readonly type: 'refused'; readonly error: HTTPClientError }
  /** A lease was neither used nor released for `held` ms. `stack`: where its get was subscribed to (`captureStacks`). */
  | { readonly type: 'leaked'; readonly held: number; readonly stack?: string | undefined }
  /** Something went wrong behind the scenes, where no caller could be told. */
  | { readonly type: 'error'; readonly error: unknown }
  /** The last connection of a pool that was told to close is closed. The key is empty. */
  | { readonly type: 'closed' }
);

/** The event without what the pool adds to each. */
export type PoolEventDetail = PoolEvent extends infer E ? (E extends PoolEvent ? Omit<E, 'key' | 'at'> : never) : never;
