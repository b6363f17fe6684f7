import { Buffer, constants } from 'node:buffer';
import { Observable, type Observer } from 'rxjs';
import { BodyTooLargeError, ResponseFailedError, textOf, type HTTPClientError } from '../errors/index.js';
import { utf8 } from '../wire/index.js';
import { byteOrderMarkOf, charsetOf } from './charset.js';
import type { BodySink, IncomingBody } from './IncomingBody.js';
import { readAll, type ReadOptions } from './ReadOptions.js';

/**
 * The buffer of a body whose length is known grows by so much at a time, from 1 MiB: one of 16 MiB takes two allocations,
 * and a head that lies about its length never more than sixteen times what has come.
 */
const growth = 16;
const firstBuffer = 2 ** 20;

/**
 * Reads a body to its end and emits one value of it. One that came in one read is read where it lies, in the buffer that
 * all sockets share; else its bytes are copied once, into one buffer. It is its own teardown.
 */
abstract class Collector<T> implements BodySink {
  readonly takesWhole = true;
  #buffer: Buffer | null = null;
  #length = 0;

  constructor(
    protected readonly subscriber: Observer<T>,
    protected readonly body: IncomingBody,
    protected readonly options: ReadOptions,
  ) {}

  /**
   * The value of the whole body, which lies in `bytes` for the time of the call; `own`: for good, and nobody else has them.
   * What it throws is the failure.
   */
  protected abstract value(bytes: Uint8Array, start: number, end: number, own: boolean): T;

  whole(bytes: Uint8Array, start: number, end: number, own = false): void {
    const { limit } = this.options;
    if (end - start > limit) {
      this.#failed(new BodyTooLargeError(limit));
      return;
    }
    let value: T;
    try {
      value = this.value(bytes, start, end, own);
    } catch (cause) {
      this.#failed(new ResponseFailedError(`The response body cannot be read: ${textOf(cause)}`, { cause }));
      return;
    }
    this.subscriber.next(value);
    this.subscriber.complete();
  }

  chunk(bytes: Uint8Array, start: number, end: number): boolean {
    const needed = this.#length + end - start;
    const { limit } = this.options;
    // A head that announces too much is believed.
    if (needed > limit || (this.body.length ?? 0) > limit) {
      this.#failed(new BodyTooLargeError(limit));
      return false;
    }
    let buffer = this.#buffer;
    if (buffer === null || buffer.length < needed) {
      const { length } = this.body;
      const capacity = length === null ? needed * 2 : Math.min(length, Math.max(needed * growth, firstBuffer));
      let grown: Buffer;
      try {
        // Its own memory, not a part of Node's pool: what is handed on must show nobody else's bytes.
        grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(capacity, constants.MAX_LENGTH)));
      } catch (cause) {
        const message = `The response body cannot be held in memory: it has ${needed} bytes or more`;
        this.#failed(new ResponseFailedError(message, { cause }));
        return false;
      }
      buffer?.copy(grown, 0, 0, this.#length);
      this.#buffer = buffer = grown;
    }
    buffer.set(bytes.subarray(start, end), this.#length);
    this.#length = needed;
    return true;
  }

  end(): void {
    const buffer = this.#buffer ?? Buffer.alloc(0);
    this.#buffer = null;
    this.whole(buffer, 0, this.#length, true);
  }

  fail(error: unknown): void {
    this.subscriber.error(error);
  }

  unsubscribe(): void {
    this.body.drop(this);
  }

  /** The connection is let go before its consumer hears of it, as with every failure. */
  #failed(error: HTTPClientError): void {
    this.#buffer = null;
    this.body.drop(this);
    this.subscriber.error(this.body.explained(error));
  }
}

const byteOrderMark = 0xfeff;
/** What a byte that is no UTF-8 becomes. */
const replacement = '\ufffd';
/** Text that is longer is not searched: to look at a header costs less. */
const searched = 4_096;

/** The bytes were ASCII, on which all charsets agree that a text of readable characters could be in. */
function isASCII(text: string, start: number, end: number): boolean {
  return text.length === end - start && !text.includes(replacement);
}

/**
 * Text of bytes of which `utf8` is what UTF-8 makes: as their byte order mark says, else `encoding`, else their
 * Content-Type.
 */
function decodeAs(
  utf8: string,
  bytes: Uint8Array,
  start: number,
  end: number,
  { headers }: IncomingBody,
  encoding?: string,
): string {
  if (utf8.charCodeAt(0) === byteOrderMark) return utf8.slice(1);
  const charset = byteOrderMarkOf(bytes, start, end) ?? encoding ?? charsetOf(headers);
  return charset === 'utf-8' ? utf8 : new TextDecoder(charset).decode(bytes.subarray(start, end));
}

class TextCollector extends Collector<string> {
  protected override value(bytes: Uint8Array, start: number, end: number): string {
    const text = utf8(bytes, start, end);
    const { encoding } = this.options;
    // Of those that write ASCII in other bytes, UTF-16 shows by NUL and ISO-2022-JP by ESC.
    const plain =
      encoding === undefined &&
      text.length <= searched &&
      isASCII(text, start, end) &&
      !text.includes('\0') &&
      !text.includes('\x1b');
    return plain ? text : decodeAs(text, bytes, start, end, this.body, encoding);
  }
}

class JSONCollector<T> extends Collector<T> {
  protected override value(bytes: Uint8Array, start: number, end: number): T {
    const text = utf8(bytes, start, end);
    // ASCII that is JSON as it stands is in no other charset: in those that differ it would have control characters.
    if (!isASCII(text, start, end)) return this.#parse(decodeAs(text, bytes, start, end, this.body));
    try {
      return this.#parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError) || charsetOf(this.body.headers) === 'utf-8') throw error;
      return this.#parse(decodeAs(text, bytes, start, end, this.body));
    }
  }

  #parse(text: string): T {
    try {
      return JSON.parse(text, this.options.reviver) as T;
    } catch (error) {
      // Not in the words of `JSON.parse`, which quote the text: it may be a token.
      throw error instanceof SyntaxError ? new SyntaxError('it is not JSON') : error;
    }
  }
}

class BytesCollector extends Collector<Uint8Array> {
  protected override value(bytes: Uint8Array, start: number, end: number, own: boolean): Uint8Array {
    // Handed on as it is only if there is nothing else in it to be seen.
    return own && end === bytes.length ? bytes : Uint8Array.prototype.slice.call(bytes, start, end);
  }
}

class Discarder extends Collector<void> {
  override chunk(): boolean {
    return true;
  }

  protected override value(): void {}
}

/** Reads a body in one of the ways that need no more than a subscriber. Returns the teardown. */
export type Collect<T> = (
  body: IncomingBody,
  subscriber: Observer<T>,
  options?: ReadOptions,
) => { unsubscribe(): void };

function claim<T>(body: IncomingBody, collector: Collector<T>): Collector<T> {
  body.claim(collector);
  return collector;
}

export const collectText: Collect<string> = (body, subscriber, options = readAll) =>
  claim(body, new TextCollector(subscriber, body, options));

export const collectJSON = <T>(...[body, subscriber, options = readAll]: Parameters<Collect<T>>) =>
  claim(body, new JSONCollector(subscriber, body, options));

export const collectBytes: Collect<Uint8Array> = (body, subscriber, options = readAll) =>
  claim(body, new BytesCollector(subscriber, body, options));

export const discardBody: Collect<void> = (body, subscriber, options = readAll) =>
  claim(body, new Discarder(subscriber, body, options));

/** `collect` as an Observable: nothing is claimed before it is subscribed to. */
export function collected<T>(body: IncomingBody, collect: Collect<T>, options?: ReadOptions): Observable<T> {
  return new Observable<T>(subscriber => collect(body, subscriber, options));
}
