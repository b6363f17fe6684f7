import { from, Subject, takeUntil, type Observable, type ObservableInput, type Subscriber } from 'rxjs';
import { copyBytes } from './copyBytes.js';
import type { BodySink, IncomingBody, Validity } from './IncomingBody.js';

/** Reads a body piece by piece, each when the work on the last is done: behind `pull`, iteration and streams. */
export class PullSink<R> implements BodySink {
  readonly takesWhole = false;
  #index = 0;
  #stopped = false;
  readonly #stop = new Subject<void>();
  /** A chunk was handed out that is a view of the connection's buffer. */
  #lent = false;
  #inner: { unsubscribe(): void } | null = null;

  constructor(
    private readonly subscriber: Subscriber<R>,
    private readonly incoming: IncomingBody,
    private readonly project: (chunk: Uint8Array, index: number) => ObservableInput<R>,
    /** Chunks are the consumer's to keep, and not windows on a buffer. */
    private readonly copies: boolean,
  ) {}

  chunk(bytes: Uint8Array, start: number, end: number, valid: Validity): boolean {
    const { subscriber } = this;
    // The first reads may have been into the buffer that all sockets share; from here on the connection has its own.
    if (valid === 'call' && !this.copies) this.incoming.ownBuffer();
    const lend = valid === 'pause' && !this.copies;
    if (lend) this.#lent = true;
    const whole = lend || valid === 'ever';
    const own = whole ? bytes : copyBytes(bytes, start, end);
    // A plain Uint8Array, as the `slice` of a Buffer is a view.
    const chunk = new Uint8Array(own.buffer, own.byteOffset + (whole ? start : 0), end - start);
    let inner$: Observable<R>;
    try {
      // Unsubscribing would be too late for work that emits all at once, and perhaps for ever.
      inner$ = from(this.project(chunk, this.#index++)).pipe(takeUntil(this.#stop));
    } catch (error) {
      this.#abandon(error);
      return false;
    }
    let done = false;
    const inner = inner$.subscribe({
      next: value => subscriber.next(value),
      error: error => this.#abandon(error),
      complete: () => {
        if (this.#stopped) return;
        done = true;
        this.#inner = null;
        this.incoming.more();
      },
    });
    if (this.#stopped) inner.unsubscribe();
    else if (!done) this.#inner = inner;
    return false;
  }

  /** The consumer's own work failed: the connection is let go before it hears of it, as with every failure. */
  #abandon(error: unknown): void {
    this.incoming.drop(this);
    this.subscriber.error(error);
  }

  /** Stops the work. True if it may go on all the same (a promise cannot be stopped), on a view that it was lent. */
  stop(): boolean {
    const working = this.#inner !== null;
    this.#stopped = true;
    this.#stop.next();
    return working && this.#lent;
  }

  end(): void {
    this.subscriber.complete();
  }

  fail(error: unknown): void {
    this.subscriber.error(error);
  }
}
