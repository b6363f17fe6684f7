// The floor: sockets that write a request and count the bytes of the answer. Nothing is parsed, checked or decoded.
import { connect } from 'node:net';
import { headers } from './common.mjs';

function client({ origin, path = '/json', connections = 50 }, open) {
  const { hostname, port, host } = new URL(origin);
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields.join('')}\r\n`;
  const idle = [];
  const waiting = [];
  let opened = 0;
  let length = 0;

  const use = (peer, done) => {
    peer.done = done;
    peer.left = length;
    peer.socket.write(request, 'latin1');
  };
  const got = (peer, bytes) => {
    // The first answer tells how long all of them are: it comes in one piece.
    if (length === 0) length = peer.left = bytes;
    peer.left -= bytes;
    if (peer.left > 0) return;
    const { done } = peer;
    const next = waiting.shift();
    if (next === undefined) idle.push(peer);
    else use(peer, next);
    done();
  };
  const start = done => {
    const peer = idle.pop();
    if (peer !== undefined) use(peer, done);
    else if (opened < connections) {
      opened++;
      const fresh = { socket: undefined, left: 0, done };
      fresh.socket = open({ host: hostname, port: Number(port), noDelay: true }, bytes => got(fresh, bytes));
      fresh.socket.on('error', error => fresh.done(error));
      fresh.socket.once('connect', () => use(fresh, done));
    } else waiting.push(done);
  };
  return { start };
}

export const data = options => client(options, (to, got) => connect(to).on('data', chunk => got(chunk.length)));

const shared = Buffer.allocUnsafeSlow(65_536);

export const onread = options =>
  client(options, (to, got) =>
    connect({
      ...to,
      onread: {
        buffer: shared,
        callback: length => {
          got(length);
          return true;
        },
      },
    }),
  );
