import { createServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { certificate } from './certificate.js';
import { Loopback } from './Loopback.js';

/** A TLS server with the certificate `server`, that does with a connection whatever `onConnection` does. */
export function tlsServer(
  onConnection: (socket: TLSSocket) => void = () => undefined,
  { host, ...options }: TlsOptions & { readonly host?: string } = {},
): Promise<Loopback> {
  const server = createServer({ ...certificate('server'), allowHalfOpen: true, ...options }, socket => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.on('tlsClientError', () => undefined);
  return Loopback.start(server, host);
}
