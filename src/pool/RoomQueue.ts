import type { Bucket } from './Bucket.js';
import type { DrainLoop } from './DrainLoop.js';

/** Time for which a get waits for room before a reusable connection of another key is closed for it, in ms. */
const patience = 1_000;

/** Keys whose gets wait for room under `maxConnections`, in the order in which they ran out of it. */
export class RoomQueue {
  readonly #keys = new Set<Bucket>();

  constructor(private readonly loop: DrainLoop) {}

  has(bucket: Bucket): boolean {
    return this.#keys.size > 0 && this.#keys.has(bucket);
  }

  /** Goes to the end of the queue, or keeps its place there. */
  join(bucket: Bucket): void {
    this.#keys.add(bucket);
  }

  leave(bucket: Bucket): void {
    if (this.#keys.size > 0) this.#keys.delete(bucket);
  }

  /** A place is free, or could be made free: the first key has its turn. */
  wake(): void {
    if (this.#keys.size === 0) return;
    const [first] = this.#keys;
    this.loop.touch(first);
  }

  /**
   * A get of another key is older than all gets of this one, and has waited for room too long. Without the patience, two
   * busy keys would take each other's place, and dial anew, for every request.
   */
  outranks(bucket: Bucket, clock: { now(): number }): boolean {
    if (this.#keys.size === 0) return false;
    const own = bucket.waiters.first;
    for (const key of this.#keys) {
      if (key === bucket) continue;
      const rival = key.waiters.first;
      if (rival === null || own === null || rival.order > own.order) return false;
      return rival.since !== null && clock.now() - rival.since >= patience;
    }
    return false;
  }
}
