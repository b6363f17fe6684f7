export { EventOutbox } from './EventOutbox.js';
export type { EvictionReason, PoolEvent, PoolEventDetail } from './PoolEvent.js';
