import type { Observable, Unsubscribable } from 'rxjs';
import { AbortedError, member } from '../errors/index.js';
import { HTTPHeaders } from '../wire/index.js';
import { IncomingBody, type BodyOwner } from './IncomingBody.js';
import type { BodyChunk, BodySource } from './RequestBody.js';

/**
 * A body that comes from no connection: one that an interceptor or a test makes up. An Observable is not held back: it
 * is for what is small, or knows its pace.
 */
export function incomingOf(source: BodySource, headers = HTTPHeaders.empty): IncomingBody {
  if (typeof source === 'string' || source instanceof Uint8Array) {
    const bytes = bytesOf(source);
    const body = new IncomingBody(null, Infinity, bytes.length, headers);
    if (bytes.length > 0) body.hold(bytes, 0, bytes.length, 'ever');
    body.end(HTTPHeaders.empty);
    return body;
  }
  // An `HTTPBody` is both: it is read in the way that holds the connection.
  const isIterable = member(source as Partial<AsyncIterable<BodyChunk>>, Symbol.asyncIterator) !== undefined;
  return isIterable
    ? new IterableSource(source as AsyncIterable<BodyChunk>, headers).body
    : new ObservableSource(source as Observable<BodyChunk>, headers).body;
}

/** Nobody reads the body any more, but somebody may wait for its trailers. */
function unwanted(): AbortedError {
  return new AbortedError('The body was unsubscribed from');
}

function push(body: IncomingBody, chunk: BodyChunk): void {
  const bytes = bytesOf(chunk);
  body.push(bytes, 0, bytes.length, 'ever');
}

function bytesOf(chunk: BodyChunk): Uint8Array {
  return typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

/** Asks an iterable for as much as is wanted. */
class IterableSource implements BodyOwner {
  readonly body: IncomingBody;
  #iterator: AsyncIterator<BodyChunk> | null = null;
  #asking = false;
  #dropped = false;

  constructor(
    private readonly iterable: AsyncIterable<BodyChunk>,
    headers: HTTPHeaders,
  ) {
    this.body = new IncomingBody(this, 0, null, headers);
  }

  wanted(): void {
    if (this.#asking) return;
    this.#asking = true;
    void this.#ask();
  }

  dropped(): void {
    this.#dropped = true;
    this.body.fail(unwanted());
    // What it says of its end nobody waits for.
    void Promise.resolve(this.#iterator?.return?.()).catch(() => undefined);
  }

  ownBuffer(): void {
    // Its chunks are nobody else's.
  }

  async #ask(): Promise<void> {
    const { body } = this;
    try {
      this.#iterator ??= this.iterable[Symbol.asyncIterator]();
      while (body.hungry) {
        const { done, value } = (await this.#iterator.next()) as IteratorResult<BodyChunk, unknown>;
        if (this.#dropped) return;
        if (done === true) return body.end(HTTPHeaders.empty);
        push(body, value);
      }
    } catch (error) {
      if (!this.#dropped) body.fail(error);
      return;
    }
    this.#asking = false;
  }
}

class ObservableSource implements BodyOwner {
  readonly body: IncomingBody;
  #subscription: Unsubscribable | null = null;
  #dropped = false;

  constructor(
    private readonly source: Observable<BodyChunk>,
    headers: HTTPHeaders,
  ) {
    this.body = new IncomingBody(this, 0, null, headers);
  }

  wanted(): void {
    if (this.#subscription !== null) return;
    const { body } = this;
    this.#subscription = { unsubscribe: () => undefined }; // it may be wanted again before `subscribe` returns
    const subscription = this.source.subscribe({
      next: chunk => push(body, chunk),
      error: error => body.fail(error),
      complete: () => body.end(HTTPHeaders.empty),
    });
    this.#subscription = subscription;
    if (this.#dropped) subscription.unsubscribe();
  }

  dropped(): void {
    this.#dropped = true;
    this.#subscription?.unsubscribe();
    this.body.fail(unwanted());
  }

  ownBuffer(): void {
    // Its chunks are nobody else's.
  }
}
