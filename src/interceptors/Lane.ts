import { timer, type SchedulerLike, type Subscription } from 'rxjs';
import { guarded } from '../timing/index.js';

/** Somebody who waits for a place in a lane. */
export interface Turn {
  start(): void;
}

export interface LaneRules {
  readonly concurrency: number;
  /** From one start to the next, in ms. */
  readonly interval: number;
  /** Of waits. */
  readonly scheduler: SchedulerLike;
  /** Of what nobody waits for. */
  readonly idleScheduler: SchedulerLike;
}

/** The requests of one key: a queue, and a number of places. */
export class Lane {
  /** In order, and left from anywhere. */
  readonly #queue = new Set<Turn>();
  #running = 0;
  #startAt = -Infinity;
  #timer: Subscription | null = null;
  #draining = false;

  constructor(
    private readonly rules: LaneRules,
    /** Nobody is here, and nothing is to be remembered of who was. */
    private readonly empty: () => void,
  ) {}

  enter(turn: Turn): void {
    this.#queue.add(turn);
    this.#drain();
  }

  /** The turn will not be taken: its place goes to the next. */
  leave(turn: Turn): void {
    if (this.#queue.delete(turn)) this.#drain();
  }

  /** A turn that started is over. */
  done(): void {
    this.#running--;
    this.#drain();
  }

  #drain(): void {
    // A turn that is over at once comes here from within its start: the loop goes on, the stack does not grow.
    if (this.#draining) return;
    this.#draining = true;
    const { concurrency, interval, scheduler } = this.rules;
    for (const turn of this.#queue) {
      const now = scheduler.now();
      // A clock that was set back must not make anybody wait for longer than that.
      this.#startAt = Math.min(this.#startAt, now + interval);
      if (this.#running >= concurrency || this.#startAt > now) break;
      this.#queue.delete(turn);
      this.#running++;
      this.#startAt = now + interval;
      guarded(() => turn.start());
    }
    this.#draining = false;
    this.#rest();
  }

  /** Whatever is next, time brings it: a turn that may start, or the end of the lane. */
  #rest(): void {
    const { scheduler, idleScheduler, concurrency } = this.rules;
    this.#timer?.unsubscribe();
    this.#timer = null;
    const wait = this.#startAt - scheduler.now();
    if (this.#queue.size > 0) {
      if (this.#running < concurrency) this.#timer = timer(Math.max(wait, 0), scheduler).subscribe(() => this.#drain());
    } else if (this.#running === 0) {
      if (wait > 0) this.#timer = timer(wait, idleScheduler).subscribe(() => this.#drain());
      else this.empty();
    }
  }
}
