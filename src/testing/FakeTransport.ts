import type { Duplex } from 'node:stream';
import { TransportDuplex, type Transport, type TransportInfo, type TransportSink } from '../endpoint/index.js';
import { readRequests, type SeenRequest } from './readRequests.js';

const readSize = 64 * 1024;
/** What a buffer is filled with as soon as nobody may look at it any more. */
export const scribble = 0xdb;
/** The one buffer that all fake transports read into, as all sockets of a process do. */
const shared = Buffer.alloc(readSize, scribble);

type Held = { readonly bytes: Buffer } | { readonly end: true };

export interface FakeTransportOptions {
  /** `write` returns false from so many bytes buffered until `drain()`. */
  readonly highWaterMark?: number;
  readonly authority?: string;
  /** Sees every write, from inside it. May answer. */
  readonly onWrite?: (bytes: Buffer, transport: FakeTransport) => void;
}

/**
 * A transport over memory, with the peer's side of it as methods. It keeps the contract of `Transport` and abuses all
 * that the contract leaves open: each view is scribbled over as soon as it may be, so that one that is kept shows.
 *
 * No time passes in it but microtasks: what the peer sends is read at once, by whoever reads.
 *
 * @example
 * const transport = new FakeTransport();
 * pool.get('key', of(transport)).pipe(mergeMap(lease => lease.request({ path: '/' }))).subscribe(…);
 * transport.respond('HTTP/1.1 204 No Content\r\n\r\n');
 */
export class FakeTransport implements Transport {
  readonly info: TransportInfo;
  /** `write`s, in order. */
  readonly writes: Buffer[] = [];
  destroyed = false;
  /** `closed` was told. */
  isClosed = false;
  ended = false;
  paused = false;
  refs = 0;
  /** Bytes given to `write` that the peer has not taken; only counted under a high-water mark. */
  buffered = 0;
  /** Responses of the peer that a closed transport never delivered do not count. */
  delivered = 0;
  readonly highWaterMark: number;
  onWrite: FakeTransportOptions['onWrite'];

  #sink: TransportSink | null = null;
  readonly #held: Held[] = [];
  #drained: (() => void)[] = [];
  #own = false;
  #ownBuffer: Buffer | null = null;
  #busy = false;
  #scheduled = false;
  #closing: { readonly error: Error | undefined } | null = null;

  constructor({ highWaterMark = Infinity, authority = 'example.test', onWrite }: FakeTransportOptions = {}) {
    this.info = { authority, secure: false, timings: {} };
    this.highWaterMark = highWaterMark;
    this.onWrite = onWrite;
  }

  /** It has a read buffer to itself, which an idle connection does not need. */
  get hasOwnBuffer(): boolean {
    return this.#own;
  }

  // ---- the peer ----------------------------------------------------------------------------------------------------

  /** All that was written, as latin1. */
  get written(): string {
    return Buffer.concat(this.writes).toString('latin1');
  }

  /** What a server makes of it. */
  get requests(): SeenRequest[] {
    return readRequests(Buffer.concat(this.writes));
  }

  /** The peer sends bytes; they come in reads of up to 64 KiB. A string is latin1. */
  respond(bytes: Uint8Array | string): void {
    const all = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
    for (let at = 0; at < all.length; at += readSize) this.#arrived({ bytes: all.subarray(at, at + readSize) });
  }

  /** The same in reads of one byte each. */
  respondOneByOne(bytes: Uint8Array | string): void {
    for (const byte of typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes) {
      this.respond(Uint8Array.of(byte));
    }
  }

  /** The peer sends FIN. */
  fin(): void {
    this.#arrived({ end: true });
  }

  /** The peer sends RST, or the transport fails otherwise. What a paused reader has not taken is lost. */
  reset(error: Error = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })): void {
    this.#close(error);
  }

  /** The peer takes what was written. */
  drain(): void {
    if (this.destroyed || this.isClosed) return;
    this.buffered = 0;
    for (const callback of this.#drained.splice(0)) callback();
  }

  // ---- Transport ---------------------------------------------------------------------------------------------------

  read(sink: TransportSink): void {
    this.#sink = sink;
    this.#schedule();
  }

  write(bytes: Uint8Array | string): boolean {
    if (this.destroyed || this.isClosed || this.ended) return true;
    const copy = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
    this.writes.push(copy);
    if (this.highWaterMark !== Infinity) this.buffered += copy.length;
    this.onWrite?.(copy, this);
    return this.buffered < this.highWaterMark;
  }

  drained(callback: () => void): void {
    if (this.destroyed || this.isClosed) return;
    this.#drained.push(callback);
    if (this.buffered < this.highWaterMark) queueMicrotask(() => this.drain());
  }

  ownBuffer(on: boolean): void {
    this.#own = on;
    if (!on) this.#letGo();
  }

  unshift(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#held.unshift({ bytes: Buffer.from(bytes) });
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    // The next read may come at once, into the same buffer.
    this.#ownBuffer?.fill(scribble);
    this.#schedule();
  }

  ref(): void {
    this.refs++;
  }

  unref(): void {
    this.refs--;
  }

  end(): void {
    this.ended = true;
  }

  destroy(error?: Error): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#drained = [];
    queueMicrotask(() => this.#close(error));
  }

  toDuplex(): Duplex {
    return new TransportDuplex(this);
  }

  // ---- in between --------------------------------------------------------------------------------------------------

  #arrived(item: Held): void {
    if (this.destroyed || this.isClosed) return;
    this.#held.push(item);
    this.#deliver();
  }

  /** A sink is not called from inside `read` and `resume`. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.#busy) return;
    while (this.#sink !== null && !this.paused && !this.destroyed && this.#closing === null && this.#held.length > 0) {
      const item = this.#held.shift()!;
      this.#busy = true;
      if ('end' in item) this.#sink.end();
      else this.#give(this.#sink, item.bytes);
      this.#busy = false;
    }
    if (this.#closing !== null) this.#tellClosed();
  }

  #give(sink: TransportSink, bytes: Buffer): void {
    this.delivered += bytes.length;
    const own = this.#own;
    const buffer = own ? (this.#ownBuffer ??= Buffer.alloc(readSize, scribble)) : shared;
    const view = buffer.subarray(0, bytes.length);
    view.set(bytes);
    sink.data(view);
    // A private buffer is the reader's as long as it keeps the transport paused.
    if (!own || !this.paused) buffer.fill(scribble, 0, bytes.length);
  }

  #letGo(): void {
    this.#ownBuffer?.fill(scribble);
    this.#ownBuffer = null;
  }

  #close(error: Error | undefined): void {
    if (this.#closing !== null) return;
    this.#closing = { error };
    this.#drained = [];
    if (!this.#busy) this.#tellClosed();
  }

  #tellClosed(): void {
    if (this.isClosed || this.#closing === null) return;
    this.isClosed = true;
    this.#held.length = 0;
    this.#sink?.closed(this.#closing.error);
  }
}
