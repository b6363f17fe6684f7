import { Deadline, guarded, type DeadlineSweep } from '../timing/index.js';
import type { Seat } from './Seat.js';

/**
 * Leases that are neither used nor released: each for `leaseTimeout`, from the end of the loop turn in which it was given.
 * As that is the same for all, the first lease that was given is the first that is over, and one deadline serves.
 *
 * ```
 *   leased     a────b────u              u = b is used
 *   deadline   ^──────────────(x        x = a has leaked
 * ```
 */
export class UnusedLeases {
  /** The end of the time of each, oldest first. */
  readonly #ends = new Map<Seat, number>();
  readonly #deadline: Deadline;

  constructor(
    private readonly leaseTimeout: number,
    private readonly deadlines: DeadlineSweep,
  ) {
    this.#deadline = new Deadline(deadlines, () => this.#expired());
  }

  /** Watches a lease, unless it is used or watched already. */
  watch(lease: Seat): void {
    if (this.leaseTimeout === Infinity || !lease.isUnused || this.#ends.has(lease)) return;
    const end = this.deadlines.now() + this.leaseTimeout;
    this.#ends.set(lease, end);
    if (this.#ends.size === 1) this.#deadline.startAt(end);
  }

  /** The lease is used, or over. Does nothing for a lease that is not watched. */
  remove(lease: Seat): void {
    if (this.#ends.size === 0 || !this.#ends.delete(lease)) return;
    if (this.#ends.size === 0) this.#deadline.clear();
  }

  #expired(): void {
    const now = this.deadlines.now();
    // A leak is told to observers, who may end other leases: each is looked up when its turn comes.
    for (const [lease, end] of this.#ends) {
      if (end > now) {
        this.#deadline.startAt(end);
        return;
      }
      this.remove(lease);
      guarded(() => lease.leak());
    }
  }
}
