import { timer, type SchedulerLike, type Subscription } from 'rxjs';
import { guarded } from './guarded.js';

/** A step of the clock from one reading to the next, in ms, that is compared with a clock that nobody can set. */
const noticed = 250;

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
  /** What the wall clock is ahead (negative) or behind of the time that has passed since the first reading. */
  #skew = 0;
  #last = -Infinity;
  #isVirtual = false;
  #base = 0;
  #baseMonotonic = 0;
  #closed = false;

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  /** The time in ms, of a clock that goes on evenly when the wall clock is set. */
  now(): number {
    const now = this.#scheduler.now() + this.#skew;
    // Requests ask all the time: a step of some size is looked into, the others cost one comparison.
    return now - this.#last > noticed || now < this.#last ? this.#checked(now) : (this.#last = now);
  }

  /** @internal The clock is not the wall's, but such as a `TestScheduler`'s. Known from the first reading on. */
  get isVirtual(): boolean {
    return this.#isVirtual;
  }

  /** Compares with the monotonic clock, which is asked only here, as it costs more than all the rest. */
  #checked(now: number): number {
    const monotonic = performance.now();
    const expected = this.#base + monotonic - this.#baseMonotonic;
    // Virtual time goes as it likes.
    this.#isVirtual = Math.abs(this.#scheduler.now() - Date.now()) > noticed;
    if (!this.#isVirtual && this.#base !== 0 && Math.abs(now - expected) > noticed) {
      this.#skew += expected - now;
      now = expected;
    }
    this.#base = this.#last = now;
    this.#baseMonotonic = monotonic;
    return now;
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
    for (const deadline of expired) if (deadline.at <= now) guarded(() => deadline.fire());
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
    private readonly callback: () => void,
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

  /** @internal A subclass does without a callback: a closure for each connection would be memory. */
  protected expired(): void {
    this.callback();
  }
}
