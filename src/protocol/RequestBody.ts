import { isObservable, type Observable } from 'rxjs';
import { BodyNotReplayableError, InvalidRequestError, member, RequestGenerationFailedError } from '../errors/index.js';

/** Bytes of a request body; a string is sent as UTF-8. */
export type BodyChunk = Uint8Array | string;

/** Where the bytes of a request body come from. A Node `Readable` is an AsyncIterable. */
export type BodySource = BodyChunk | AsyncIterable<BodyChunk> | Observable<BodyChunk>;

/**
 * A request body. Strings, bytes and functions are replayable: a retry can send them again. A stream, an iterator or an
 * Observable is read once; give a function that makes it to have it replayable.
 *
 * Gotcha: an Observable has no backpressure. What it emits faster than the socket takes is held in memory; give an
 * AsyncIterable or a `Readable` where that matters.
 */
export type RequestBody = BodySource | (() => BodySource);

const encoder = new TextEncoder();

/** One-shot sources that were subscribed to: a second time they would send the rest of themselves, or nothing. */
const spent = new WeakSet<object>();

export function isReplayable(body: RequestBody | null | undefined): boolean {
  return body == null || typeof body === 'string' || body instanceof Uint8Array || typeof body === 'function';
}

/** The bytes of a chunk. Anything but bytes and strings is the caller's error. */
export function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === 'string') return encoder.encode(chunk);
  throw new RequestGenerationFailedError(`A request body is made of bytes and strings, not of ${typeof chunk}`);
}

/** A body that is about to be sent. */
export type OpenBody = Uint8Array | AsyncIterable<BodyChunk> | Observable<BodyChunk>;

/** Calls the factory, if it is one, and refuses what is no body, or is one that was sent already. */
export function openBody(body: RequestBody): OpenBody {
  let source: BodySource = body as BodySource;
  if (typeof body === 'function') {
    try {
      source = body();
    } catch (cause) {
      throw new RequestGenerationFailedError('The function that makes the request body threw', { cause });
    }
  }
  if (typeof source === 'string' || source instanceof Uint8Array) return toBytes(source);
  if (typeof source !== 'object' || source === null || !(isAsyncIterable(source) || isSubscribable(source))) {
    throw new InvalidRequestError(
      'body',
      'The request body must be a string, bytes, an Observable or AsyncIterable of them',
    );
  }
  if (spent.has(source)) throw new BodyNotReplayableError();
  return source;
}

/** What somebody put on `Object.prototype` makes no source of an object, here and in the next. */
export function isAsyncIterable(source: object): source is AsyncIterable<BodyChunk> {
  return typeof member(source as Partial<AsyncIterable<BodyChunk>>, Symbol.asyncIterator) === 'function';
}

function isSubscribable(source: object): source is Observable<BodyChunk> {
  return isObservable(source) && member(source, 'subscribe') !== undefined;
}

/** Ends a source that was opened and is not wanted: a stream holds a file, or a socket. */
export function closeBody(body: OpenBody): void {
  try {
    const destroy = member(body as { destroy?: unknown }, 'destroy');
    if (typeof destroy === 'function') destroy.call(body);
  } catch {
    // The source's own failure to stop is nobody's concern any more.
  }
}

/** Marks a one-shot source as sent, at its first subscription. */
export function spend(source: object): void {
  spent.add(source);
}
