// Run by scripts/fuzz.mjs: one process of a campaign, one seed again, or the table of the mutants.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kinds, type Kind } from './campaign.js';
import { load } from './load.js';
import { mutants } from './mutants.js';

const [mode, ...rest] = process.argv.slice(2);

/** Executions that share a seed, which is all that is needed to see them again. */
const part = 10_000;

async function campaign(kind: Kind, seed: number, executions: number): Promise<void> {
  const { Campaign, Tally } = await load();
  const running = await Campaign.make();
  const tally = new Tally();
  const began = Date.now();
  const cpu = process.cpuUsage();
  let failures = 0;
  for (let at = 0; at * part < executions; at++) {
    const found = await running.search(kind, seed + at, Math.min(part, executions - at * part), tally);
    if (found === null) continue;
    failures++;
    const { runs, what, play } = found;
    const file = join(__dirname, 'cases', `${kind}-${seed + at}.json`);
    writeFileSync(file, `${JSON.stringify({ kind, what: what.split('\n')[0], play }, undefined, 2)}\n`);
    console.log(
      `${kind}, seed ${seed + at}, execution ${runs}, saved as ${file}: not so: ${what}\n${JSON.stringify(play)}`,
    );
  }
  const { user, system } = process.cpuUsage(cpu);
  const counts = {
    kind,
    ...tally,
    seconds: Math.round((Date.now() - began) / 1_000),
    cpuSeconds: Math.round((user + system) / 1e6),
    failures,
  };
  console.log(JSON.stringify(counts));
  if (failures > 0) process.exitCode = 1;
}

/** After how many executions each seeded bug is found. */
async function table(seeds: readonly number[]): Promise<void> {
  console.log(
    `| bug | in | found after, executions (${seeds.length} seeds) | first seen as |\n| --- | --- | --- | --- |`,
  );
  // Without a bug nothing is found.
  const none = kinds.map(kind => ({ name: 'none', kind, mutation: undefined }));
  for (const { name, kind, mutation } of [...none, ...mutants]) {
    const running = await (await load(mutation === undefined ? [] : [mutation])).Campaign.make();
    const limit = kind === 'clients' ? 5_000 : 20_000;
    const found = [];
    for (const seed of seeds) found.push(await running.search(kind, seed, limit, undefined, false));
    const runs = found.map(each => each?.runs ?? Infinity).sort((a, b) => a - b);
    const asItShould = mutation === undefined ? runs[0] === Infinity : runs.at(-1) !== Infinity;
    if (!asItShould) process.exitCode = 1;
    const after = runs[0] === Infinity ? `not in ${limit * seeds.length}` : `${runs[0]} to ${runs.at(-1)}`;
    console.log(`| ${name} | ${kind} | ${after} | ${found[0]?.what.split('\n')[0]!.slice(0, 90) ?? ''} |`);
  }
}

if (mode === 'controls') void table([1, 2, 3, 4, 5]);
else void campaign(mode as Kind, Number(rest[0]), Number(rest[1]));
