import type { Duplex } from 'node:stream';
import type { Transport, TransportInfo, TransportSink } from '../endpoint/index.js';

/** A transport whose exchange is over, waiting to be claimed by `read` or `toDuplex`. Until then it is paused. */
export class UpgradedTransport implements Transport {
  #closed: { readonly error: Error | undefined } | null = null;

  constructor(
    private readonly transport: Transport,
    /** Called at each `read` and `toDuplex`. */
    private readonly onClaim: () => void,
    private readonly onClosed: () => void,
  ) {
    transport.pause();
    transport.read({
      // Nothing but `closed` arrives while it is paused, and it is paused until it is claimed.
      data: () => undefined,
      end: () => undefined,
      closed: error => {
        this.#closed = { error };
        this.onClosed();
      },
    });
  }

  get info(): TransportInfo {
    return this.transport.info;
  }

  read(sink: TransportSink): void {
    this.onClaim();
    if (this.#closed !== null) {
      sink.closed(this.#closed.error);
      return;
    }
    this.transport.read(sink);
    this.transport.resume();
  }

  toDuplex(): Duplex {
    this.onClaim();
    return this.transport.toDuplex();
  }

  write(bytes: Uint8Array | string): boolean {
    return this.transport.write(bytes);
  }

  drained(callback: () => void): void {
    this.transport.drained(callback);
  }

  ownBuffer(on: boolean): void {
    this.transport.ownBuffer(on);
  }

  unshift(bytes: Uint8Array): void {
    this.transport.unshift(bytes);
  }

  pause(): void {
    this.transport.pause();
  }

  resume(): void {
    this.transport.resume();
  }

  ref(): void {
    this.transport.ref();
  }

  unref(): void {
    this.transport.unref();
  }

  end(): void {
    this.transport.end();
  }

  destroy(error?: Error): void {
    this.transport.destroy(error);
  }
}
