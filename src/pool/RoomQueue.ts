import type { Bucket } from './Bucket.js';
import type { DrainLoop } from './DrainLoop.js';
import { LinkedList, ListNode } from './LinkedList.js';

/** Time for which a get waits for room before a reusable connection of another key is closed for it, in ms. */
const patience = 1_000;

class Entry extends ListNode<Entry> {
  constructor(
    readonly bucket: Bucket,
    /** The rank of the key's oldest get. */
    readonly order: number,
  ) {
    super();
  }
}

/** Keys whose gets wait for room under `maxConnections`. The key with the oldest get comes first. */
export class RoomQueue {
  readonly #entries = new Map<Bucket, Entry>();
  readonly #line = new LinkedList<Entry>();

  constructor(private readonly loop: DrainLoop) {}

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  has(bucket: Bucket): boolean {
    return this.#entries.size > 0 && this.#entries.has(bucket);
  }

  /** The key has a waiting get. It takes the place of its oldest one, mostly the last. */
  join(bucket: Bucket): void {
    const { order } = bucket.waiters.first!;
    if (this.#entries.get(bucket)?.order === order) return;
    this.leave(bucket);
    const entry = new Entry(bucket, order);
    let before = this.#line.last;
    while (before !== null && before.order > order) before = before.previous;
    this.#line.insertAfter(entry, before);
    this.#entries.set(bucket, entry);
  }

  leave(bucket: Bucket): void {
    if (this.#entries.size === 0) return;
    const entry = this.#entries.get(bucket);
    if (entry === undefined) return;
    this.#line.remove(entry);
    this.#entries.delete(bucket);
  }

  /** A place is free, or could be made free: the first key has its turn. */
  wake(): void {
    const { first } = this.#line;
    if (first !== null) this.loop.touch(first.bucket);
  }

  /**
   * A get of another key is older than all gets of this one, and has waited for room too long. Without the patience, two
   * busy keys would take each other's place, and dial anew, for every request.
   */
  outranks(bucket: Bucket, clock: { now(): number }): boolean {
    const { first } = this.#line;
    const key = first?.bucket === bucket ? first.next?.bucket : first?.bucket;
    const rival = key?.waiters.first ?? null;
    const own = bucket.waiters.first;
    if (rival === null || own === null || rival.order > own.order) return false;
    return rival.since !== null && clock.now() - rival.since >= patience;
  }
}
