import { crc32 } from 'node:zlib';
import { EMPTY, ignoreElements, Observable, timer } from 'rxjs';
import { bytes, discard, json, text, type HTTPResponse, type ProtocolResponse } from 'rxjs-http-pool';
import { payload, type PayloadKind } from './payload.js';
import type { Reading } from './scenario.js';

/** What a response must say, from its head, and what came of it. */
export class Check {
  readonly wanted: Buffer | null;
  #at = 0;
  /** The first thing that was wrong. */
  fault: string | null = null;
  /** The body was seen to its last byte. */
  whole = false;

  constructor(
    attempt: number,
    { headers }: Pick<ProtocolResponse, 'headers'>,
    private readonly began: () => void,
  ) {
    const of = (name: string): number => Number(headers.get(name));
    const length = of('x-length');
    const kind = headers.get('x-kind') as PayloadKind;
    // A message that nobody has asked for is looked into elsewhere.
    this.wanted = headers.has('x-unasked') ? null : payloadOf(attempt, length, kind, of('x-checksum'));
    if (of('x-id') !== attempt) this.fault = `the answer to ${headers.get('x-id')}`;
  }

  /** A piece came. */
  chunk(piece: Uint8Array): void {
    if (this.#at === 0) this.began();
    const { wanted } = this;
    const end = this.#at + piece.length;
    if (
      wanted !== null &&
      !Buffer.from(piece.buffer, piece.byteOffset, piece.length).equals(wanted.subarray(this.#at, end))
    ) {
      this.fault ??= `other bytes from ${this.#at} to ${end}`;
    }
    this.#at = end;
  }

  /** That was all. */
  end(): void {
    this.whole = true;
    if (this.wanted !== null && this.#at !== this.wanted.length) {
      this.fault ??= `${this.#at} bytes instead of ${this.wanted.length}`;
    }
  }

  all(value: Uint8Array | string): void {
    this.chunk(typeof value === 'string' ? Buffer.from(value, 'latin1') : value);
    this.end();
  }

  /** The text of any bytes loses what is no UTF-8: it is compared with what Node makes of them. */
  text(value: string): void {
    if (this.#at === 0) this.began();
    this.whole = true;
    if (this.wanted !== null && value !== this.wanted.toString('utf8'))
      this.fault ??= `another text of ${value.length}`;
  }

  json(value: unknown): void {
    this.text(JSON.stringify(value));
  }
}

/** What the server has announced, if it is the start of what belongs to this attempt, as its checksum says as well. */
function payloadOf(attempt: number, length: number, kind: PayloadKind, checksum: number): Buffer {
  let wanted = payload(attempt, length, kind);
  // The length of a document counts what is around its text.
  if (kind === 'json') {
    const around = wanted.length - length;
    wanted = length >= around ? payload(attempt, length - around, kind) : Buffer.alloc(length);
  }
  return crc32(wanted) === checksum ? wanted : Buffer.alloc(length, 0xff);
}

/** Reads the body of a response in the given way, telling `check`. Emits nothing, and ends as the reading does. */
export function read(response: ProtocolResponse, how: Reading, pace: number, check: Check): Observable<never> {
  switch (how) {
    case 'unread':
      return EMPTY;
    case 'text':
    case 'text()':
      return ended(response.text(), value => check.text(value));
    case 'json':
    case 'json()':
      return ended(response.json(), value => check.json(value));
    case 'bytes':
    case 'bytes()':
      return ended(response.bytes(), value => check.all(value));
    case 'discard':
    case 'discard()':
      return ended(response.discard(), () => undefined);
    case 'body':
      return pieces(response.body, check);
    case 'pull':
      return pieces(
        response.body.pull(
          chunk =>
            new Observable<Uint8Array>(subscriber => {
              // Looked at when the work is done: what it was lent must not have been written over.
              const look = (): void => {
                subscriber.next(chunk);
                subscriber.complete();
              };
              if (pace === 0) return look();
              return timer(pace).subscribe(look);
            }),
        ),
        check,
      );
    case 'for await':
      return iterated(response, pace, check, true);
    case 'iterator':
      return iterated(response, pace, check, false);
    case 'readable':
      return streamed(response, pace, check);
  }
}

/** Reads by the operator of that name, for the ways that have one. */
export function readWith(
  how: Reading,
  check: () => Check,
  source$: Observable<HTTPResponse>,
): Observable<never> | null {
  switch (how) {
    case 'text()':
      return ended(source$.pipe(text()), value => check().text(value));
    case 'json()':
      return ended(source$.pipe(json()), value => check().json(value));
    case 'bytes()':
      return ended(source$.pipe(bytes()), value => check().all(value));
    case 'discard()':
      return ended(source$.pipe(discard()), () => undefined);
    default:
      return null;
  }
}

function ended<T>(source$: Observable<T>, each: (value: T) => void): Observable<never> {
  return new Observable<T>(subscriber =>
    source$.subscribe({
      next: each,
      error: error => subscriber.error(error),
      complete: () => subscriber.complete(),
    }),
  ).pipe(ignoreElements());
}

function pieces(source$: Observable<Uint8Array>, check: Check): Observable<never> {
  return new Observable<never>(subscriber =>
    source$.subscribe({
      next: chunk => check.chunk(chunk),
      error: error => subscriber.error(error),
      complete: () => {
        check.end();
        subscriber.complete();
      },
    }),
  );
}

const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

function iterated({ body }: ProtocolResponse, pace: number, check: Check, loop: boolean): Observable<never> {
  return new Observable<never>(subscriber => {
    const iterator = body[Symbol.asyncIterator]();
    const take = async (chunk: Uint8Array): Promise<void> => {
      if (!subscriber.closed) check.chunk(chunk);
      if (pace > 0) await sleep(pace);
    };
    const run = async (): Promise<void> => {
      if (loop) {
        for await (const chunk of iterator) {
          await take(chunk);
          if (subscriber.closed) break;
        }
      } else {
        for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) await take(next.value);
      }
    };
    run().then(
      () => {
        if (subscriber.closed) return;
        check.end();
        subscriber.complete();
      },
      (error: unknown) => subscriber.error(error),
    );
    return () => void iterator.return?.();
  });
}

function streamed({ body }: ProtocolResponse, pace: number, check: Check): Observable<never> {
  return new Observable<never>(subscriber => {
    const stream = body.readable();
    stream.on('data', (chunk: Uint8Array) => {
      if (!subscriber.closed) check.chunk(chunk);
      if (pace === 0) return;
      stream.pause();
      setTimeout(() => stream.resume(), pace);
    });
    stream.on('end', () => {
      check.end();
      subscriber.complete();
    });
    stream.on('error', error => subscriber.error(error));
    return () => stream.destroy();
  });
}
