import { createServer, type Server } from 'node:http';
import { gzipSync } from 'node:zlib';

/** What the examples of the pages ask: a small site that does what servers do. */
export function site(): Server {
  const seen = new Map<string, number>();
  return createServer((request, response) => {
    const url = new URL(request.url!, 'http://localhost');
    const json = (value: unknown, status = 200): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString();
      const { authorization, cookie } = request.headers;
      switch (url.pathname) {
        case '/users/1':
          return json({ id: 1, name: 'Ada' });
        case '/echo':
          return json({ method: request.method, query: url.search, type: request.headers['content-type'], body });
        case '/private':
          return json({ authorization, cookie }, authorization === undefined ? 401 : 200);
        case '/moved':
          return response.writeHead(302, { Location: '/users/1' }).end();
        case '/gone':
          return json({ error: 'gone' }, 410);
        case '/login':
          return response.writeHead(200, { 'Set-Cookie': 'session=s1; Path=/' }).end('welcome');
        case '/flaky': {
          const times = (seen.get(url.search) ?? 0) + 1;
          seen.set(url.search, times);
          return times < 3 ? json({ error: 'busy' }, 503) : json({ times });
        }
        case '/zipped':
          return response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync('plain text'));
        case '/large':
          return response.end(Buffer.alloc(1_000_000, 'x'));
        case '/slow':
          return void setTimeout(() => response.end('late'), 500).unref();
        default:
          return json({ error: 'not found' }, 404);
      }
    });
  });
}
