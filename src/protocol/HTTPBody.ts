import { Readable } from 'node:stream';
import { Observable, type ObservableInput, type Subscriber } from 'rxjs';
import { BodyIterator } from './BodyIterator.js';
import { copyBytes } from './copyBytes.js';
import type { BodySink, IncomingBody } from './IncomingBody.js';
import { PullSink } from './PullSink.js';

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

class CopySink implements BodySink {
  readonly takesWhole = false;

  constructor(private readonly subscriber: Subscriber<Uint8Array>) {}

  chunk(bytes: Uint8Array, start: number, end: number): boolean {
    this.subscriber.next(copyBytes(bytes, start, end));
    return true;
  }

  end(): void {
    this.subscriber.complete();
  }

  fail(error: unknown): void {
    this.subscriber.error(error);
  }
}
