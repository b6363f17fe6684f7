import { createServer, type Socket } from 'node:net';
import { Loopback } from './Loopback.js';

/** A TCP server that does with a connection whatever `onConnection` does. Our side stays open after the client's FIN. */
export function rawServer(
  onConnection: (socket: Socket) => void = () => undefined,
  { host, port }: { readonly host?: string; readonly port?: number } = {},
): Promise<Loopback> {
  return Loopback.start(createServer({ allowHalfOpen: true }, onConnection), host, port);
}
