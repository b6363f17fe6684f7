import { takeWhile, type Observable, type Subscription } from 'rxjs';
import type { Transport } from '../endpoint/index.js';
import { BodyLengthMismatchError, HTTPClientError, RequestGenerationFailedError, textOf } from '../errors/index.js';
import { guarded, loopTurn } from '../timing/index.js';
import { chunkHead, lastChunk, type RequestFraming } from '../wire/index.js';
import { closeBody, isAsyncIterable, spend, toBytes, type BodyChunk, type OpenBody } from './RequestBody.js';

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

/**
 * Writes a request body, with backpressure, in its framing. Ends once: done, failed or stopped.
 *
 * Whatever the source gives goes through one queue, in slices, as fast as the transport takes them; an iterator is asked
 * for more when the queue is empty.
 */
export class Upload {
  #queue: Uint8Array[] = [];
  #head = 0;
  /** Bytes taken from the source. */
  #taken = 0;
  /** Bytes given to the transport. */
  #written = 0;
  #sourceDone = false;
  #over = false;
  #blocked = false;
  #subscription: Subscription | null = null;
  #iterator: AsyncIterator<BodyChunk> | null = null;
  #asking = false;
  /** Sends the bytes that are held back, if there are any. */
  #sendLast: () => void = () => undefined;

  constructor(
    private readonly source: OpenBody,
    private readonly framing: RequestFraming,
    private readonly transport: Transport,
    private readonly owner: UploadOwner,
    /** What is held back of the request's head, as nothing is to follow it. */
    private unsentHead: string,
  ) {}

  start(): void {
    const { source } = this;
    if (source instanceof Uint8Array) {
      this.#sourceDone = true;
      this.#take(source);
      return;
    }
    spend(source);
    // What is both, as a response's body is, is read with backpressure.
    if (isAsyncIterable(source)) this.#iterate(source);
    else this.#observe(source);
    // As with all last bytes: not longer than the loop needs to poll, as some sources never say that they are done.
    if (this.unsentHead !== '') loopTurn.after(() => this.#sendHead());
  }

  /** The request ended early: tears the source down and says nothing more. */
  stop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#queue = [];
    const iterator = this.#iterator;
    guarded(() => this.#subscription?.unsubscribe());
    if (iterator === null) return;
    // A Readable whose iterator waits for a chunk would see `return` only with that chunk: it is destroyed as well.
    closeBody(this.source);
    try {
      iterator.return?.().then(undefined, () => undefined);
    } catch {
      // The source's own failure to stop is nobody's concern any more.
    }
  }

  #sendHead(): void {
    const head = this.unsentHead;
    if (this.#over || head === '') return;
    this.unsentHead = '';
    this.transport.write(head);
  }

  #observe(source: Observable<BodyChunk>): void {
    // Unsubscribing would come too late for a source that emits all at once, and perhaps for ever.
    const subscription = source.pipe(takeWhile(() => !this.#over)).subscribe({
      next: chunk => this.#accept(chunk),
      error: error => this.#fail(error),
      complete: () => this.#end(),
    });
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
    this.#pull(this.#iterator);
  }

  #pull(iterator: AsyncIterator<BodyChunk>): void {
    if (this.#asking) return;
    this.#asking = true;
    let next: Promise<IteratorResult<BodyChunk>>;
    try {
      next = Promise.resolve(iterator.next());
    } catch (error) {
      this.#fail(error);
      return;
    }
    next.then(
      result => {
        this.#asking = false;
        if (this.#over) return;
        this.#given(result);
      },
      error => this.#fail(error),
    );
  }

  /** The iterator is the user's: what it gives may be no result, or one that throws when it is looked at. */
  #given(result: IteratorResult<BodyChunk>): void {
    let chunk: BodyChunk | undefined;
    try {
      if (typeof result !== 'object' || result === null) {
        throw new TypeError(`The iterator of the request body gave ${textOf(result)} instead of a result`);
      }
      chunk = result.done ? undefined : toBytes(result.value);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (chunk === undefined) this.#end();
    else this.#accept(chunk);
  }

  #accept(chunk: BodyChunk): void {
    if (this.#over) return;
    let bytes: Uint8Array;
    try {
      bytes = toBytes(chunk);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#take(bytes);
  }

  #take(bytes: Uint8Array): void {
    const { framing } = this;
    const length = framing.kind === 'length' ? framing.length : Infinity;
    this.#taken += bytes.length;
    if (this.#taken > length) {
      // Dropped whole: the server would take what is over for the next request.
      this.#fail(new BodyLengthMismatchError(length, this.#taken));
      return;
    }
    // A chunk of length 0 would end a chunked body.
    if (bytes.length > 0) {
      this.#queue.push(bytes);
      if (this.#taken === length && !this.#sourceDone) this.#holdLast();
    }
    if (!this.#blocked) this.#flow();
  }

  /**
   * With these bytes the server takes the request for complete, and cannot be told of one more. They wait for the source
   * to say that they were its last, but not longer than the loop needs to poll: some sources never say.
   */
  #holdLast(): void {
    const last = this.#queue.pop()!;
    // Copied: the source may use its buffer again when it is asked for more.
    const copy = Uint8Array.prototype.slice.call(last);
    let sent = false;
    this.#sendLast = () => {
      if (sent || this.#over) return;
      sent = true;
      this.#queue.push(copy);
      if (!this.#blocked) this.#flow();
    };
    loopTurn.after(this.#sendLast);
  }

  #end(): void {
    if (this.#over || this.#sourceDone) return;
    const { framing } = this;
    if (framing.kind === 'length' && this.#taken < framing.length) {
      this.#fail(new BodyLengthMismatchError(framing.length, this.#taken));
      return;
    }
    this.#sourceDone = true;
    this.#sendLast();
    if (!this.#blocked) this.#flow();
  }

  /** Writes what there is until the transport wants a pause; then asks for more, or ends. */
  #flow(): void {
    while (!this.#over) {
      const bytes = this.#queue[this.#head];
      if (bytes === undefined) {
        this.#queue = [];
        this.#head = 0;
        if (this.#sourceDone) this.#finish();
        else if (this.#iterator !== null) this.#pull(this.#iterator);
        return;
      }
      const slice = bytes.length > sliceSize ? bytes.subarray(0, sliceSize) : bytes;
      if (slice === bytes) this.#head++;
      else this.#queue[this.#head] = bytes.subarray(sliceSize);
      if (!this.#write(slice)) {
        this.#pause(() => this.#flow());
        return;
      }
    }
  }

  #write(bytes: Uint8Array): boolean {
    const { transport } = this;
    let flowing: boolean;
    if (this.framing.kind === 'chunked') {
      transport.write(chunkHead(bytes.length));
      transport.write(bytes);
      flowing = transport.write('\r\n');
    } else flowing = transport.write(bytes);
    this.#written += bytes.length;
    this.owner.uploadProgress(this.#written);
    return flowing;
  }

  #pause(then: () => void): void {
    if (this.#over) return;
    this.#blocked = true;
    this.owner.uploadBlocked(true);
    this.transport.drained(() => {
      if (this.#over) return;
      this.#blocked = false;
      this.owner.uploadBlocked(false);
      then();
    });
  }

  /** The request counts as written when the socket has taken it: the wait for the response starts then. */
  #finish(): void {
    this.#sendHead();
    if (this.#over) return;
    const done = (): void => {
      this.#over = true;
      this.owner.uploadDone();
    };
    if (this.framing.kind !== 'chunked' || this.transport.write(lastChunk)) done();
    else this.#pause(done);
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
