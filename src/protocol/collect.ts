import { constants } from 'node:buffer';
import { Observable, type Observer } from 'rxjs';
import { ResponseFailedError, textOf } from '../errors/index.js';
import type { BodySink, IncomingBody } from './IncomingBody.js';

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
  #buffer: Buffer | null = null;
  #length = 0;

  constructor(
    protected readonly subscriber: Observer<T>,
    private readonly body: IncomingBody,
  ) {}

  /**
   * The value of the whole body, which lies in `bytes` for the time of the call; `own`: for good, and nobody else has them.
   * What it throws is the failure.
   */
  protected abstract value(bytes: Uint8Array, start: number, end: number, own: boolean): T;

  whole(bytes: Uint8Array, start: number, end: number, own = false): void {
    let value: T;
    try {
      value = this.value(bytes, start, end, own);
    } catch (cause) {
      const error = new ResponseFailedError(`The response body cannot be read: ${textOf(cause)}`, { cause });
      this.subscriber.error(this.body.explained(error));
      return;
    }
    this.subscriber.next(value);
    this.subscriber.complete();
  }

  chunk(bytes: Uint8Array, start: number, end: number): boolean {
    const needed = this.#length + end - start;
    let buffer = this.#buffer;
    if (buffer === null || buffer.length < needed) {
      const { length } = this.body;
      const capacity = length === null ? needed * 2 : Math.min(length, Math.max(needed * growth, firstBuffer));
      let grown: Buffer;
      try {
        // Its own memory, not a part of Node's pool: what is handed on must show nobody else's bytes.
        grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(capacity, constants.MAX_LENGTH)));
      } catch (cause) {
        // The connection is let go before its consumer hears of it, as with every failure.
        this.body.drop(this);
        const message = `The response body cannot be held in memory: it has ${needed} bytes or more`;
        this.subscriber.error(this.body.explained(new ResponseFailedError(message, { cause })));
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
}

const byteOrderMark = 0xfeff;

function decode(bytes: Uint8Array, start: number, end: number): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8', start, end);
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text;
}

class TextCollector extends Collector<string> {
  protected override value(bytes: Uint8Array, start: number, end: number): string {
    return decode(bytes, start, end);
  }
}

class JSONCollector<T> extends Collector<T> {
  protected override value(bytes: Uint8Array, start: number, end: number): T {
    const text = decode(bytes, start, end);
    try {
      return JSON.parse(text) as T;
    } catch {
      // Not in the words of `JSON.parse`, which quote the text: it may be a token.
      throw new SyntaxError('it is not JSON');
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
export type Collect<T> = (body: IncomingBody, subscriber: Observer<T>) => { unsubscribe(): void };

function collectWith<T>(collector: new (subscriber: Observer<T>, body: IncomingBody) => Collector<T>): Collect<T> {
  return (body, subscriber) => {
    const sink = new collector(subscriber, body);
    body.claim(sink);
    return sink;
  };
}

export const collectText: Collect<string> = collectWith(TextCollector);
export const collectJSON = collectWith(JSONCollector) as <T>(
  body: IncomingBody,
  subscriber: Observer<T>,
) => { unsubscribe(): void };
export const collectBytes: Collect<Uint8Array> = collectWith(BytesCollector);
export const discardBody: Collect<void> = collectWith(Discarder);

/** `collect` as an Observable: nothing is claimed before it is subscribed to. */
export function collected<T>(body: IncomingBody, collect: Collect<T>): Observable<T> {
  return new Observable<T>(subscriber => collect(body, subscriber));
}
