import type { Duplex } from 'node:stream';
import type { Transport, TransportInfo, TransportSink } from './Transport.js';

/**
 * A transport that speaks another protocol from here on, or to somebody else, waiting to be claimed by `read` or
 * `toDuplex`. Until then it is paused.
 */
export class UpgradedTransport implements Transport {
  #claimed = false;
  /** Whoever is going to claim it wants it paused. */
  #paused = false;
  #closed: { readonly error: Error | undefined } | null = null;

  constructor(
    private readonly transport: Transport,
    private readonly onClaim: () => void,
    private readonly onClosed: () => void,
    /** Who is at the other end, if that is another one now. */
    readonly info: TransportInfo = transport.info,
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

  read(sink: TransportSink): void {
    const opens = !this.#claimed && !this.#paused;
    this.#claim();
    if (this.#closed !== null) {
      sink.closed(this.#closed.error);
      return;
    }
    this.transport.read(sink);
    if (opens) this.transport.resume();
  }

  toDuplex(): Duplex {
    this.#claim();
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
    this.#paused = true;
    this.transport.pause();
  }

  resume(): void {
    this.#paused = false;
    // Before it is claimed nobody would get what comes.
    if (this.#claimed) this.transport.resume();
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

  #claim(): void {
    if (this.#claimed) return;
    this.#claimed = true;
    this.onClaim();
  }
}
