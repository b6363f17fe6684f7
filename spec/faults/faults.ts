import type { Peer } from '../loopback/index.js';
import type { Cell, Phase } from './Cell.js';

/** Whether the server carries on with the exchange after the fault. */
export type Then = 'goes on' | 'is over';
const isOver: Then = 'is over';
const goesOn: Then = 'goes on';

/** Where a fault is committed. */
export interface Scene {
  readonly peer: Peer;
  readonly cell: Cell;
  /** An answer to a request that nobody made, or that is not sent whole yet. */
  answer(status: string, text: string): string;
  /** From here on the script sends byte by byte. */
  slowDown(): void;
}

/** Something that a server or a network does wrong. */
export interface Fault {
  /** Where in an exchange it can be committed, and why nowhere else. */
  readonly phases: readonly Phase[];
  readonly because: string;
  /** It strikes together with what was sent before, not after the client has read that. */
  readonly atOnce?: true;
  commit(scene: Scene): Promise<Then> | Then;
}

const response: readonly Phase[] = [
  'in the status line',
  'in the response head',
  'after the head',
  'mid body',
  'before the last chunk',
];
const exchange: readonly Phase[] = [
  'at accept',
  'before the request is read',
  'in the request head',
  'in the request body',
  'after the request',
  ...response,
];
const connection: readonly Phase[] = [...exchange, 'after the end', 'while idle'];
const gibberish = '\0\x01 no HTTP \xff\r\n\r\n';

/** What a client may let a server send that never ends: mostly what the buffers of the kernel hold. */
const refusedWithin = 32 * 2 ** 20;

async function flood({ peer }: Scene, piece: string): Promise<Then> {
  const sent = await peer.flood(piece.repeat(Math.ceil(65_536 / piece.length)), 2 ** 30);
  if (sent > refusedWithin) throw new Error(`The client let ${sent} bytes come`);
  return isOver;
}

/** Faults of a connection that is there. Those of the connect are in `connectFaults.ts`. */
const committed = checked({
  close: {
    phases: connection,
    because: 'there is a connection to close',
    commit: ({ peer }) => {
      peer.close();
      return isOver;
    },
  },
  reset: {
    phases: connection,
    because: 'there is a connection to reset',
    commit: ({ peer }) => {
      peer.reset();
      return isOver;
    },
  },
  'reset at once': {
    phases: response,
    because: 'only there something was sent just before',
    atOnce: true,
    commit: ({ peer }) => {
      peer.reset();
      return isOver;
    },
  },
  'half-close': {
    phases: connection,
    because: 'there is a connection to close',
    commit: ({ peer }) => {
      peer.fin();
      return isOver;
    },
  },
  stall: {
    phases: exchange,
    because: 'silence after the end is what is expected',
    commit: () => isOver,
  },
  'one byte at a time': {
    phases: ['after the request', ...response],
    because: 'there is a response to cut up',
    commit: ({ slowDown }) => {
      slowDown();
      return goesOn;
    },
  },
  'drips for ever': {
    phases: ['in the status line', 'in the response head', 'mid body'],
    because: 'only there one byte more is always allowed',
    commit: async ({ peer, cell }) => {
      if (cell.phase === 'in the status line') await peer.send('00 ');
      const drop = cell.phase === 'mid body' && cell.framing === 'chunked' ? '1\r\n.\r\n' : 'x';
      for (;;) {
        await peer.send(drop);
        await peer.pause(20);
      }
    },
  },
  gibberish: {
    phases: ['after the request', 'in the status line', 'in the response head', 'before the last chunk'],
    because: 'in a body it would be a body',
    commit: async ({ peer }) => {
      await peer.send(gibberish);
      return isOver;
    },
  },
  'answers early': {
    phases: ['in the request body'],
    because: 'only a request that is not sent whole can be answered early',
    commit: async ({ peer, answer }) => {
      await peer.send(answer('200 OK', 'early'));
      return isOver;
    },
  },
  'refuses early': {
    phases: ['in the request body'],
    because: 'only a request that is not sent whole can be refused early',
    commit: async ({ peer, answer }) => {
      await peer.send(answer('413 Content Too Large', 'early'));
      return isOver;
    },
  },
  'answers unasked': {
    phases: ['at accept', 'while idle'],
    because: 'elsewhere there is a request that it would be an answer to',
    commit: async ({ peer, answer }) => {
      await peer.send(answer('200 OK', 'unasked'));
      return goesOn;
    },
  },
  'answers twice': {
    phases: ['after the end'],
    because: 'the second answer comes after the first',
    commit: async ({ peer, answer }) => {
      await peer.send(answer('200 OK', 'twice'));
      return isOver;
    },
  },
  'a million fields': {
    phases: ['in the response head', 'before the last chunk'],
    because: 'there are fields in heads and in trailers',
    commit: async scene => {
      await scene.peer.send(scene.cell.phase === 'before the last chunk' ? '0\r\n' : 'type: text/plain\r\n');
      return flood(scene, 'a:\r\n');
    },
  },
  'an endless field': {
    phases: ['in the status line', 'in the response head', 'before the last chunk'],
    because: 'there are fields in heads and in trailers, and a status line can be as long',
    commit: async scene => {
      if (scene.cell.phase === 'before the last chunk') await scene.peer.send('0\r\nX-Endless: ');
      if (scene.cell.phase === 'in the status line') await scene.peer.send('00 ');
      if (scene.cell.phase === 'in the response head') await scene.peer.send('Type: ');
      return flood(scene, 'x');
    },
  },
  'endless 1xx': {
    phases: ['after the request'],
    because: '1xx responses come before the final one',
    commit: scene => flood(scene, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'),
  },
  'endless chunk extensions': {
    phases: ['mid body'],
    because: 'there are chunks',
    commit: async scene => {
      await scene.peer.send('5');
      return flood(scene, ';name=value');
    },
  },
  'endless trailers': {
    phases: ['before the last chunk'],
    because: 'trailers come after the last chunk',
    commit: async scene => {
      await scene.peer.send('0\r\n');
      return flood(scene, `X-Trailer: ${'x'.repeat(80)}\r\n`);
    },
  },
  // How these two lie stands in `messageOf`, as it is the head, or a chunk's, that lies.
  'says less than it sends': {
    phases: ['mid body', 'after the end'],
    because: 'there is a length to lie about; that of an answer to HEAD is 0',
    commit: async ({ peer, cell }) => {
      if (cell.phase === 'after the end') await peer.send('a body all the same');
      return goesOn;
    },
  },
  'says more than it sends': {
    phases: ['mid body'],
    because: 'there is a length to lie about',
    commit: () => goesOn,
  },
});

/** Keeps the names. */
function checked<K extends string>(all: Record<K, Fault>): Readonly<Record<K, Fault>> {
  return all;
}

/** What can go wrong before there is a connection; how stands in `connectFaults.ts`. */
export const connectFaultNames = [
  'refused connect',
  'blackholed connect',
  'plain HTTP on a TLS port',
  'FIN in the handshake',
  'RST in the handshake',
  'stall in the handshake',
  'certificate of another host',
  'expired certificate',
  'self-signed certificate',
  'client certificate refused',
  'no common TLS version',
] as const;

export type ConnectFaultName = (typeof connectFaultNames)[number];
export type CommittedFaultName = keyof typeof committed;
export type FaultName = CommittedFaultName | ConnectFaultName;

export { committed as faults };
export const faultNames: readonly FaultName[] = [
  ...(Object.keys(committed) as CommittedFaultName[]),
  ...connectFaultNames,
];

export function isConnectFault(name: FaultName): name is ConnectFaultName {
  return !Object.hasOwn(committed, name);
}
