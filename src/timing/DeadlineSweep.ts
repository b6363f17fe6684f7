import { timer, type SchedulerLike, type Subscription } from 'rxjs';

/** Two sweeps are at least this far apart, in ms, so that many close deadlines share one. */
const granularity = 5;

/** A timer that fires this many ms before its time on the wall clock shows that the wall clock was set back. */
const setBack = 50;

/**
 * All deadlines of a pool, checked by one shared `timer` stream that runs only while something waits.
 *
 * A timer per request costs more than the request's parsing. Setting a deadline here is one clock reading and one field:
 * the shared timer is armed for the earliest, and is armed anew only if an earlier one comes.
 *
 * ```
 *   deadlines   a──────────────x            x = met in time: nothing happens
 *                  b──────────────────!     ! = expired
 *   timer       ^──────────────┘^─────!
 * ```
 */
export class DeadlineSweep {
  readonly #scheduler: SchedulerLike;
  readonly #deadlines: Deadline[] = [];
  #armed: Subscription | null = null;
  #armedFor = Infinity;
  #skew = 0;
  #closed = false;

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  /** The time in ms, of a clock that a wall clock set back does not stop. */
  now(): number {
    return this.#scheduler.now() + this.#skew;
  }

  /** The pool is closed: stops the timer as soon as nothing waits (an upgraded transport may still be to be claimed). */
  close(): void {
    this.#closed = true;
    this.#rest();
  }

  /** @internal */
  add(deadline: Deadline): number {
    return this.#deadlines.push(deadline) - 1;
  }

  /** @internal The last one takes the place of the one that goes, so that leaving costs the same however many wait. */
  remove(index: number): void {
    const last = this.#deadlines.pop();
    if (last !== undefined && index < this.#deadlines.length) {
      this.#deadlines[index] = last;
      last.index = index;
    }
    if (this.#closed) this.#rest();
  }

  #rest(): void {
    if (this.#deadlines.some(deadline => deadline.running)) return;
    this.#armed?.unsubscribe();
    this.#armed = null;
    this.#armedFor = Infinity;
  }

  /** @internal */
  arm(at: number): void {
    if (at >= this.#armedFor) return;
    this.#armed?.unsubscribe();
    this.#armedFor = at;
    const delay = Math.max(Math.ceil(at - this.now()), 0);
    this.#armed = timer(delay, this.#scheduler).subscribe(() => this.#sweep());
  }

  #sweep(): void {
    // Timers run on a monotonic clock, `now` on the wall's. A wall clock that was set back would make every deadline
    // late by as much; what the timer has waited for has passed, whatever the wall says. (A ms or two is rounding.)
    const missing = this.#armedFor - this.now();
    if (missing > setBack) this.#skew += missing;
    const now = this.now();
    const expired: Deadline[] = [];
    let next = Infinity;
    for (const deadline of this.#deadlines) {
      if (deadline.at <= now) expired.push(deadline);
      else if (deadline.at < next) next = deadline.at;
    }
    this.#armed = null;
    this.#armedFor = Infinity;
    if (next !== Infinity) this.arm(Math.max(next, now + granularity));
    // Called last, and each checked again: an expiry may end, start or remove other deadlines.
    for (const deadline of expired) if (deadline.at <= now) deadline.fire();
  }
}

/** One thing to wait for, again and again: `start`, `clear`, `start`… and `dispose` at the end. */
export class Deadline {
  /** @internal When it expires, on the sweep's clock; ∞ if it is not running. */
  at = Infinity;
  /** @internal Its place in the sweep's list, −1 if it is in none. */
  index = -1;

  constructor(
    private readonly sweep: DeadlineSweep,
    private readonly expired: () => void,
  ) {}

  /** Expires `duration` ms from now, instead of when it would have. ∞: never. */
  start(duration: number): void {
    if (duration === Infinity) {
      this.at = Infinity;
      return;
    }
    this.startAt(this.sweep.now() + duration);
  }

  /** Expires at a time of the sweep's clock. */
  startAt(at: number): void {
    this.at = at;
    if (this.index < 0) this.index = this.sweep.add(this);
    if (at !== Infinity) this.sweep.arm(at);
  }

  get running(): boolean {
    return this.at !== Infinity;
  }

  /** Stops it; it stays listed, as it will be started again. */
  clear(): void {
    this.at = Infinity;
  }

  /** Stops it and takes it off the list. */
  dispose(): void {
    this.at = Infinity;
    if (this.index < 0) return;
    this.sweep.remove(this.index);
    this.index = -1;
  }

  /** @internal */
  fire(): void {
    this.at = Infinity;
    this.expired();
  }
}
