import { createServer as createHTTPServer, type RequestListener } from 'node:http';
import { createServer as createHTTPSServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { checksum, content } from './content.js';

// loadServer http|https [key cert]: answers /ID/SIZE with the content of that id and size; POST also checks what it got.
// The connection's number is in `x-connection`. Asked `stats` it sends what it counted.

export interface LoadStats {
  readonly connections: number;
  readonly open: number;
  readonly requests: number;
}

const [scheme, key, cert] = process.argv.slice(2);
const numbers = new WeakMap<Socket, number>();
let connections = 0;
let open = 0;
let requests = 0;

const listener: RequestListener = (request, response) => {
  requests++;
  const [, id, size] = request.url!.split('/').map(Number);
  const body = content(id, size);
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.setHeader('x-id', id);
    response.setHeader('x-connection', numbers.get(request.socket)!);
    response.setHeader('x-checksum', checksum(body));
    if (chunks.length > 0) response.setHeader('x-received', checksum(Buffer.concat(chunks)));
    if (id % 3 === 0)
      response.write(body.subarray(0, size >> 1)); // chunked, in two
    else response.setHeader('content-length', size);
    response.end(id % 3 === 0 ? body.subarray(size >> 1) : body);
  });
};

const server =
  scheme === 'https'
    ? createHTTPSServer({ key, cert, keepAliveTimeout: 0 }, listener)
    : createHTTPServer({ keepAliveTimeout: 0 }, listener);
server.on(scheme === 'https' ? 'secureConnection' : 'connection', (socket: Socket) => {
  open++;
  numbers.set(socket, ++connections);
  socket.on('error', () => undefined);
  socket.on('close', () => open--);
});
server.listen(0, '127.0.0.1', 1_024, () => process.send!((server.address() as AddressInfo).port));
process.on('message', () => process.send!({ connections, open, requests } satisfies LoadStats));
process.on('disconnect', () => process.exit());
