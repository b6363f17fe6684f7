// Run by scripts/model.mjs: one process of the long search, or the table of the seeded bugs.
import { load } from './load.js';
import { search, tell } from './search.js';
import { seededBugs } from './seededBugs.js';
import { races, sights, Tally } from './Tally.js';

const [mode, ...rest] = process.argv.slice(2);
const numbers = rest.map(Number);

async function long(seed: number, sequences: number): Promise<void> {
  const library = await load();
  const tally = new Tally();
  const began = Date.now();
  let failures = 0;
  // In parts, each with a seed of its own, which is all that is needed to see it again.
  const part = 10_000;
  for (let at = 0; at * part < sequences; at++) {
    const finding = search(library, seed + at, Math.min(part, sequences - at * part), tally);
    if (finding === null) continue;
    failures++;
    console.log(tell(finding));
  }
  const counts = {
    seed,
    sequences: tally.sequences,
    commands: tally.steps,
    seconds: Math.round((Date.now() - began) / 1_000),
    failures,
    shared: tally.shared,
    missed: races.filter(race => !tally.races.has(race)).length + sights.filter(it => !tally.sights.has(it)).length,
  };
  console.log(JSON.stringify(counts));
  if (failures > 0) process.exitCode = 1;
}

async function table(seeds: readonly number[], limit: number): Promise<void> {
  console.log(`| bug | found after, sequences (${seeds.length} seeds) | first seen as |\n| --- | --- | --- |`);
  // The control: with no bug put in, the same search finds nothing.
  const control = await load();
  const findings = seeds.map(seed => search(control, seed, 2_000, new Tally())).filter(finding => finding !== null);
  console.log(`| none | ${findings.length === 0 ? `not in ${2_000 * seeds.length}` : findings[0].runs} | |`);
  if (findings.length > 0) {
    console.log(tell(findings[0]));
    process.exitCode = 1;
    return;
  }
  for (const bug of seededBugs) {
    const library = await load(bug);
    const found = seeds.map(seed => search(library, seed, limit, new Tally(), true));
    const runs = found.map(finding => finding?.runs ?? Infinity).sort((a, b) => a - b);
    const messages = found.map(finding => finding?.message.split('\n')[0]!.slice(0, 90) ?? 'nothing');
    if (runs.at(-1) === Infinity || !bug.noticed.test(messages[0])) process.exitCode = 1;
    console.log(`| ${bug.name} | ${runs.join(', ')} | ${messages[0]} |`);
  }
}

async function again(seed: number): Promise<void> {
  const finding = search(await load(), seed, 10_000, new Tally());
  console.log(finding === null ? `seed ${seed}: nothing in 10000 sequences` : tell(finding));
}

if (mode === 'seeded') void table([1, 2, 3, 4, 5], 10_000);
else if (mode === 'seed') void again(numbers[0]);
else void long(numbers[0], numbers[1]);
