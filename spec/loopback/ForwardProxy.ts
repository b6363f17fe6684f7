import { createServer, request as forward, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTLSServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { certificate } from './certificate.js';
import { Loopback } from './Loopback.js';

export interface ProxiedRequest {
  readonly method: string;
  /** A URL, or host:port. */
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  /** By which connection it came, from 0. */
  readonly connection: number;
}

export interface ForwardProxyOptions {
  /** Speaks TLS, with the certificate `server`. */
  readonly secure?: boolean;
  /** The one value of Proxy-Authorization that it accepts. */
  readonly authorization?: string;
  readonly port?: number;
}

/** An HTTP proxy, for URLs and for CONNECT. Every name is this machine to it: only a proxy finds `one.test` here. */
export class ForwardProxy {
  readonly requests: ProxiedRequest[] = [];
  /** How many tunnels there were. */
  tunnels = 0;

  private constructor(
    readonly server: Loopback,
    readonly secure: boolean,
  ) {}

  get url(): string {
    return `${this.secure ? 'https' : 'http'}://127.0.0.1:${this.server.port}`;
  }

  static async start({ secure = false, authorization, port = 0 }: ForwardProxyOptions = {}): Promise<ForwardProxy> {
    const server: Server = secure ? createTLSServer(certificate('server')) : createServer();
    server.keepAliveTimeout = 0;
    const connections = new Map<Socket, number>();
    const note = ({ method, url, headers, socket }: IncomingMessage): boolean => {
      const connection = connections.get(socket) ?? connections.size;
      connections.set(socket, connection);
      proxy.requests.push({ method: method!, target: url!, headers, connection });
      return authorization === undefined || headers['proxy-authorization'] === authorization;
    };
    server.on('request', (request: IncomingMessage, response) => {
      if (!note(request)) return response.writeHead(407, { 'content-length': 0 }).end();
      const { port: to, pathname, search } = new URL(request.url!);
      const headers = Object.fromEntries(
        Object.entries(request.headers).filter(([name]) => !/^(proxy-authorization|connection)$/.test(name)),
      );
      const onward = forward({
        agent: false,
        port: to,
        host: '127.0.0.1',
        path: pathname + search,
        method: request.method,
        headers,
      });
      onward.on('response', answer => {
        const { connection: _, ...fields } = answer.headers;
        response.writeHead(answer.statusCode!, fields);
        answer.pipe(response);
      });
      onward.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
      return request.pipe(onward);
    });
    server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      socket.on('error', () => undefined);
      if (!note(request)) return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
      proxy.tunnels++;
      const onward = connect(Number(/:(\d+)$/.exec(request.url!)![1]), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        onward.write(head);
        socket.pipe(onward).pipe(socket);
      });
      onward.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
      socket.on('close', () => onward.destroy());
      return onward;
    });
    const proxy = new ForwardProxy(await Loopback.start(server, '127.0.0.1', port), secure);
    return proxy;
  }

  close(): Promise<void> {
    return this.server.close();
  }
}
