import type { IncomingMessage, ServerResponse } from 'node:http';

const used = new WeakSet<object>();

/**
 * Answers with what it saw: all that a request can be told apart by, but the address that it came to. By path: /404 has
 * that status, /large is long, /slow takes 20 ms, /truncated ends early, and /die ends a connection that was used before.
 */
export function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  const { method, url, rawHeaders, socket } = request;
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (url === '/die' && used.has(socket)) {
      socket.destroy();
      return;
    }
    used.add(socket);
    if (url === '/truncated') {
      response.setHeader('Content-Length', '10');
      response.write('abc', () => socket.destroy());
      return;
    }
    const fields = rawHeaders.filter(text => !/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(text));
    const body = Buffer.concat(chunks).toString('latin1');
    response.statusCode = url === '/404' ? 404 : 200;
    const answer = (): unknown =>
      response.end(url === '/large' ? 'x'.repeat(200_000) : JSON.stringify({ method, url, fields, body }));
    if (url === '/slow') setTimeout(answer, 20);
    else answer();
  });
}
