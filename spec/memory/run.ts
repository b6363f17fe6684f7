// Run by scripts/memory.mjs.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { from, lastValueFrom, map, mergeMap, toArray } from 'rxjs';
import { Program } from '../loopback/index.js';
import type { SeededBug } from '../support/seedBug.js';
import { MiB } from './LoadClient.js';
import type { Result } from './programs/client.js';
import { rows, type Row } from './rows.js';
import { seededBugs } from './seededBugs.js';

const { values, positionals } = parseArgs({
  options: { node: { type: 'string', multiple: true } },
  allowPositionals: true,
});
const { node: nodes = [process.execPath] } = values;
const program = (name: string): string => join(__dirname, 'programs', name);

/** How much more memory may be resident than before, in MiB. */
const bound = 32;
/** A load that takes so much is stopped. */
const limit = 160;
/** Loads at the same time: a process does not see the memory of another. */
const atOnce = 2;

async function play({ name }: Row, node: string, bug?: SeededBug): Promise<Result> {
  const server = new Program(program('server'), [], { ipc: true, node });
  try {
    const port = await server.message<number>();
    const options = { flags: ['--expose-gc'], node, bug };
    return await new Program(program('client'), [name, port, limit], options).result<Result>(120_000);
  } finally {
    server.stop();
  }
}

/** All of these, some at a time; their results in the order of the jobs. */
function all<J, R>(jobs: readonly J[], run: (job: J) => Promise<R>): Promise<R[]> {
  const numbered$ = from(jobs.entries()).pipe(
    mergeMap(async ([index, job]) => ({ index, result: await run(job) }), atOnce),
    toArray(),
    map(results => results.sort((a, b) => a.index - b.index).map(({ result }) => result)),
  );
  return lastValueFrom(numbered$);
}

const mebibytes = (bytes: number): string => (bytes / MiB).toFixed(1);
const line = (cells: readonly unknown[]): void => console.log(`| ${cells.join(' | ')} |`);

async function main(): Promise<void> {
  const broken: string[] = [];
  const wanted = rows.filter(({ name }) => positionals.every(word => name.includes(word)));
  const versions = await all(nodes, async node => (await new Program('version', [], { node }).done()).trim());
  const jobs = wanted.flatMap(row => nodes.map((node, at) => ({ row, node, version: versions[at] })));
  const results = await all(jobs, ({ row, node }) => play(row, node));

  console.log('The most memory that was resident, over that at the start, in MiB:\n');
  line(['load', ...versions.map(version => `Node ${version}`), 'MiB sent', 'MiB received', 'server held up, ms', '']);
  line(versions.concat(Array<string>(5).fill('')).map(() => '---'));
  for (const [at, row] of wanted.entries()) {
    const own = results.slice(at * nodes.length, (at + 1) * nodes.length);
    for (const [i, { growth, problem }] of own.entries()) {
      const allowed = row.bound ?? bound;
      if (growth > allowed * MiB)
        broken.push(`${row.name}, Node ${versions[i]}: ${mebibytes(growth)} MiB of ${allowed}`);
      if (problem !== null) broken.push(`${row.name}, Node ${versions[i]}: ${problem}`);
    }
    const { sent = 0, received = 0, heldUp = 0 } = own[0].seen ?? {};
    const grown = own.map(({ growth }) => mebibytes(growth));
    line([row.name, ...grown, mebibytes(sent), mebibytes(received), heldUp, own[0].note]);
  }

  console.log('\nThe same with a seeded bug (stopped at 160 MiB):\n');
  line(['seeded bug', 'load', `Node ${versions[0]}`]);
  line(['---', '---', '---']);
  const seeded = seededBugs.flatMap(bug =>
    wanted.filter(row => bug.loads.some(load => row.name.startsWith(load))).map(row => ({ bug, row })),
  );
  const harms = await all(seeded, ({ row, bug }) => play(row, nodes[0], bug));
  for (const [at, { start, growth }] of harms.entries()) {
    const { bug, row } = seeded[at];
    // Over the start of the load as it is: the small run before may have taken as much already.
    const taken = start + growth - results[wanted.indexOf(row) * nodes.length].start;
    line([bug.name, row.name, mebibytes(taken)]);
    if (taken <= bound * MiB) broken.push(`${bug.name}, ${row.name}: it takes ${mebibytes(taken)} MiB only`);
  }

  console.log(`\n${broken.length === 0 ? 'Every bound holds, and every seeded bug breaks it.' : broken.join('\n')}`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

void main();
