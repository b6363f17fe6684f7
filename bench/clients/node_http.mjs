import { Agent, request } from 'node:http';
import { checkText, headers } from './common.mjs';

export function get({ origin, path = '/json', connections = 50 }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections });
  const { hostname, port } = new URL(origin);
  const init = { agent, hostname, port, path, headers };
  const start = done => {
    request(init, response => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', chunk => (text += chunk));
      response.on('end', () => checkText(text, done));
      response.on('error', done);
    })
      .on('error', done)
      .end();
  };
  return { start };
}
