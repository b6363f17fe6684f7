import type { Duplex } from 'node:stream';
import type { Inbox } from './Inbox.js';
import { TransportDuplex } from './TransportDuplex.js';
import type { Transport, TransportInfo, TransportSink } from './Transport.js';

/**
 * What all transports over a Node stream have in common: the writing half, the events, and the inbox that orders the
 * reading half. The listeners on the stream are attached once, whoever reads.
 */
export abstract class StreamTransport implements Transport {
  readonly info: TransportInfo;
  readonly #stream: Duplex;
  readonly #inbox: Inbox;
  #drained: (() => void)[] = [];
  #handedOver = false;

  constructor(stream: Duplex, inbox: Inbox, info: TransportInfo) {
    this.info = info;
    this.#stream = stream;
    this.#inbox = inbox;
    stream.on('end', () => inbox.ended());
    stream.on('drain', () => this.#drain());
    stream.on('error', error => {
      // Told now, not at 'close', which comes a turn of the event loop later: by then a pool might have lent the
      // connection. Nothing follows an error but 'close'.
      this.#lost(error);
      // A stream without autoDestroy would stay open.
      stream.destroy();
    });
    stream.on('close', () => this.#lost(undefined));
    inbox.attach(stream);
    // Both may have happened before this transport was made, and their events do not come again.
    if (stream.readableEnded) inbox.ended();
    if (stream.closed) inbox.closed(stream.errored ?? undefined);
  }

  read(sink: TransportSink): void {
    this.#inbox.read(sink);
  }

  write(bytes: Uint8Array | string): boolean {
    const stream = this.#stream;
    // An empty write is not forwarded: on TLS it would make Node read, and call `data` inside `data`.
    if (bytes.length === 0) return !stream.writableNeedDrain;
    // After `end`, an error or a close: `closed` tells, and `drained` would never call back. A write that failed takes
    // no more, lest the rest of an upload counts as written until then.
    if (!stream.writable) return stream.errored === null;
    return typeof bytes === 'string' ? stream.write(bytes, 'latin1') : stream.write(bytes);
  }

  drained(callback: () => void): void {
    if (!this.#stream.writable) return;
    this.#drained.push(callback);
    if (!this.#stream.writableNeedDrain) queueMicrotask(() => this.#drain());
  }

  ownBuffer(on: boolean): void {
    this.#inbox.ownBuffer(on);
  }

  unshift(bytes: Uint8Array): void {
    this.#inbox.unshift(bytes);
  }

  pause(): void {
    this.#inbox.pause();
  }

  resume(): void {
    this.#inbox.resume();
  }

  ref(): void {
    (this.#stream as Partial<RefCounted>).ref?.();
  }

  unref(): void {
    (this.#stream as Partial<RefCounted>).unref?.();
  }

  end(): void {
    if (this.#stream.writable) this.#stream.end();
  }

  destroy(error?: Error): void {
    this.#drained = [];
    this.#inbox.discard();
    this.#stream.destroy(error);
  }

  toDuplex(): Duplex {
    if (this.#handedOver) throw new Error('The transport was handed over already: toDuplex() may be called once');
    this.#handedOver = true;
    return new TransportDuplex(this);
  }

  #lost(error: Error | undefined): void {
    this.#drained = [];
    this.#inbox.closed(error);
  }

  #drain(): void {
    if (this.#drained.length === 0) return;
    const callbacks = this.#drained;
    this.#drained = [];
    for (const callback of callbacks) callback();
  }
}

interface RefCounted {
  ref(): void;
  unref(): void;
}
