import type { Socket } from 'node:net';
import { isTLS } from './isTLS.js';
import type { TransportInfo } from './Transport.js';

/** Takes the durations of a dial, in ms, from the events of its socket. */
export class DialClock {
  readonly timings: { -readonly [K in keyof TransportInfo['timings']]: TransportInfo['timings'][K] } = {};
  #last = performance.now();
  // None for an IP address; one for each address found otherwise.
  readonly #lookup = () => (this.timings.dns = this.#lap());
  readonly #connect = () => (this.timings.connect = this.#lap());
  readonly #secureConnect = () => (this.timings.tls = this.#lap());

  constructor(private readonly socket: Socket) {
    socket.on('lookup', this.#lookup);
    socket.on('connect', this.#connect);
    if (isTLS(socket)) socket.on('secureConnect', this.#secureConnect);
  }

  /** The dial is over: the socket keeps nothing of the clock. */
  stop(): void {
    this.socket.off('lookup', this.#lookup);
    this.socket.off('connect', this.#connect);
    this.socket.off('secureConnect', this.#secureConnect);
  }

  #lap(): number {
    const now = performance.now();
    const lap = now - this.#last;
    this.#last = now;
    return lap;
  }
}
