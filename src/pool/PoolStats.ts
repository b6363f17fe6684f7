/** What a pool, or one key of it, holds now, and has done so far. */
export interface PoolStats {
  /** leased + idle + connecting: what counts under the limits. */
  readonly open: number;
  /** Connections in use, those being validated included. */
  readonly leased: number;
  /** Seats that leases hold. Over HTTP/1.1 a connection has one seat. */
  readonly seats: number;
  /** Connections waiting to be used again. */
  readonly idle: number;
  /** Dials under way. */
  readonly connecting: number;
  /** Connections, among the leased, that were taken for a get and wait for the loop to poll. */
  readonly validating: number;
  /** Gets that wait, for the poll of the loop if for nothing else. */
  readonly pending: number;
  /** Connections made. */
  readonly opened: number;
  /** Dials that failed. */
  readonly connectFailures: number;
  /** Leases given. */
  readonly leases: number;
  /** Leases given of a connection that had carried a request before. */
  readonly reuses: number;
  /** Requests that went out once more, over a new connection. */
  readonly retries: number;
  /** Connections that left the pool. */
  readonly evictions: number;
  /** Gets that were refused: queue full, time out, pool closed. */
  readonly refusals: number;
  /** Leases that were neither used nor released in time. */
  readonly leaks: number;
}

/** The counters of a lifetime. */
export class Counters {
  opened = 0;
  connectFailures = 0;
  leases = 0;
  reuses = 0;
  retries = 0;
  evictions = 0;
  refusals = 0;
  leaks = 0;
}
