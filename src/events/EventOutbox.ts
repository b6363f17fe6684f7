import { Subject, type Observable } from 'rxjs';
import type { PoolEvent } from './PoolEvent.js';

/**
 * Events, on their way to observers who may do anything. They are collected while the pool changes its state and sent
 * when that is consistent again. Nothing is built while nobody observes: ask `observed` first.
 */
export class EventOutbox {
  readonly #events = new Subject<PoolEvent>();
  readonly events: Observable<PoolEvent> = this.#events.asObservable();
  #waiting: PoolEvent[] = [];
  #flushing = false;
  #over = false;

  get observed(): boolean {
    return this.#events.observed;
  }

  add(event: PoolEvent): void {
    this.#waiting.push(event);
  }

  /** Sends what was collected, and what is added meanwhile, in order. */
  flush(): void {
    // An observer may call for it again: the loop that is running sends the rest, so that all observers see one order.
    if (this.#flushing) return;
    this.#flushing = true;
    while (this.#waiting.length > 0) {
      const events = this.#waiting;
      this.#waiting = [];
      for (const event of events) this.#events.next(event);
    }
    this.#flushing = false;
    if (this.#over) this.#events.complete();
  }

  /** No event comes after those that were added. */
  complete(): void {
    this.#over = true;
    this.flush();
  }
}
