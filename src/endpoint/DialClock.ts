import type { Socket } from 'node:net';
import type { TransportInfo } from './Transport.js';

/** Takes the durations of a dial, in ms, from the events of its socket. */
export class DialClock {
  readonly timings: { -readonly [K in keyof TransportInfo['timings']]: TransportInfo['timings'][K] } = {};
  #last = performance.now();

  constructor(socket: Socket) {
    // None for an IP address; one for each address found otherwise.
    socket.once('lookup', () => (this.timings.dns = this.#lap()));
    socket.once('connect', () => (this.timings.connect = this.#lap()));
    socket.once('secureConnect', () => (this.timings.tls = this.#lap()));
  }

  #lap(): number {
    const now = performance.now();
    const lap = now - this.#last;
    this.#last = now;
    return lap;
  }
}
