import { Duplex } from 'node:stream';
import type { SocksClient } from 'socks';
import { ProxyError } from '../errors/index.js';
import { ownOptions } from './ownOptions.js';
import type { ProxyHandshake, ProxyOutcome } from './through.js';
import type { Transport } from './Transport.js';

export interface SocksDial {
  readonly destination: { readonly host: string; readonly port: number };
  readonly authority: string;
  readonly credentials: { readonly userId?: string; readonly password?: string };
  readonly connectTimeout: number;
}

/**
 * The handshake of the package `socks`. It is given no connection but a stream of our own, and one byte at a time: so it
 * never holds bytes of the server, which it would emit late, behind others; and it closes nothing.
 */
export class SocksHandshake implements ProxyHandshake {
  readonly #client: SocksClient;
  readonly #stream: Duplex;
  readonly #outcome: ProxyOutcome;
  #established = false;
  #failed = false;

  constructor(Client: typeof SocksClient, dial: SocksDial, transport: Transport, outcome: ProxyOutcome) {
    const { destination, authority, credentials, connectTimeout } = dial;
    this.#outcome = outcome;
    const write = (chunk: Buffer, _encoding: string, callback: () => void): void => {
      // Later: a transport may answer from within `write`, when the client has not noted yet what it asked.
      queueMicrotask(() => transport.write(chunk));
      callback();
    };
    // No prototype, here and below, on which others would look for what they do not find.
    this.#stream = new Duplex(ownOptions({ read: () => undefined, write }));
    this.#client = new Client({
      command: 'connect',
      destination: ownOptions(destination),
      proxy: ownOptions({ host: authority, port: 1, type: 5, ...credentials }),
      // A timer of its own, which it never stops. Ours was started before.
      timeout: Math.min(connectTimeout + 1, 2 ** 31 - 1),
    });
    this.#client.once('established', () => (this.#established = true));
    this.#client.on('error', ({ message }) => {
      this.#failed = true;
      // Without a cause: the client's errors hold the password.
      outcome.failed(new ProxyError(`The SOCKS proxy made no connection to ${authority}: ${message}`));
    });
  }

  begin(): void {
    this.#client.connect(this.#stream);
  }

  data(view: Uint8Array): void {
    for (let at = 0; at < view.length && !this.#failed; at++) {
      this.#stream.emit('data', Buffer.of(view[at]));
      if (this.#established) return this.#outcome.done(view.subarray(at + 1));
    }
  }
}
