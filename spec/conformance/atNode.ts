import { Agent, request, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { turns } from '../loopback/until.js';
import type { Peer, Row } from './Case.js';

/** As much of a socket as client and server of Node touch. */
export class MemorySocket extends Duplex {
  setKeepAlive(): void {}
  setTimeout(): void {}
  ref(): void {}
  unref(): void {}
}

/** What Node's own client told its caller. */
interface Told {
  outcome: 'complete' | 'upgraded' | 'refused' | 'waiting';
  status: number | null;
  headers: readonly string[] | null;
  body: string;
}

/** What `node:http` of the running Node makes of a row: undefined if that is what the row expects of us. */
export async function askNode([, , sent, expected, scene = {}]: Row): Promise<Peer | undefined> {
  const { method = 'GET', upgrade = false, end } = scene;
  const told: Told = { outcome: 'waiting', status: null, headers: null, body: '' };
  const socket = new MemorySocket({ read() {}, write: (_chunk, _encoding, done) => done() });
  const outcome = (kind: Told['outcome']) => (): void => void (told.outcome = kind);
  const asked = request({
    method,
    path: method === 'CONNECT' ? 'example.test:443' : '/',
    headers: upgrade ? { Connection: 'upgrade', Upgrade: 'x' } : {},
    // Of its own: a socket that was kept is nobody else's.
    agent: Object.assign(new Agent({ keepAlive: true }), { createConnection: () => socket }),
    insecureHTTPParser: false,
  });
  asked.on('error', outcome('refused')).on('upgrade', outcome('upgraded')).on('connect', outcome('upgraded'));
  asked.on('response', (response: IncomingMessage) => {
    told.status = response.statusCode ?? null;
    told.headers = response.rawHeaders;
    response.setEncoding('latin1').on('data', (text: string) => (told.body += text));
    response.on('error', outcome('refused'));
    response.on('end', () => {
      if (told.outcome === 'waiting') told.outcome = 'complete';
    });
  });
  asked.end();
  await turns(2);
  if (sent !== '') socket.push(Buffer.from(sent, 'latin1'));
  if (end === 'FIN') socket.push(null);
  await turns(4);
  if (end === 'RST') socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  await turns(4);
  const peer = compare(told, expected);
  socket.on('error', () => undefined).destroy();
  return peer;
}

function compare(told: Told, expected: Row[3]): Peer | undefined {
  const ours = ['complete', 'upgraded', 'waiting'].includes(expected.outcome ?? '') ? expected.outcome : 'refused';
  if (told.outcome !== ours) {
    return told.outcome === 'refused'
      ? 'refuses'
      : told.outcome === 'waiting'
        ? 'waits'
        : ours === 'refused'
          ? 'accepts'
          : 'differs';
  }
  if (ours !== 'complete') return undefined;
  const same =
    (expected.status == null || expected.status === told.status) &&
    (expected.body === undefined || expected.body === told.body) &&
    (expected.headers == null || JSON.stringify(expected.headers) === JSON.stringify(told.headers));
  return same ? undefined : 'differs';
}
