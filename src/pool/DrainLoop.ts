import type { EventOutbox } from '../events/index.js';
import type { Bucket } from './Bucket.js';

/** The pool, as its loop knows it. */
export interface LoopOwner {
  readonly outbox: EventOutbox;
  /** There is no event to send, and no end to tell of. */
  readonly isSettled: boolean;
  serve(bucket: Bucket): void;
  endIfClosed(): void;
}

/**
 * The one loop in which all changes of the pool go on.
 *
 * A step makes its change, touches the keys that it concerns, and runs the loop. A consumer that is called from inside
 * the loop may call the pool again: its change is made, and the running loop serves the key. So no consumer meets a
 * half-made state, and a chain of releases and gets does not grow the stack.
 */
export class DrainLoop {
  #running = false;
  /** The keys to serve, each once, chained by `next`. */
  #first: Bucket | null = null;
  #last: Bucket | null = null;

  constructor(private readonly owner: LoopOwner) {}

  get running(): boolean {
    return this.#running;
  }

  touch(bucket: Bucket): void {
    if (bucket.queued) return;
    bucket.queued = true;
    if (this.#last === null) this.#first = bucket;
    else this.#last.next = bucket;
    this.#last = bucket;
  }

  run(): void {
    const { owner } = this;
    if (this.#running || (this.#first === null && owner.isSettled)) return;
    this.#running = true;
    try {
      do {
        const bucket = this.#take();
        if (bucket !== null) owner.serve(bucket);
        owner.outbox.flush();
      } while (this.#first !== null);
    } finally {
      this.#running = false;
    }
    owner.endIfClosed();
  }

  /** Makes a change that calls consumers on its way; the loop runs afterwards. */
  during(change: () => void): void {
    const outer = this.#running;
    this.#running = true;
    try {
      change();
    } finally {
      this.#running = outer;
    }
    this.run();
  }

  #take(): Bucket | null {
    const bucket = this.#first;
    if (bucket === null) return null;
    this.#first = bucket.next;
    if (bucket.next === null) this.#last = null;
    bucket.next = null;
    bucket.queued = false;
    return bucket;
  }
}
