import type { Duplex } from 'node:stream';
import type { Observable } from 'rxjs';

/** How a connection came about. Durations are in ms. */
export interface TransportInfo {
  /** `host` or `host:port` that was dialled, the port left out if it is the scheme's own; the default `Host` header. */
  readonly authority: string;
  readonly secure: boolean;
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  /** The protocol agreed on by ALPN, if there was one. */
  readonly alpn?: string;
  /** TLS: the peer's certificate was verified. */
  readonly authorized?: boolean;
  /** TLS: an earlier session was resumed. */
  readonly resumed?: boolean;
  /** `tunnel`: from the connection to a proxy to its agreement. `dns` and `connect` are then those of the proxy. */
  readonly timings: {
    readonly dns?: number;
    readonly connect?: number;
    readonly tunnel?: number;
    readonly tls?: number;
  };
}

/** Who reads a transport. */
export interface TransportSink {
  /** Bytes arrived. `view` is valid during the call only: it is a window on a buffer that all sockets share. */
  data(view: Uint8Array): void;
  /** The peer has finished sending (FIN, TLS close_notify). Our side stays open. */
  end(): void;
  /** Exactly once, last, also after `destroy`. With an error if the transport was lost. */
  closed(error?: Error): void;
}

/**
 * A byte transport, as an endpoint emits it: narrow on purpose, and not a stream, so that reading costs no allocation.
 *
 * Gotcha: after `pause()`, also from inside `data`, nothing but `closed` arrives until `resume()`.
 */
export interface Transport {
  /** Sets who reads; a second call replaces the sink. */
  read(sink: TransportSink): void;
  /** A string is written as latin1. False: buffered above the high-water mark, wait for `drained`. */
  write(bytes: Uint8Array | string): boolean;
  /** Calls back once, when all that was written has been handed on; never after `closed`. */
  drained(callback: () => void): void;
  /** On: later views are of a private buffer, and stay valid while the transport is paused. */
  ownBuffer(on: boolean): void;
  /** Gives bytes (copied) to the next sink or Duplex, before anything else. */
  unshift(bytes: Uint8Array): void;
  pause(): void;
  resume(): void;
  /** Keeps the process alive, or not. */
  ref(): void;
  unref(): void;
  /** Half-closes: our side has finished sending. */
  end(): void;
  destroy(error?: Error): void;
  readonly info: TransportInfo;
  /** Hands the transport over as a Node stream: for upgrades, CONNECT and TLS inside a tunnel. */
  toDuplex(): Duplex;
}

/**
 * How a server is reached: subscribe = dial, `next` = ready for HTTP bytes (TLS: handshake done and verified), then
 * complete; unsubscribe before = abort the dial, after = nothing. Errors are `ConnectError`s.
 */
export type Endpoint = Observable<Transport>;
