import type { LookupFunction } from 'node:net';
import { Observable } from 'rxjs';
import type { Endpoint, Transport } from '../../../src/endpoint/index.js';
import { rawServer, type Loopback } from '../../loopback/index.js';
import { blackholePort } from '../connectFaults.js';
import type { Library } from '../Library.js';
import { numberOf, type State } from './cells.js';

/** An endpoint that gets as far as the state, and no further. */
export interface Way {
  readonly endpoint: Endpoint;
  /** Whether it has got there. */
  reached(): boolean;
  /** Connections that the server at its end sees open, where there is one. */
  open(): number;
  /** What it waited for comes after all: too late. */
  close(): Promise<void>;
}

/** The way of the first dial, where that is what the state is about. */
export async function wayTo(state: State, { tcp, tls }: Library): Promise<Way | null> {
  switch (numberOf(state)) {
    case 1: {
      const asked: Parameters<LookupFunction>[2][] = [];
      const lookup: LookupFunction = (_host, _options, done) => asked.push(done);
      return {
        endpoint: tcp({ host: 'one.test', port: 1, lookup }),
        reached: () => asked.length > 0,
        open: () => 0,
        close: async () => asked.forEach(done => done(null, [{ address: '127.0.0.1', family: 4 }])),
      };
    }
    case 2: {
      const port = await blackholePort();
      return {
        endpoint: tcp({ host: '127.0.0.1', port }),
        reached: () => true,
        open: () => 0,
        close: async () => undefined,
      };
    }
    case 3: {
      const { server, heard } = await listener();
      return {
        endpoint: tls({ host: '127.0.0.1', port: server.port }),
        reached: heard,
        open: () => server.open.size,
        close: () => server.close(),
      };
    }
    case 4: {
      const { server, heard } = await listener();
      const over = tunnel(tcp({ host: server.host, port: server.port }));
      return {
        endpoint: tls({ host: 'one.test', port: 443, over }),
        reached: heard,
        open: () => server.open.size,
        close: () => server.close(),
      };
    }
    default:
      return null;
  }
}

/** A server that listens, and says nothing. */
async function listener(): Promise<{ server: Loopback; heard: () => boolean }> {
  let bytes = 0;
  const server = await rawServer(socket =>
    socket.on('data', data => (bytes += data.length)).on('end', () => socket.end()),
  );
  return { server, heard: () => bytes > 0 };
}

/** Asks a proxy for a tunnel, as far as the proxies of these specs ever get: they do not answer. */
function tunnel(proxy$: Endpoint): Endpoint {
  return new Observable<Transport>(subscriber => {
    let transport: Transport | null = null;
    const dial = proxy$.subscribe({
      next: value => {
        transport = value;
        transport.read({
          data: () => undefined,
          end: () => subscriber.error(new Error('The proxy has gone')),
          closed: () => subscriber.error(new Error('The proxy has gone')),
        });
        transport.write('CONNECT one.test:443 HTTP/1.1\r\nHost: one.test:443\r\n\r\n');
      },
      error: error => subscriber.error(error),
    });
    return () => {
      dial.unsubscribe();
      transport?.destroy();
    };
  });
}
