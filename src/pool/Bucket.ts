import type { PoolSnapshot } from '../errors/index.js';
import { LinkedList } from './LinkedList.js';
import { Counters } from './PoolStats.js';
import type { Slot, SlotState } from './Slot.js';
import type { Waiter } from './Waiter.js';

/** All that the pool holds under one key. One that holds nothing is forgotten. */
export class Bucket {
  readonly waiters = new LinkedList<Waiter>();
  /** Oldest first; reused from the end, so that the surplus ages. */
  readonly idle = new LinkedList<Slot>();
  /** Validated connections, on their way to a waiter in this very pass. */
  readonly ready: Slot[] = [];
  readonly counters = new Counters();
  /** Dials and validations that belong to retried requests: no waiter can count on them. */
  claimed = 0;
  /** It waits for its turn in the drain loop. */
  queued = false;
  lastDialError: unknown = undefined;
  #connecting = 0;
  #validating = 0;
  #leased = 0;

  constructor(readonly key: string) {}

  get connecting(): number {
    return this.#connecting;
  }

  get validating(): number {
    return this.#validating;
  }

  get leased(): number {
    return this.#leased;
  }

  /** Connections that count under the limits. */
  get open(): number {
    return this.#connecting + this.#validating + this.#leased + this.idle.length;
  }

  /** Gets with no connection on its way to them. */
  get uncovered(): number {
    return this.waiters.length + this.claimed - this.#validating - this.#connecting;
  }

  /** The oldest get for which no dial was started. Those that have one are few, and first. */
  firstWithoutDial(): Waiter | undefined {
    let node = this.waiters.first?.node ?? null;
    while (node !== null && node.value.dial !== null) node = node.next;
    return node?.value;
  }

  get empty(): boolean {
    return this.open === 0 && this.waiters.length === 0;
  }

  /** Moves a slot's weight from one state to another. */
  move(from: SlotState | null, to: SlotState): void {
    this.#weigh(from, -1);
    this.#weigh(to, 1);
  }

  #weigh(state: SlotState | null, by: number): void {
    if (state === 'connecting') this.#connecting += by;
    else if (state === 'validating') this.#validating += by;
    else if (state === 'leased') this.#leased += by;
  }

  snapshot(max: number, waited: number): PoolSnapshot {
    return {
      key: this.key,
      leased: this.#leased + this.#validating,
      idle: this.idle.length,
      connecting: this.#connecting,
      pending: this.waiters.length,
      max,
      waited,
    };
  }
}
