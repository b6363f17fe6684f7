// Two builds of the library in one rotation: node bench/ab.mjs OLD_DIST [NEW_DIST] [--rotations 60] [--only c50,leases]
// Each row is the new build as a multiple of the old one: the median of the ratios, with its 95 % interval. The old build
// runs twice: that row must contain 1, and its width is the resolution. A build is the `dist/` of a checkout.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startServer, startWorker } from './lib/children.mjs';
import { compare, cost, rotate } from './lib/rotation.mjs';
import { pairedRatio } from './lib/statistics.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rotations: { type: 'string', default: '60' }, only: { type: 'string' } },
});
const builds = { old: resolve(positionals[0]), new: resolve(positionals[1] ?? 'dist') };
const runs = [
  ['old', builds.old],
  ['old again', builds.old],
  ['new', builds.new],
];
const rotations = Number(values.rotations);
const slot = { concurrency: 50, ms: 150 };
const kinds = {
  c50: ['rxjs-http-pool', slot, { ms: 1_500 }],
  c1: ['rxjs-http-pool', { ...slot, concurrency: 1 }, { concurrency: 50, ms: 1_500 }],
  stack: ['rxjs-http-pool, full stack', slot, { ms: 1_500 }],
  hosts: ['rxjs-http-pool many hosts', slot, { ms: 1_500 }],
  lease: ['rxjs-http-pool lease', { concurrency: 1, ms: 100 }, { ms: 500 }],
  validated: ['rxjs-http-pool lease, validated', { concurrency: 1, ms: 100 }, { ms: 500 }],
};

const print = (kind, name, unit, { ratio, low, high, n }) =>
  console.log(
    `${kind.padEnd(10)} ${name.padEnd(10)} ${unit.padEnd(10)} ${ratio.toFixed(3)} [${low.toFixed(3)}–${high.toFixed(3)}] n=${n}`,
  );

async function inRotation(kind) {
  const [name, plan, warmUp] = kinds[kind];
  const { child, origins } = await startServer(kind === 'hosts' ? 1_000 : 1);
  const workers = [];
  try {
    for (const [as, build] of runs) {
      workers.push(await startWorker(name, { origin: origins[0], origins }, { build, as }));
    }
    const { samples } = await rotate(workers, { rotations, slot: plan, warmUp });
    for (const as of ['old again', 'new']) print(kind, as, 'CPU', compare(samples, as, 'old', cost));
  } finally {
    for (const worker of workers) await worker.stop();
    await child.stop();
  }
}

/** Resident memory per idle connection: fresh processes in turn. */
async function idle() {
  const { child, origins } = await startServer();
  const samples = new Map(runs.map(([as]) => [as, []]));
  try {
    for (let at = 0; at < Math.min(rotations, 8); at++) {
      for (const [as, build] of at % 2 === 0 ? runs : [...runs].reverse()) {
        const worker = await startWorker(
          'rxjs-http-pool idle',
          { origin: origins[0] },
          { flags: ['--expose-gc'], build },
        );
        samples.get(as).push(await worker.ask({ connections: 5_000 }));
        await worker.stop();
      }
    }
  } finally {
    await child.stop();
  }
  for (const unit of Object.keys(samples.get('old')[0])) {
    const figures = as => samples.get(as).map(sample => sample[unit]);
    for (const as of ['old again', 'new']) print('idle', as, unit, pairedRatio(figures(as), figures('old')));
  }
}

for (const kind of (values.only ?? [...Object.keys(kinds), 'idle'].join()).split(',')) {
  if (kind === 'idle') await idle();
  else await inRotation(kind);
}
