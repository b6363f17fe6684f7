import { createServer, type RequestListener, type ServerOptions } from 'node:http';
import { Loopback } from './Loopback.js';

/** A `node:http` server. Idle connections stay open until `close()`. */
export function httpServer(handler: RequestListener, options: ServerOptions = {}): Promise<Loopback> {
  return Loopback.start(createServer({ keepAliveTimeout: 0, ...options }, handler));
}
