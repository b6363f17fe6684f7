export type { EvictionReason, PoolEvent, PoolEventDetail } from './PoolEvent.js';
