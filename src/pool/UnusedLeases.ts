import { Deadline, guarded, type DeadlineSweep } from '../timing/index.js';
import type { Place, Slot } from './Bucket.js';
import { LinkedList } from './LinkedList.js';

/**
 * Leases that were given and neither used nor released: each for `leaseTimeout`. As that is the same for all, the first
 * that was given is the first that is over, and one deadline serves.
 *
 * ```
 *   leased     a────b────u              u = b is used
 *   deadline   ^──────────────(x        x = a has leaked
 * ```
 */
export class UnusedLeases {
  readonly #all = new LinkedList<Place>();
  readonly #deadline: Deadline;

  constructor(
    private readonly leaseTimeout: number,
    private readonly deadlines: DeadlineSweep,
    private readonly leaked: (slot: Slot) => void,
  ) {
    this.#deadline = new Deadline(deadlines, () => this.#expired());
  }

  add(slot: Slot): void {
    if (this.leaseTimeout === Infinity) return;
    slot.until = this.deadlines.now() + this.leaseTimeout;
    this.#all.push(slot.place);
    if (this.#all.length === 1) this.#deadline.startAt(slot.until);
  }

  /** It is used, or gone; nothing if it was not here. */
  remove(slot: Slot): void {
    this.#all.remove(slot.place);
    if (this.#all.length === 0) this.#deadline.clear();
  }

  #expired(): void {
    const now = this.deadlines.now();
    for (let slot = this.#all.first?.slot; slot !== undefined && slot.until <= now; slot = this.#all.first?.slot) {
      this.remove(slot);
      guarded(() => this.leaked(slot));
    }
    const slot = this.#all.first?.slot;
    if (slot !== undefined) this.#deadline.startAt(slot.until);
  }
}
