import type { RequestListener } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import { certificate } from './certificate.js';
import { Loopback } from './Loopback.js';

/** A `node:https` server with the certificate `server`. Idle connections stay open until `close()`. */
export function httpsServer(handler: RequestListener, options: ServerOptions = {}): Promise<Loopback> {
  return Loopback.start(createServer({ ...certificate('server'), keepAliveTimeout: 0, ...options }, handler));
}
