import { Duplex } from 'node:stream';
import { ownOptions } from './ownOptions.js';
import type { Transport } from './Transport.js';

/**
 * A transport as a Node stream, for those who want one: the user of an upgrade or a CONNECT, and TLS inside a tunnel.
 * Backpressure and half-close go both ways; destroying either side destroys the other.
 */
export class TransportDuplex extends Duplex {
  readonly #transport: Transport;
  #peerEnded = false;

  constructor(transport: Transport) {
    super(ownOptions({ allowHalfOpen: true })); // Node would take methods off a prototype
    this.#transport = transport;
    transport.ownBuffer(false);
    transport.read({
      data: view => {
        // Copied: the view is on the shared buffer, a reader of a stream keeps what it gets. Not by `Buffer.from`, whose
        // memory is a part of what other buffers lie in.
        if (!this.push(Uint8Array.prototype.slice.call(view))) transport.pause();
      },
      end: () => {
        this.#peerEnded = true;
        this.push(null);
      },
      closed: error => this.#lost(error),
    });
    // Nothing flows before somebody reads: the stream's first `_read` opens it.
    transport.pause();
  }

  override _read(): void {
    this.#transport.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    // If the transport closes first, `drained` never calls back: `closed` destroys this stream, which fails the write.
    if (this.#transport.write(chunk)) callback();
    else this.#transport.drained(callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#transport.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // After both ends the transport closes by itself; destroyed now, it would lose what it has not flushed yet.
    if (error !== null || !this.readableEnded || !this.writableFinished) this.#transport.destroy(error ?? undefined);
    callback(error);
  }

  #lost(error: Error | undefined): void {
    // After a regular end the reader may still have bytes to read: destroying would drop them.
    if (error === undefined && this.#peerEnded) this.end();
    else this.destroy(error);
  }
}
