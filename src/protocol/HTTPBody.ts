import { Readable } from 'node:stream';
import { Observable, Subject, from, takeUntil, type ObservableInput, type Subscriber } from 'rxjs';
import type { BodySink, IncomingBody, Validity } from './IncomingBody.js';

/**
 * The body of a response: an Observable of its bytes, to be read once. A second subscription, or one after `text()` and
 * the like, errors with `BodyUsedError`.
 *
 * ```
 *   body             ──d─d─d─|        as fast as the server sends; each chunk is yours to keep
 *   body.pull(work)  ──d──d──d─|      the connection is paused while work(d) runs
 *   unsubscribe      ──d─d!           destroys the connection, unless the known rest is short (64 KiB): that is drained
 * ```
 *
 * Gotcha: an Observable has no backpressure. A consumer that is slower than the server should use `pull`, `for await` or
 * `readable()`; `body.pipe(concatMap(work))` holds in memory what `work` has not got to.
 */
export class HTTPBody extends Observable<Uint8Array> implements AsyncIterable<Uint8Array> {
  readonly #incoming: IncomingBody;

  /** @internal */
  constructor(incoming: IncomingBody) {
    super(subscriber => {
      const sink = new CopySink(subscriber);
      // Before the claim, which may give what was read ahead at once: a consumer that has enough of it gets no more.
      subscriber.add(() => incoming.drop(sink));
      incoming.claim(sink);
    });
    this.#incoming = incoming;
  }

  /** It was subscribed to: nobody else can read it. */
  get used(): boolean {
    return this.#incoming.claimed;
  }

  /** The number of bytes, if the response head says it; before any decoding. */
  get length(): number | null {
    return this.#incoming.length;
  }

  /**
   * The form with backpressure: a `concatMap` that holds the connection. While the inner Observable of a chunk runs, the
   * socket is paused, so that a slow consumer costs one read buffer, however long the body is.
   *
   * ```
   *   server   a─b─c─d|
   *   project  ^a──|^b──|^c──|          the next chunk is read when the last is done with
   * ```
   *
   * Gotcha: `chunk` is a window on the connection's read buffer, valid until the inner Observable completes. Copy what
   * is to be kept: `chunk.slice()`.
   *
   * @example
   * response.body.pull(chunk => file.write(chunk)).subscribe({ complete: () => console.log('saved') });
   */
  pull<R>(project: (chunk: Uint8Array, index: number) => ObservableInput<R>): Observable<R> {
    return this.#pull(project, false);
  }

  #pull<R>(project: (chunk: Uint8Array, index: number) => ObservableInput<R>, copies: boolean): Observable<R> {
    return new Observable<R>(subscriber => {
      const incoming = this.#incoming;
      const sink = new PullSink(subscriber, incoming, project, copies);
      // Before the claim, which may give what was read ahead at once: a consumer that has enough of it gets no more.
      subscriber.add(() => incoming.drop(sink, sink.stop()));
      incoming.claim(sink);
    });
  }

  /** Reads with backpressure: `for await (const chunk of response.body)`. Its chunks are yours to keep. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    return new BodyIterator(work => this.#pull(work, true));
  }

  /** The body as a Node stream, with backpressure. Destroying it is unsubscribing. Its chunks are yours to keep. */
  readable(): Readable {
    const iterator = this[Symbol.asyncIterator]();
    return new Readable({
      read() {
        iterator.next().then(
          result => this.push(result.done ? null : result.value),
          error => this.destroy(error as Error),
        );
      },
      destroy(error, callback) {
        iterator.return!().then(
          () => callback(error),
          () => callback(error),
        );
      },
    });
  }
}

function copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  // Not Buffer.slice, which is a view, and not Buffer.from, whose memory is shared with other buffers.
  return Uint8Array.prototype.slice.call(bytes, start, end);
}

class CopySink implements BodySink {
  constructor(private readonly subscriber: Subscriber<Uint8Array>) {}

  chunk(bytes: Uint8Array, start: number, end: number): boolean {
    this.subscriber.next(copy(bytes, start, end));
    return true;
  }

  end(): void {
    this.subscriber.complete();
  }

  fail(error: unknown): void {
    this.subscriber.error(error);
  }
}

class PullSink<R> implements BodySink {
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
    const own = whole ? bytes : copy(bytes, start, end);
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

interface Settle {
  readonly resolve: (result: IteratorResult<Uint8Array>) => void;
  readonly reject: (error: unknown) => void;
}

/** `pull` as an iterator: the inner Observable of a chunk completes when the next chunk is asked for. */
class BodyIterator implements AsyncIterableIterator<Uint8Array> {
  readonly #waiting: Settle[] = [];
  #subscription: { unsubscribe(): void } | null = null;
  #release: (() => void) | null = null;
  #outcome: { error?: unknown } | null = null;

  constructor(private readonly pull: (work: (chunk: Uint8Array) => Observable<never>) => Observable<never>) {}

  next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#outcome !== null) this.#finish(this.#outcome);
      else if (this.#subscription === null) this.#open();
      else this.#proceed();
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#finish({});
    // Also before the first `next`: whoever made the iterator was to read the body, and nobody else will.
    if (this.#subscription === null) this.#open();
    this.#subscription?.unsubscribe();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #open(): void {
    this.#subscription = this.pull(
      chunk =>
        new Observable<never>(subscriber => {
          this.#release = () => subscriber.complete();
          this.#waiting.shift()?.resolve({ done: false, value: chunk });
          // Several `next` may wait: each is served by the chunk after the last one's.
          if (this.#waiting.length > 0) this.#proceed();
        }),
    ).subscribe({ error: error => this.#finish({ error }), complete: () => this.#finish({}) });
  }

  #proceed(): void {
    const release = this.#release;
    this.#release = null;
    release?.();
  }

  #finish(outcome: { error?: unknown }): void {
    this.#outcome ??= outcome;
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      // An error is told once; after it the iterator is done.
      if ('error' in this.#outcome) {
        const { error } = this.#outcome;
        this.#outcome = {};
        reject(error);
      } else resolve({ done: true, value: undefined });
    }
  }
}
