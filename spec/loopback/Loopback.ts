import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { until } from './until.js';

/** A server on a free port of 127.0.0.1 that knows its connections. */
export class Loopback {
  readonly host: string;
  readonly port: number;
  /** TCP connections accepted so far. */
  connections = 0;
  /** Those that are open. */
  readonly open = new Set<Socket>();
  readonly #server: Server;

  private constructor(server: Server) {
    const { address, port } = server.address() as AddressInfo;
    this.host = address;
    this.port = port;
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.connections++;
      this.open.add(socket);
      // A peer that resets is part of the tests.
      socket.on('error', () => undefined);
      socket.on('close', () => this.open.delete(socket));
    });
  }

  static async start(server: Server, host = '127.0.0.1', port = 0): Promise<Loopback> {
    server.listen(port, host);
    await once(server, 'listening');
    return new Loopback(server);
  }

  /** Resolves when no connection is open. */
  async quiet(): Promise<void> {
    await until(() => this.open.size === 0, `no open connection, but there are ${this.open.size}`);
  }

  /** Destroys what is open, resolves when the port is free again. */
  async close(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }
}
