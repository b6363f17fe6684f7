import { createServer, type ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { turns } from '../loopback/until.js';
import { askNode, MemorySocket } from './atNode.js';
import { closed, kept, type Peer, type Row, type Scene } from './Case.js';
import { judge } from './judge.js';
import { library } from './library.js';
import { responses } from './tables/index.js';

// The column `node` of the tables, verified on the Node that runs this.

const [major, minor, patch] = process.versions['llhttp']!.split('.').map(Number);
const since = major * 10_000 + minor * 100 + patch >= 9_04_03;

function column([, , , , { node } = {}]: Row): Peer | undefined {
  return typeof node === 'object' ? node[since ? 'since' : 'before'] : node;
}

/** Its limits are not settings of a request, and what nobody asked for is asked nowhere. */
const comparable = Object.values(responses)
  .flat()
  .filter(([, , , , scene]) => scene?.limits === undefined && scene?.unsolicited !== true);

describe('node:http on the same bytes', () => {
  it('P0, P3 does what the tables say: where both accept, they read the same', async () => {
    const title = ([rule, what]: Row, peer: Peer | undefined) => `${rule} ${what}: ${peer ?? 'the same'}`;
    const found = await Promise.all(comparable.map(async row => title(row, await askNode(row))));
    expect(found).toEqual(comparable.map(row => title(row, column(row))));
  }, 30_000);

  it('P0 is nowhere stricter, nor undici, but for a reason', () => {
    const unreasoned = Object.values(responses)
      .flat()
      .filter(([, , , , { node, undici, why } = {}]) => {
        const peers = [undici, ...(typeof node === 'object' ? [node.before, node.since] : [node])];
        return why === undefined && peers.some(peer => peer === 'refuses' || peer === 'differs');
      });
    expect(unreasoned.map(([rule, what]) => `${rule} ${what}`)).toEqual([]);
  });

  it('P2 is laxer in these, and we are not', () => {
    const laxer = comparable.filter(
      row => ['accepts', 'waits'].includes(column(row) ?? '') && row[3].outcome !== 'complete',
    );
    expect([...new Set(laxer.map(([rule]) => rule))].filter(rule => rule.startsWith('F'))).toEqual(
      [
        'F4',
        'F8',
        'F9',
        ...(since ? [] : ['F10']),
        'F11',
        'F14',
        'F18',
        'F19',
        'F21',
        ...(since ? [] : ['F26']),
      ].concat(['F28', 'F29', 'F30', 'F31']),
    );
  });
});

describe('P1 What the server of Node writes is accepted, in whatever pieces', () => {
  type Answer = readonly [what: string, write: (response: ServerResponse) => void, expected: Row[3], scene?: Scene];
  const body = { body: 'hello' };
  const answers: readonly Answer[] = [
    ['a length', response => response.setHeader('Content-Length', 5).end('hello'), kept(body)],
    ['a length by itself', response => response.end('hello'), kept(body)],
    ['chunks', response => (response.write('hel'), response.end('lo')), kept(body)],
    [
      'chunks and trailers',
      response => {
        response.setHeader('Trailer', 'X-Sum');
        response.write('hello');
        response.addTrailers({ 'X-Sum': '42' });
        response.end();
      },
      kept({ ...body, trailers: ['X-Sum', '42'] }),
    ],
    ['close', response => response.setHeader('Connection', 'close').end('hello'), closed(body)],
    ['204', response => response.writeHead(204).end(), kept({ status: 204, body: '' })],
    ['304', response => response.writeHead(304, { 'Content-Length': 5 }).end(), kept({ status: 304, length: 5 })],
    ['HEAD', response => response.setHeader('Content-Length', 5).end(), kept({ length: 5 }), { method: 'HEAD' }],
    ['HEAD, chunked', response => response.end('hello'), kept({ body: '' }), { method: 'HEAD' }],
    ['100', response => (response.writeContinue(), response.end('hello')), kept({ ...body, informational: [100] })],
    ['102', response => (response.writeProcessing(), response.end('hello')), kept({ ...body, informational: [102] })],
    [
      '103',
      response => (response.writeEarlyHints({ link: '</a>; rel=preload' }), response.end('hello')),
      kept({ ...body, informational: [103] }),
    ],
    ['no reason', response => response.writeHead(200, '').end('hello'), kept({ ...body, statusText: '' })],
    ['another status', response => response.writeHead(599, 'Odd').end('hello'), kept({ ...body, status: 599 })],
    [
      'many cookies',
      response => response.setHeader('Set-Cookie', Array(300).fill('a=b') as string[]).end('hello'),
      kept(body),
    ],
  ];

  it.each(answers.map(([what, write, expected, scene]) => ({ what, write, expected, scene })))(
    '$what',
    async ({ what, write, expected, scene }) => {
      const socket = new MemorySocket({ read() {}, write: (chunk, _encoding, done) => (written.push(chunk), done()) });
      const written: Buffer[] = [];
      const server = createServer((_request, response) => write(response));
      server.emit('connection', socket);
      socket.push(`${scene?.method ?? 'GET'} / HTTP/1.1\r\nHost: a\r\n\r\n`);
      await turns(4);
      await judge(library, ['P1', what, Buffer.concat(written).toString('latin1'), expected, scene]);
      socket.destroy();
    },
  );
});
