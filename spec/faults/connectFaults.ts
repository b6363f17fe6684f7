import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  blackhole,
  ca,
  certificate,
  rawServer,
  tlsServer,
  type Blackhole,
  type CertificateName,
} from '../loopback/index.js';
import type { Endpoint } from '../../src/endpoint/index.js';
import type { ConnectFaultName } from './faults.js';
import type { Library } from './Library.js';

/** Where a dial goes wrong. */
export interface Trap {
  readonly endpoint: Endpoint;
  close(): Promise<void>;
}

/** How long the dials may take that nobody answers, in ms. */
const connectTimeout = 150;

/** The port that answers nothing is one for all: it takes a thread, and a while to be filled. */
let hole: Promise<Blackhole> | undefined;

export async function blackholePort(): Promise<number> {
  return (await (hole ??= blackhole())).port;
}

export async function closeBlackhole(): Promise<void> {
  await (await hole)?.close();
  hole = undefined;
}

export async function trapOf(fault: ConnectFaultName, { tcp, tls }: Library): Promise<Trap> {
  const over = async (onConnection: (socket: Socket) => void): Promise<Trap> => {
    const server = await rawServer(onConnection);
    return {
      endpoint: tls({ host: 'localhost', port: server.port, ca, connectTimeout: 5_000 }),
      close: () => server.close(),
    };
  };
  const presenting = async (name: CertificateName): Promise<Trap> => {
    const server = await tlsServer(undefined, certificate(name));
    return { endpoint: tls({ host: 'localhost', port: server.port, ca }), close: () => server.close() };
  };
  switch (fault) {
    case 'refused connect': {
      // The port of a client: nobody listens on it, and while it is in use no server of another cell is given it.
      const server = await rawServer();
      const client = connect(server.port, server.host);
      await once(client, 'connect');
      return { endpoint: tcp({ host: '127.0.0.1', port: client.localPort! }), close: () => server.close() };
    }
    case 'blackholed connect': {
      const port = await blackholePort();
      return { endpoint: tcp({ host: '127.0.0.1', port, connectTimeout }), close: async () => undefined };
    }
    case 'plain HTTP on a TLS port':
      return over(socket =>
        socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')),
      );
    case 'FIN in the handshake':
      return over(socket => socket.on('data', () => socket.end()));
    case 'RST in the handshake':
      return over(socket => socket.on('data', () => socket.resetAndDestroy()));
    case 'stall in the handshake': {
      const server = await rawServer(socket => socket.on('data', () => undefined).on('end', () => socket.end()));
      return {
        endpoint: tls({ host: 'localhost', port: server.port, ca, connectTimeout }),
        close: () => server.close(),
      };
    }
    case 'certificate of another host':
      return presenting('wrong-host');
    case 'expired certificate':
      return presenting('expired');
    case 'self-signed certificate':
      return presenting('self-signed');
    case 'client certificate refused': {
      const server = await tlsServer(undefined, { requestCert: true, ca, minVersion: 'TLSv1.3' });
      return { endpoint: tls({ host: 'localhost', port: server.port, ca }), close: () => server.close() };
    }
    case 'no common TLS version': {
      const server = await tlsServer(undefined, { maxVersion: 'TLSv1.2' });
      const endpoint = tls({ host: 'localhost', port: server.port, ca, minVersion: 'TLSv1.3' });
      return { endpoint, close: () => server.close() };
    }
  }
}
