import {
  from,
  takeWhile,
  type Observable,
  type ObservableInput,
  type SchedulerLike,
  type Subscriber,
  type Unsubscribable,
} from 'rxjs';
import { guarded } from '../timing/index.js';
import { Queue } from './Queue.js';

/** The options of `politeMap`, checked. */
export interface PoliteSettings<T, K> {
  readonly key: (value: T) => K;
  readonly concurrency: number;
  readonly delay: (key: K) => number;
  readonly total: number;
  readonly scheduler: SchedulerLike;
}

/** What shares a key. */
class Lane<T, K> {
  readonly waiting = new Queue<T>();
  running = 0;
  /** Its delay goes on. */
  resting = false;
  /** It stands in the line of those that can start. */
  offered = false;

  constructor(readonly key: K) {}
}

/** One subscription to `politeMap`, and its own teardown. */
export class PoliteLanes<T, R, K> {
  readonly #lanes = new Map<K, Lane<T, K>>();
  /** Lanes that can start something, by when they could. */
  readonly #ready = new Queue<Lane<T, K>>();
  /** The source, what runs and what rests. A Set, as a `Subscription` takes time to find one of many. */
  readonly #active = new Set<Unsubscribable>();
  /** Values in all lanes that have not been started. */
  #waiting = 0;
  #running = 0;
  #index = 0;
  #sourceDone = false;
  #draining = false;
  #over = false;

  constructor(
    source: Observable<T>,
    private readonly subscriber: Subscriber<R>,
    private readonly project: (value: T, index: number) => ObservableInput<R>,
    private readonly settings: PoliteSettings<T, K>,
  ) {
    // Before the source is subscribed to: it may emit all at once, and perhaps for ever.
    subscriber.add(this);
    const subscription = source.pipe(takeWhile(() => !this.#over)).subscribe({
      next: value => this.#accept(value),
      error: error => this.#fail(error),
      complete: () => {
        this.#sourceDone = true;
        this.#drain();
      },
    });
    this.#hold(subscription);
  }

  unsubscribe(): void {
    this.#over = true;
    for (const active of this.#active) guarded(() => active.unsubscribe());
    this.#active.clear();
    this.#lanes.clear();
  }

  #hold(active: Unsubscribable): void {
    if (this.#over) active.unsubscribe();
    else this.#active.add(active);
  }

  /** All that runs is let go first: who hears of the error finds room for what they start. */
  #fail(error: unknown): void {
    if (this.#over) return;
    this.unsubscribe();
    this.subscriber.error(error);
  }

  #accept(value: T): void {
    let key: K;
    try {
      key = this.settings.key(value);
    } catch (error) {
      this.#fail(error);
      return;
    }
    let lane = this.#lanes.get(key);
    if (lane === undefined) this.#lanes.set(key, (lane = new Lane(key)));
    lane.waiting.push(value);
    this.#waiting++;
    this.#offer(lane);
    this.#drain();
  }

  /** Something has changed for the lane: it can start, or is not needed any more. */
  #offer(lane: Lane<T, K>): void {
    if (lane.resting || lane.offered) return;
    if (lane.waiting.isEmpty) {
      if (lane.running === 0) this.#lanes.delete(lane.key);
      return;
    }
    if (lane.running >= this.settings.concurrency) return;
    lane.offered = true;
    this.#ready.push(lane);
  }

  /** Starts what can be started. Whatever ends or comes meanwhile is seen by the loop that runs: no stack grows. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    while (!this.#over && !this.#ready.isEmpty && this.#running < this.settings.total) {
      const lane = this.#ready.shift();
      lane.offered = false;
      this.#waiting--;
      this.#start(lane, lane.waiting.shift());
      // Behind the others.
      this.#offer(lane);
    }
    this.#draining = false;
    if (this.#sourceDone && this.#running + this.#waiting === 0 && !this.#over) this.subscriber.complete();
  }

  #start(lane: Lane<T, K>, value: T): void {
    let inner$: Observable<R>;
    try {
      this.#rest(lane, this.settings.delay(lane.key));
      inner$ = from(this.project(value, this.#index++));
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#running++;
    lane.running++;
    let completed = false;
    // Unsubscribing would be too late for one that emits all at once, and perhaps for ever.
    const inner = inner$.pipe(takeWhile(() => !this.#over)).subscribe({
      next: result => this.subscriber.next(result),
      error: error => this.#fail(error),
      complete: () => (completed = true),
    });
    this.#hold(inner);
    // When its teardown is done as well, as with `mergeMap`.
    inner.add(() => {
      this.#active.delete(inner);
      if (!completed) return;
      this.#running--;
      lane.running--;
      this.#offer(lane);
      this.#drain();
    });
  }

  #rest(lane: Lane<T, K>, delay: number): void {
    if (delay === 0) return;
    lane.resting = true;
    const rest = this.settings.scheduler.schedule(() => {
      this.#active.delete(rest);
      lane.resting = false;
      this.#offer(lane);
      this.#drain();
    }, delay);
    this.#hold(rest);
  }
}
