import { Agent } from 'node:http';
import got from 'got';
import { checkText, headers } from './common.mjs';

export function get({ origin, path = '/json', connections = 50 }) {
  const agent = { http: new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections }) };
  // No more than the others do: no retry, no redirect, no decompression.
  const client = got.extend({ agent, headers, retry: { limit: 0 }, followRedirect: false, decompress: false });
  const url = origin + path;
  return { start: done => client(url, { responseType: 'text' }).then(({ body }) => checkText(body, done), done) };
}
