import { connect, type Socket } from 'node:net';
import type { Loopback } from './Loopback.js';
import { Peer, PeerGone } from './ScriptedServer.js';
import { rawServer } from './rawServer.js';

/** A SOCKS 5 proxy (RFC 1928, 1929). Every name is this machine to it: only a proxy finds `one.test` here. */
export class SocksServer {
  /** `host:port` of each CONNECT, and `user:password` before it if it asked for that. */
  readonly seen: string[] = [];

  private constructor(readonly server: Loopback) {}

  get url(): string {
    return `socks5h://127.0.0.1:${this.server.port}`;
  }

  /** It asks for `username:password`, if given. */
  static async start(credentials?: string): Promise<SocksServer> {
    const socks = new SocksServer(
      await rawServer(
        socket =>
          void serve(socket).catch((error: unknown) => {
            if (!(error instanceof PeerGone)) throw error;
          }),
      ),
    );
    const serve = async (socket: Socket): Promise<void> => {
      const peer = new Peer(socket);
      const [, count] = await peer.bytes(2);
      const methods = await peer.bytes(count);
      const method = credentials === undefined ? 0 : 2;
      if (!methods.includes(method)) return socket.end(Buffer.of(5, 255)) as never;
      await peer.send(Uint8Array.of(5, method));
      if (credentials !== undefined) {
        const name = await peer.bytes((await peer.bytes(2))[1]);
        const password = await peer.bytes((await peer.bytes(1))[0]);
        const given = Buffer.concat([name, Buffer.from(':'), password]).toString();
        socks.seen.push(given);
        await peer.send(Uint8Array.of(1, given === credentials ? 0 : 1));
        if (given !== credentials) return peer.fin();
      }
      const [, , , type] = await peer.bytes(4);
      const address = await peer.bytes(type === 1 ? 4 : type === 4 ? 16 : (await peer.bytes(1))[0]);
      const host = type === 1 ? address.join('.') : type === 4 ? address.toString('hex') : address.toString();
      const port = (await peer.bytes(2)).readUInt16BE();
      socks.seen.push(`${host}:${port}`);
      const onward = connect({ port, host: '127.0.0.1' });
      onward.on('error', () => socket.end(Buffer.of(5, 5, 0, 1, 0, 0, 0, 0, 0, 0)));
      onward.on('connect', () => {
        socket.write(Buffer.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 0));
        socket.removeAllListeners('readable');
        socket.pipe(onward).pipe(socket);
      });
      socket.on('close', () => onward.destroy());
    };
    return socks;
  }

  close(): Promise<void> {
    return this.server.close();
  }
}
