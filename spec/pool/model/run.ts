// Run by scripts/model.mjs: one process of the long search, or the table of the mutants.
import { load } from './load.js';
import { mutants } from './mutants.js';
import { search, tell } from './search.js';
import { races, Tally } from './Tally.js';

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
    missed: races.filter(race => !tally.races.has(race)).length,
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
  for (const { name, mutation } of mutants) {
    const library = await load([mutation]);
    const found = seeds.map(seed => search(library, seed, limit, new Tally(), true));
    const runs = found.map(finding => finding?.runs ?? Infinity).sort((a, b) => a - b);
    if (runs.at(-1) === Infinity) process.exitCode = 1;
    const message = found[0]?.message.split('\n')[0]!.slice(0, 90) ?? 'nothing';
    console.log(`| ${name} | ${runs[0]} to ${runs.at(-1)} | ${message} |`);
  }
}

async function again(seed: number): Promise<void> {
  const finding = search(await load(), seed, 10_000, new Tally());
  console.log(finding === null ? `seed ${seed}: nothing in 10000 sequences` : tell(finding));
}

if (mode === 'mutants') void table([1, 2, 3, 4, 5], 20_000);
else if (mode === 'seed') void again(numbers[0]);
else void long(numbers[0], numbers[1]);
