import type { Unsubscribable } from 'rxjs';
import { isHTTPClientError } from '../errors/index.js';
import { EventOutbox, type EvictionReason, type PoolEventDetail } from '../events/index.js';
import { DeadlineSweep } from '../timing/index.js';
import { Bucket, type Slot, type SlotState } from './Bucket.js';
import { IdleConnections } from './IdleConnections.js';
import { LinkedList } from './LinkedList.js';
import type { PoolSettings } from './PoolOptions.js';
import { Counters, type PoolStats } from './PoolStats.js';
import { UnusedLeases } from './UnusedLeases.js';

/**
 * What a pool holds, and what it weighs under the limits. It decides nothing: the `Dispatcher` does. Its steps are whole
 * in themselves, and leave the keys that they concern in a queue, for the dispatcher to serve.
 */
export class Inventory {
  readonly outbox = new EventOutbox();
  readonly totals = new Counters();
  readonly deadlines: DeadlineSweep;
  readonly idle: IdleConnections;
  readonly buckets = new Map<string, Bucket>();
  /** Every place that is taken. */
  readonly slots = new Set<Slot>();
  /** Connections whose socket is not closed yet, those that have left the pool included. */
  readonly sockets = new Set<Slot>();
  /** Keys whose gets wait for room under `maxConnections`, in the order in which they ran out of it. */
  readonly starved = new Set<Bucket>();
  /** Validated connections, on their way to a waiter in this very pass. */
  readonly ready = new LinkedList<Slot>();
  readonly unused: UnusedLeases;
  /** Keys for which something has changed, each once. */
  #firstChanged: Bucket | null = null;
  #lastChanged: Bucket | null = null;

  constructor(settings: PoolSettings, idleTimeout: (slot: Slot) => void, leaked: (slot: Slot) => void) {
    this.deadlines = new DeadlineSweep(settings.scheduler);
    this.idle = new IdleConnections(settings, this.deadlines, idleTimeout);
    this.unused = new UnusedLeases(settings.leaseTimeout, this.deadlines, leaked);
  }

  bucket(key: string): Bucket {
    let bucket = this.buckets.get(key);
    if (bucket === undefined) this.buckets.set(key, (bucket = new Bucket(key)));
    return bucket;
  }

  /** A key that holds nothing takes no memory. */
  forget(bucket: Bucket): void {
    if (bucket.empty && this.buckets.get(bucket.key) === bucket) this.buckets.delete(bucket.key);
  }

  touch(bucket: Bucket): void {
    if (bucket.queued) return;
    bucket.queued = true;
    if (this.#lastChanged === null) this.#firstChanged = bucket;
    else this.#lastChanged.next = bucket;
    this.#lastChanged = bucket;
  }

  get hasChanged(): boolean {
    return this.#firstChanged !== null;
  }

  /** Takes the next key for which something has changed. */
  nextChanged(): Bucket | null {
    const bucket = this.#firstChanged;
    if (bucket === null) return null;
    this.#firstChanged = bucket.next;
    if (bucket.next === null) this.#lastChanged = null;
    bucket.next = null;
    bucket.queued = false;
    return bucket;
  }

  /** A place is free, or could be made free: one key that waits for it has its turn. */
  touchStarved(): void {
    if (this.starved.size === 0) return;
    const [bucket] = this.starved;
    this.touch(bucket);
  }

  /** Takes a place, for a dial. */
  add(slot: Slot): void {
    this.slots.add(slot);
    slot.bucket.weigh(slot.state, 1);
  }

  /** Moves a slot from one state to another, and its weight with it. */
  move(slot: Slot, to: SlotState): void {
    const { bucket, state } = slot;
    if (state === 'connecting') bucket.abandoned?.delete(slot);
    slot.state = to;
    bucket.weigh(state, -1);
    bucket.weigh(to, 1);
    if (to === 'gone') this.slots.delete(slot);
  }

  /** The get that started a dial, and the dial, have nothing to do with each other any more. */
  disown(slot: Slot): void {
    if (slot.waiter !== null) slot.waiter.dial = null;
    slot.waiter = null;
  }

  /**
   * Takes a connection, or a dial, out of the pool. Its place is free, and its lease inert, before the connection is
   * closed, as that tells consumers, who may ask for another at once.
   */
  leave(slot: Slot, reason: EvictionReason, error?: unknown): void {
    const { bucket, state, lease, dial } = slot;
    if (state === 'gone') return;
    if (state === 'idle') this.idle.remove(slot);
    if (slot.claim !== null) bucket.claimed--;
    slot.claim = slot.lease = slot.dial = null;
    this.unused.remove(slot);
    this.disown(slot);
    this.move(slot, 'gone');
    if (state !== 'connecting') {
      this.count(bucket, 'evictions');
      this.tell(bucket, { type: 'evicted', reason, error });
    }
    this.touchStarved();
    this.touch(bucket);
    const known = isHTTPClientError(error) ? error : null;
    lease?.end('closed', known);
    this.hangUp(bucket, dial);
    slot.connection?.close(known ?? undefined);
  }

  /** Ends a dial. What the teardown of an endpoint throws is reported: nobody who waits has to do with it. */
  hangUp(bucket: Bucket, dial: Unsubscribable | null): void {
    try {
      dial?.unsubscribe();
    } catch (error) {
      this.tell(bucket, { type: 'error', error });
    }
  }

  stats(key?: string): PoolStats {
    const one = key === undefined ? undefined : this.buckets.get(key);
    const buckets = key === undefined ? this.buckets.values() : one === undefined ? [] : [one];
    const now = { leased: 0, idle: 0, connecting: 0, validating: 0, pending: 0 };
    for (const bucket of buckets) {
      now.leased += bucket.leased + bucket.validating;
      now.idle += bucket.idle.length;
      now.connecting += bucket.connecting;
      now.validating += bucket.validating;
      now.pending += bucket.waiters.length;
    }
    return {
      open: now.leased + now.idle + now.connecting,
      ...now,
      ...(key === undefined ? this.totals : (one?.counters ?? new Counters())),
    };
  }

  count(bucket: Bucket, what: keyof Counters): void {
    bucket.counters[what]++;
    this.totals[what]++;
  }

  /** The same for what happens for every request: a property that is named costs a third of one that is looked up. */
  countLease(bucket: Bucket, reused: boolean): void {
    bucket.counters.leases++;
    this.totals.leases++;
    if (!reused) return;
    bucket.counters.reuses++;
    this.totals.reuses++;
  }

  tell(bucket: Bucket, detail: PoolEventDetail): void {
    if (!this.outbox.wants(detail.type)) return;
    this.outbox.add({ key: bucket.key, at: this.deadlines.now(), ...detail });
  }
}
