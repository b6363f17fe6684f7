// The benchmark: node bench/run.mjs [--quick] [GROUP…] measures, prints, and writes RESULTS.md, results.json and a plot.
// With --quick or only some groups nothing is written but what it prints.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { groups } from './groups.mjs';
import { clientNode, home } from './lib/children.mjs';
import { describeMachine, pinned } from './lib/machine.mjs';
import { barChart } from './lib/plot.mjs';
import { clientTables, compareAll, goalsTable, otherTables, transferTables } from './lib/report.mjs';
import { compare, cost } from './lib/rotation.mjs';

const args = process.argv.slice(2);
const quick = args.includes('--quick');
const wanted = args.filter(arg => !arg.startsWith('--'));
const plan = quick
  ? { rotations: 8, transfers: 4, processes: 1, starts: 6, idleConnections: 1_000 }
  : { rotations: 40, transfers: 20, processes: 5, starts: 30, idleConnections: 5_000 };

/** Of the quick form, which has three minutes, unless they are asked for. */
const leftOut = ['c1 awake'];

const results = {};
const began = Date.now();
for (const [name, measure] of Object.entries(groups)) {
  if (wanted.length > 0 ? !wanted.includes(name) : quick && leftOut.includes(name)) continue;
  const since = Date.now();
  const result = await measure(plan);
  if (result === undefined) console.log(`${name}: what it needs is not on this machine`);
  else {
    results[name] = result;
    console.log(`${name}: ${Math.round((Date.now() - since) / 1_000)} s`);
  }
}

const compared = compareAll(results);
console.log(
  `\n${goalsTable(compared)}\n\n${clientTables(results)}\n\n${transferTables(results)}\n\n${otherTables(results)}`,
);

if (!quick && wanted.length === 0) {
  const require = createRequire(join(home, 'package.json'));
  const version = name => JSON.parse(readFileSync(join(home, 'node_modules', name, 'package.json'), 'utf8')).version;
  const node = spawnSync(clientNode(), ['-v'], { encoding: 'utf8' }).stdout.trim();
  const peers = Object.keys(require('./package.json').dependencies).map(name => `${name} ${version(name)}`);
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], {
    cwd: dirname(home),
    encoding: 'utf8',
  }).stdout.trim();
  const minutes = Math.round((Date.now() - began) / 60_000);
  const bars = [...results.c50.samples.keys()]
    .filter(name => !/again|Twisted/.test(name))
    .map(name => {
      const { ratio, low, high } = compare(results.c50.samples, name, 'undici.request', cost);
      return { name, value: ratio, low, high, own: name.startsWith('rxjs-http-pool') };
    })
    .sort((a, b) => a.value - b.value);
  writeFileSync(
    join(home, 'cpu-per-request.svg'),
    barChart(
      'CPU per request, undici.request = 1',
      'Small JSON GET, 50 connections, 50 at a time; less is better',
      bars,
    ),
  );
  const notes = join(home, 'NOTES.md');
  writeFileSync(
    join(home, 'RESULTS.md'),
    `# Results

Made by \`npm run bench\` (${minutes} minutes) on ${new Date().toISOString().slice(0, 10)}, at ${commit}: ${describeMachine()}; Node ${node},
${peers.join(', ')}. ${pinned ? 'Servers ran on core 0, clients on core 1.' : 'Processes were not pinned to cores.'} How it is measured, and what the figures are worth, is told in [README.md](README.md).

![CPU per request](cpu-per-request.svg)

## Goals

Ratios are medians of pairs within a rotation, with their 95 % interval. A goal is met when the *less favourable* bound meets
it. ● has to be met.

${goalsTable(compared)}

${existsSync(notes) ? `${readFileSync(notes, 'utf8').trim()}\n` : ''}
## Requests

${clientTables(results)}

## Transfers, one after the other

${transferTables(results)}

## More

${otherTables(results)}`,
  );
  const recorded = compared.map(({ group, title, of, to, unit, ratio, low, high }) => ({
    group,
    title,
    of,
    to,
    unit,
    ratio,
    low,
    high,
  }));
  writeFileSync(join(home, 'results.json'), `${JSON.stringify({ commit, node, recorded }, null, 2)}\n`);
}
const missed = compared.filter(({ must, met: reached }) => must && !reached);
for (const { title, unit, goal, low, high } of missed)
  console.log(`NOT MET: ${title} (${unit}): ${low.toFixed(2)}–${high.toFixed(2)}, goal ${goal}`);
