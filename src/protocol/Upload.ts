import { isObservable, type Observable, type Subscription } from 'rxjs';
import type { Transport } from '../endpoint/index.js';
import { BodyLengthMismatchError, HTTPClientError, RequestGenerationFailedError } from '../errors/index.js';
import { chunkHead, lastChunk, type RequestFraming } from '../wire/index.js';
import { closeBody, spend, toBytes, type BodyChunk, type OpenBody } from './RequestBody.js';

/** Bytes are given to the socket in slices of this size, so that a slow upload shows progress and a stalled one shows. */
const sliceSize = 512 * 1024;

/** What an upload tells its exchange. */
export interface UploadOwner {
  /** The transport holds bytes back (true), or takes them again (false). */
  uploadBlocked(blocked: boolean): void;
  uploadProgress(loaded: number): void;
  uploadDone(): void;
  uploadFailed(error: HTTPClientError): void;
}

/** Writes a request body, with backpressure, in its framing. Ends once: done, failed or stopped. */
export class Upload {
  #loaded = 0;
  #over = false;
  #flowing = true;
  #waiting = false;
  /** The bytes that complete the announced length: sent when the source says that they are its last. */
  #last: Uint8Array | null = null;
  #subscription: Subscription | null = null;
  #iterator: AsyncIterator<BodyChunk> | null = null;

  constructor(
    private readonly source: OpenBody,
    private readonly framing: RequestFraming,
    private readonly transport: Transport,
    private readonly owner: UploadOwner,
  ) {}

  start(): void {
    const { source } = this;
    if (source instanceof Uint8Array) {
      this.#slice(source, 0);
      return;
    }
    spend(source);
    if (isObservable(source)) this.#observe(source);
    else this.#iterate(source);
  }

  /** The request ended early: tears the source down and says nothing more. */
  stop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#subscription?.unsubscribe();
    const iterator = this.#iterator;
    if (iterator === null) return;
    // A Readable whose iterator waits for a chunk would see `return` only with that chunk: it is destroyed as well.
    closeBody(this.source);
    try {
      iterator.return?.().then(undefined, () => undefined);
    } catch {
      // as above
    }
  }

  #slice(bytes: Uint8Array, from: number): void {
    for (let at = from; at < bytes.length;) {
      const end = Math.min(at + sliceSize, bytes.length);
      const flowing = this.#write(bytes.subarray(at, end));
      at = end;
      if (this.#over) return;
      if (!flowing && at < bytes.length) {
        this.#whenDrained(() => this.#slice(bytes, at));
        return;
      }
    }
    this.#finish();
  }

  #observe(source: Observable<BodyChunk>): void {
    const subscription = source.subscribe({
      next: chunk => {
        // It cannot be paused; that the socket takes nothing must be noticed all the same.
        if (!this.#accept(chunk) && !this.#over && !this.#waiting) this.#whenDrained(() => undefined);
      },
      error: error => this.#fail(error),
      complete: () => this.#finish(),
    });
    // A synchronous source may have been over, or stopped, before there was a subscription to keep.
    if (this.#over) subscription.unsubscribe();
    else this.#subscription = subscription;
  }

  #iterate(source: AsyncIterable<BodyChunk>): void {
    try {
      this.#iterator = source[Symbol.asyncIterator]();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#pull();
  }

  #pull(): void {
    if (this.#over) return;
    let next: Promise<IteratorResult<BodyChunk>>;
    try {
      next = Promise.resolve(this.#iterator!.next());
    } catch (error) {
      this.#fail(error);
      return;
    }
    next.then(
      result => {
        if (this.#over) return;
        if (typeof result !== 'object' || result === null) {
          this.#fail(new TypeError(`The iterator of the request body gave ${String(result)} instead of a result`));
          return;
        }
        if (result.done) {
          this.#finish();
          return;
        }
        const flowing = this.#accept(result.value);
        if (this.#over) return;
        if (flowing) this.#pull();
        else this.#whenDrained(() => this.#pull());
      },
      error => this.#fail(error),
    );
  }

  /** Takes a chunk of the source; false if the transport wants a pause, or the upload is over. */
  #accept(chunk: BodyChunk): boolean {
    if (this.#over) return false;
    let bytes: Uint8Array;
    try {
      bytes = toBytes(chunk);
    } catch (error) {
      this.#fail(error);
      return false;
    }
    // A chunk of length 0 would end a chunked body.
    return bytes.length === 0 || this.#write(bytes);
  }

  #write(bytes: Uint8Array): boolean {
    const { framing, transport } = this;
    this.#loaded += bytes.length;
    if (framing.kind === 'chunked') {
      transport.write(chunkHead(bytes.length));
      transport.write(bytes);
      this.#flowing = transport.write('\r\n');
    } else {
      const length = framing.kind === 'length' ? framing.length : 0;
      if (this.#loaded > length) {
        // Dropped whole: the server would take what is over for the next request.
        this.#fail(new BodyLengthMismatchError(length, this.#loaded));
        return false;
      }
      if (this.#loaded === length && !(this.source instanceof Uint8Array)) {
        // With these the server would take the request for complete, and could not be told of one more byte. Copied:
        // the source may use its buffer again when it is asked for more.
        this.#last = Uint8Array.prototype.slice.call(bytes);
        return true;
      }
      this.#flowing = transport.write(bytes);
    }
    this.owner.uploadProgress(this.#loaded);
    return this.#flowing;
  }

  #whenDrained(then: () => void): void {
    this.#waiting = true;
    this.owner.uploadBlocked(true);
    this.transport.drained(() => {
      this.#waiting = false;
      if (this.#over) return;
      this.#flowing = true;
      this.owner.uploadBlocked(false);
      then();
    });
  }

  #finish(): void {
    if (this.#over) return;
    const { framing, transport } = this;
    if (framing.kind === 'length' && this.#loaded < framing.length) {
      this.#fail(new BodyLengthMismatchError(framing.length, this.#loaded));
      return;
    }
    const done = (): void => {
      this.#over = true;
      this.owner.uploadDone();
    };
    // The request counts as written when the socket has taken it: the wait for the response starts then.
    if (framing.kind === 'chunked') this.#flowing = transport.write(lastChunk);
    else if (this.#last !== null) {
      this.#flowing = transport.write(this.#last);
      this.owner.uploadProgress(this.#loaded);
    }
    if (this.#flowing) done();
    else this.#whenDrained(done);
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.stop();
    this.owner.uploadFailed(
      error instanceof HTTPClientError
        ? error
        : new RequestGenerationFailedError('The source of the request body failed', { cause: error }),
    );
  }
}
