import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join, basename } from 'node:path';

// backend FOLDER PORT: the application behind the servers that run none; it also serves the files, for those that serve
// none. `python/site.py` answers the same.
//
// /app/id?id=I       the request line's method, id and path as text; every second one in chunks, with a pause for `slow`
// /app/echo?id=I     what it got of a body: { id, length, sha1 }, and counts that it did
// /app/executions    how often each id was counted
// /app/hints         103 before the answer;  /app/continue  100, for which nobody had asked
// /app/close         an answer that ends its connection

const [folder, port] = process.argv.slice(2);
const executions: Record<string, number> = {};

function application(request: IncomingMessage, response: ServerResponse, path: string, id: string): void {
  const answer = (body: string) => response.setHeader('content-length', body.length).end(body);
  switch (path) {
    case '/app/id': {
      const body = `${request.method} ${id} ${request.url}`;
      response.setHeader('content-type', 'application/octet-stream');
      if (Number(id) % 2 === 0) answer(body);
      else {
        response.write(body.slice(0, 5));
        const rest = () => response.end(body.slice(5));
        // Who passes on what it has read so far must not have the whole.
        if (request.url!.endsWith('slow')) setTimeout(rest, 30);
        else rest();
      }
      return;
    }
    case '/app/echo': {
      executions[id] = (executions[id] ?? 0) + 1;
      const sum = createHash('sha1');
      let length = 0;
      request.on('data', (bytes: Buffer) => {
        length += bytes.length;
        sum.update(bytes);
      });
      request.on('end', () => answer(JSON.stringify({ id, length, sha1: sum.digest('hex') })));
      return;
    }
    case '/app/executions':
      answer(JSON.stringify(executions));
      return;
    case '/app/hints':
      response.writeEarlyHints({ link: '</files/1>; rel=preload' });
      answer('hinted');
      return;
    case '/app/continue':
      response.writeContinue();
      answer('continued');
      return;
    case '/app/close':
      response.setHeader('connection', 'close');
      answer('closing');
      return;
    default:
      response.writeHead(404).end();
  }
}

function file(request: IncomingMessage, response: ServerResponse, path: string): void {
  const name = join(folder, 'files', basename(path));
  const stats = statSync(name, { throwIfNoEntry: false });
  if (stats === undefined) {
    response.writeHead(404, { 'content-length': 0 }).end();
    return;
  }
  const { size, mtimeMs } = stats;
  const etag = `"${size.toString(16)}-${mtimeMs.toString(16)}"`;
  response.setHeader('etag', etag);
  response.setHeader('content-type', name.endsWith('.txt') ? 'text/plain' : 'application/octet-stream');
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304).end();
    return;
  }
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  const [start, end] = range === null ? [0, size - 1] : [Number(range[1]), Number(range[2])];
  if (range !== null) {
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${start}-${end}/${size}`);
  }
  if (request.method === 'HEAD' || size === 0) response.setHeader('content-length', size).end();
  else {
    response.setHeader('content-length', end + 1 - start);
    createReadStream(name, { start, end }).pipe(response);
  }
}

createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const url = new URL(request.url!, 'http://localhost');
  const id = url.searchParams.get('id') ?? '';
  response.setHeader('x-id', id);
  request.on('error', () => undefined); // a client that gave up
  if (url.pathname.startsWith('/files/')) file(request, response, url.pathname);
  else if (url.pathname === '/empty') response.writeHead(204).end();
  else if (url.pathname === '/moved') response.writeHead(302, { location: '/files/1', 'content-length': 0 }).end();
  else application(request, response, url.pathname, id);
}).listen(Number(port), '127.0.0.1', 1_024);
