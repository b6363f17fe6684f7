import type { TransportSink } from './Transport.js';
import { giveReadBuffer, takeReadBuffer } from './ReadBuffers.js';

/** The stream behind an inbox: a `net.Socket` or another Duplex. */
export interface Valve {
  pause(): unknown;
  resume(): unknown;
}

/**
 * The reading half of a transport: what has arrived, in order, for whoever reads. It exists before the transport does,
 * because a socket must be given its read callback when it is created and bytes may come before anybody asks.
 *
 * Whatever a sink does from inside a call (`pause`, `destroy`, another `read`, `unshift`), it is never called again
 * before it has returned; what cannot be delivered now is held (copied, if the bytes are on the shared buffer) and
 * delivered from a microtask when it can.
 */
export class Inbox {
  #valve: Valve | undefined;
  #sink: TransportSink | undefined;
  #paused = false;
  /** Inside a call of a sink. */
  #busy = false;
  #scheduled = false;
  /** Bytes were put back for whoever reads next: they wait for `read` or `resume`. */
  #parked = false;
  /** Bytes that could not be delivered when they came, oldest first. */
  readonly #held: Uint8Array[] = [];
  #ended: 'no' | 'untold' | 'told' = 'no';
  #closed: { readonly error: Error | undefined } | undefined;
  /** The sink that was told of the close; one that replaces it is told as well. */
  #toldOfClose: TransportSink | undefined;
  /** Destroyed from this side: nothing but `closed` is of interest. */
  #discarded = false;
  /** What arrives is held until the close, which is known to come. */
  #keeping = false;
  #own = false;
  #buffer: Buffer | undefined;

  attach(valve: Valve): void {
    this.#valve = valve;
  }

  /**
   * Bytes came. `shared`: the view is on a buffer that is overwritten when this returns.
   *
   * @returns false if the stream shall stop reading
   */
  arrived(view: Uint8Array, shared: boolean): boolean {
    const sink = this.#sink;
    if (this.#discarded) return false;
    if (this.#keeping) {
      this.#held.push(shared ? Buffer.from(view) : view);
      return true;
    }
    // Bytes do come after a pause: one TLS read may hold several records, and Node hands them all on.
    if (sink === undefined || this.#paused || this.#busy || this.#held.length > 0) {
      this.#held.push(shared ? Buffer.from(view) : view);
      return false;
    }
    this.#busy = true;
    try {
      sink.data(shared && this.#own ? this.#toOwn(view) : view);
    } finally {
      this.#busy = false;
    }
    if (this.#waiting()) this.#schedule();
    return !this.#paused && !this.#discarded;
  }

  /** The peer has finished sending. */
  ended(): void {
    if (this.#ended !== 'no') return;
    this.#ended = 'untold';
    this.#deliver();
  }

  /** The stream is closed and says no more. */
  closed(error: Error | undefined): void {
    if (this.#closed !== undefined) return;
    this.#closed = { error };
    this.#keeping = false;
    // What was held for a paused reader is lost with a connection that failed, and kept if both sides had finished.
    if (error !== undefined && this.#paused) this.discard();
    this.#deliver();
  }

  /** The connection is lost for writing: what still comes is read without regard to the sink, and told with the close. */
  keepUntilClosed(): void {
    this.#keeping = true;
  }

  read(sink: TransportSink): void {
    this.#sink = sink;
    this.#reopen();
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    if (!this.#discarded && this.#closed === undefined) this.#valve?.pause();
  }

  resume(): void {
    if (!this.#paused && !this.#parked) return;
    this.#paused = false;
    this.#reopen();
  }

  unshift(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#discarded) return;
    this.#held.unshift(Buffer.from(bytes));
    this.#parked = true;
  }

  ownBuffer(on: boolean): void {
    this.#own = on;
    if (!on) this.#giveBack();
  }

  /** Drops what is held and whatever still comes. */
  discard(): void {
    this.#discarded = true;
    this.#held.length = 0;
    this.#ended = 'told';
    if (this.#closed !== undefined) this.#schedule();
  }

  /**
   * The read went to the shared buffer and is copied: it costs 1.2 µs for 64 KiB and no allocation, and the
   * private buffer is thereby never registered with the kernel read of a socket that has given it away, nor written to
   * by the further records of a TLS read while its view must stay valid.
   */
  #toOwn(view: Uint8Array): Uint8Array {
    const buffer = (this.#buffer ??= takeReadBuffer());
    if (view.length > buffer.length) return Buffer.from(view);
    buffer.set(view);
    return buffer.subarray(0, view.length);
  }

  #giveBack(): void {
    if (this.#buffer !== undefined) giveReadBuffer(this.#buffer);
    this.#buffer = undefined;
  }

  #reopen(): void {
    this.#parked = false;
    if (this.#waiting()) this.#schedule();
    else this.#open();
  }

  #open(): void {
    if (!this.#flowing() || this.#ended !== 'no' || this.#closed !== undefined) return;
    this.#valve?.resume();
  }

  #flowing(): boolean {
    if (this.#paused || this.#parked || this.#keeping) return false;
    return this.#sink !== undefined && this.#sink !== this.#toldOfClose;
  }

  #waiting(): boolean {
    return this.#held.length > 0 || this.#ended === 'untold' || this.#closed !== undefined;
  }

  /** A sink is never called from inside `read` or `resume`: its owner may not be ready for it. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.#busy) return this.#schedule();
    this.#busy = true;
    try {
      // Everything is looked up again after each call, which may have changed it.
      while (this.#flowing()) {
        const view = this.#held.shift();
        if (view !== undefined) this.#sink?.data(view);
        else if (this.#ended === 'untold') {
          this.#ended = 'told';
          this.#sink?.end();
        } else break;
      }
      if (this.#closed !== undefined) this.#close(this.#closed.error);
    } finally {
      this.#busy = false;
    }
    this.#open();
  }

  #close(error: Error | undefined): void {
    const sink = this.#sink;
    if (this.#held.length > 0 || this.#ended === 'untold') return;
    // The private buffer stays with whoever works on a view of it yet: only `ownBuffer(false)` says that nobody does.
    if (sink === undefined || sink === this.#toldOfClose) return;
    this.#toldOfClose = sink;
    sink.closed(error);
  }
}
