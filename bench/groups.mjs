// How each group of rows is measured: which clients, what they do, for how long.
import { join } from 'node:path';
import { Child, clientNode, home, startServer, startTwisted, startWorker } from './lib/children.mjs';
import { installed, startNginx } from './lib/nginx.mjs';
import { awake } from './lib/machine.mjs';
import { rotate } from './lib/rotation.mjs';
import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

const MiB = 2 ** 20;

const few = [
  'rxjs-http-pool',
  'rxjs-http-pool again',
  'rxjs-http-pool, firstValueFrom',
  'undici.request',
  'undici.dispatch',
  'net.Socket, data',
  'net.Socket, onread',
];
const all = [...few, 'undici.fetch', 'node:http Agent', 'got', 'axios', '@nestjs/axios'];

/** Starts a server and workers, gives them their slots, and ends them. */
async function compared(names, plan, { options = () => ({}), server, ports = 1, more = async () => [] }) {
  const own = server === undefined ? await startServer(ports) : undefined;
  const origins = own?.origins ?? [server.origin];
  const workers = [];
  try {
    for (const name of names) workers.push(await startWorker(name, { origin: origins[0], ...options(origins) }));
    workers.push(...(await more(origins[0])));
    return await rotate(workers, { ...plan, server: own?.child });
  } finally {
    for (const worker of workers) await worker.stop();
    await own?.child.stop();
    await server?.stop();
  }
}

async function requests(names, concurrency, { rotations }, options = {}) {
  const plan = { rotations, slot: { concurrency, ms: 150 }, warmUp: { concurrency: 50, ms: 1_500 } };
  return compared(names, plan, options);
}

const pythonWithTwisted = () =>
  existsSync('/usr/bin/python3') && spawnSync('/usr/bin/python3', ['-c', 'import twisted']).status === 0;

async function download(path, size, { transfers }) {
  const names = ['discard', 'pull', 'bytes', 'body'].map(kind => `rxjs-http-pool ${kind}`);
  const plan = { rotations: transfers, slot: { concurrency: 1, ms: 200 }, warmUp: { ms: 500 } };
  return compared([...names, 'undici.stream'], plan, { options: () => ({ path, size }) });
}

async function upload(size, { transfers }) {
  const plan = { rotations: transfers, slot: { concurrency: 1, ms: 200 }, warmUp: { ms: 500 } };
  return compared(['rxjs-http-pool upload', 'undici.request upload'], plan, { options: () => ({ size }) });
}

/** Fresh processes in turn, each asked one thing. */
async function inTurn(names, times, once) {
  const samples = new Map(names.map(name => [name, []]));
  for (let at = 0; at < times; at++) {
    for (const name of at % 2 === 0 ? names : [...names].reverse()) samples.get(name).push(await once(name));
  }
  return { samples };
}

async function idle({ processes, idleConnections }) {
  const { child, origins } = await startServer();
  try {
    return await inTurn(['rxjs-http-pool idle', 'undici idle'], processes, async name => {
      const worker = await startWorker(name, { origin: origins[0] }, { flags: ['--expose-gc'] });
      const answer = await worker.ask({ connections: idleConnections });
      await worker.stop();
      return answer;
    });
  } finally {
    await child.stop();
  }
}

async function start({ starts }) {
  const { child, origins } = await startServer();
  try {
    return await inTurn(['rxjs-http-pool', 'undici'], starts, async name => {
      const process = new Child(1, clientNode(), [join(home, 'clients', 'first_request.mjs'), name, origins[0]]);
      return process.line();
    });
  } finally {
    await child.stop();
  }
}

async function growth({ rotations }) {
  const sizes = {
    keys: [1, 10_000],
    'bare keys': [1, 10_000],
    waiters: [10, 10_000],
    'bare waiters': [10, 10_000],
    connections: [10, 5_000],
  };
  const questions = Object.entries(sizes).flatMap(([kind, both]) =>
    both.map(size => ({ kind, size, operations: 50_000 })),
  );
  const samples = new Map(questions.map(({ kind, size }) => [`${size} ${kind}`, []]));
  // Where V8 happens to put things makes a tenth of a difference for as long as a process lives: several are asked.
  const asked = Math.min(rotations, 10);
  for (let round = 0; round < rotations / asked; round++) {
    // One process each, or the collection of what one has left would be at the cost of another.
    const workers = await Promise.all(questions.map(() => startWorker('growth', {})));
    try {
      for (let at = 0; at < asked; at++) {
        for (const [i, name] of [...samples.keys()].entries())
          samples.get(name).push(await workers[i].ask(questions[i]));
      }
    } finally {
      await Promise.all(workers.map(worker => worker.stop()));
    }
  }
  return { samples };
}

async function overTLS(plan) {
  const server = await startNginx();
  if (server === undefined) return undefined;
  return requests(['rxjs-http-pool', 'undici.request'], 50, plan, { server, options: () => ({ ca: server.ca }) });
}

/** The few that `gate.mjs` compares. */
export const gate = plan =>
  requests(['rxjs-http-pool', 'undici.request', 'undici.dispatch', 'net.Socket, data'], 50, plan);

/** Undefined where what a group needs is not to be had on this machine. */
export const groups = {
  c50: async plan => {
    installed(['python3-twisted'], pythonWithTwisted);
    const twisted = async origin => [await startTwisted(origin)].filter(worker => worker !== undefined);
    return requests(all, 50, plan, { more: twisted });
  },
  c1: plan => requests(few, 1, plan),
  'c1 awake': plan => awake(() => requests(few, 1, plan)),
  c200: plan => requests(few, 200, plan),
  stack: plan => requests(['rxjs-http-pool', 'rxjs-http-pool, bare', 'rxjs-http-pool, full stack'], 50, plan),
  tls: overTLS,
  'download 1 MiB': plan => download(`/bytes/${MiB}`, MiB, plan),
  'download 16 MiB': plan => download(`/bytes/${16 * MiB}`, 16 * MiB, plan),
  'download 64 MiB': plan => download(`/bytes/${64 * MiB}`, 64 * MiB, plan),
  'download 16 MiB chunked': plan => download(`/chunked/${16 * MiB}`, 16 * MiB, plan),
  'upload 1 MiB': plan => upload(MiB, plan),
  'upload 64 MiB': plan => upload(64 * MiB, plan),
  lease: async ({ rotations }) => {
    const names = ['rxjs-http-pool lease', 'rxjs-http-pool lease, validated', 'generic-pool lease', 'tarn lease'];
    const plan = { rotations, slot: { concurrency: 1, ms: 100 }, warmUp: { ms: 500 } };
    return compared(names, plan, {});
  },
  idle,
  start,
  growth,
  hosts: ({ rotations }) => {
    const plan = { rotations, slot: { concurrency: 50, ms: 200 }, warmUp: { ms: 1_500 } };
    const names = ['rxjs-http-pool many hosts', 'undici Agent many hosts'];
    return compared(names, plan, { ports: 1_000, options: origins => ({ origins }) });
  },
};
