export type { LeasedProtocol, InnerLease, LeaseState } from './LeasedProtocol.js';
export { HTTPConnectionPool, type AcquireOptions, type CloseOptions } from './HTTPConnectionPool.js';
export type { HTTPConnectionPoolOptions } from './PoolOptions.js';
export type { PoolStats } from './PoolStats.js';
export { isGone, type Receiver } from './Receiver.js';
export { shouldRetry, type RequestFailure } from './shouldRetry.js';
