// Run by scripts/fuzz.mjs: one process of a campaign, one seed again, or the table of the seeded bugs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kinds, type Kind } from './campaign.js';
import { load } from './load.js';
import { seededBugs } from './seededBugs.js';

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
  const runs = [...kinds.map(kind => ({ kind, bug: undefined })), ...seededBugs.map(bug => ({ kind: bug.kind, bug }))];
  for (const { kind, bug } of runs) {
    const running = await (await load(bug)).Campaign.make();
    const limit = kind === 'clients' ? 5_000 : 20_000;
    const found = [];
    for (const seed of seeds) found.push(await running.search(kind, seed, limit, undefined, false));
    const after = found.map(each => each?.runs ?? Infinity).sort((a, b) => a - b);
    const asItShould = bug === undefined ? after[0] === Infinity : after.at(-1) !== Infinity;
    if (!asItShould) process.exitCode = 1;
    const times = after[0] === Infinity ? `not in ${limit * seeds.length}` : `${after[0]} to ${after.at(-1)}`;
    console.log(
      `| ${bug?.name ?? 'none'} | ${kind} | ${times} | ${found[0]?.what.split('\n')[0]!.slice(0, 90) ?? ''} |`,
    );
  }
}

if (mode === 'seeded') void table([1, 2, 3, 4, 5]);
else void campaign(mode as Kind, Number(rest[0]), Number(rest[1]));
