// Run by scripts/stale.mjs.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ca, certificate, Program } from '../loopback/index.js';
import { askers, faults, moments, type Asker, type Cell, type Fault, type Moment, type Outcome } from './plan.js';
import { seededBugs, type StaleBug } from './seededBugs.js';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '60' },
    node: { type: 'string', multiple: true },
  },
});
const { quick, node: nodes = [process.execPath] } = values;

const program = (name: string): string => join(__dirname, 'programs', name);

async function play(node: string, scheme: string, cells: readonly Cell[], bug?: StaleBug): Promise<Outcome[]> {
  const folder = mkdtempSync(join(tmpdir(), 'stale-'));
  const mark = join(folder, 'mark');
  writeFileSync(mark, Buffer.alloc(4));
  const { key, cert } = certificate('server');
  const secure = scheme === 'https';
  const server = new Program(program('server'), [mark, ...(secure ? [key, cert] : [])], { ipc: true, node });
  try {
    const [port, control] = await server.message<[number, number]>();
    const args = [port, control, mark, JSON.stringify(cells), ...(secure ? [ca] : [])];
    return await new Program(program('client'), args, { bug, node }).result(1_200_000);
  } finally {
    server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each of these faults, at every moment, for every way to ask; by the clock, which takes 25 ms a time, some of them. */
function cellsOf(struck: readonly Fault[], asked: readonly Asker[], rounds: number, byClock: number): Cell[] {
  const cells: Cell[] = [];
  for (const moment of moments) {
    for (const fault of struck) {
      for (const asker of asked) cells.push({ moment, fault, asker, timing: 'mark', rounds });
      if (byClock === 0 || !['timers', 'check', 'poll', 'own'].includes(moment)) continue;
      for (const asker of asked) cells.push({ moment, fault, asker, timing: 'clock', rounds: byClock });
    }
  }
  return cells;
}

type Count = 'tries' | 'wrong' | 'lost' | 'refused' | 'retried' | 'void' | 'twice';
const sum = (outcomes: readonly Outcome[], count: Count): number =>
  outcomes.reduce((total, outcome) => total + outcome[count], 0);
const at = (outcomes: readonly Outcome[], moment: Moment): Outcome[] =>
  outcomes.filter(outcome => outcome.moment === moment);
const share = (part: number, whole: number): string =>
  part === 0 ? '0' : whole === 0 ? '–' : `${((100 * part) / whole).toFixed(part === whole ? 0 : 1)} %`;

/** Which of the bounds are broken, in words. */
function broken(outcomes: readonly Outcome[], bug?: StaleBug): string[] {
  const found: string[] = [];
  for (const moment of moments) {
    const here = at(outcomes, moment);
    const tries = sum(here, 'tries');
    // A connection on which the fault was seen in time tries nothing.
    if (tries === 0 || sum(here, 'void') > tries / 5) found.push(`${moment}: only ${tries} tries count`);
  }
  for (const outcome of outcomes) {
    const { moment, fault, asker, tries, wrong, lost, twice } = outcome;
    if (bug?.harms(moment, fault) && wrong + lost < tries * 0.8) found.push(`${moment}, ${fault}: no harm`);
    if (bug !== undefined) continue;
    const report = (what: string): void =>
      void found.push(`${moment}, ${fault}, ${asker}: ${what}: ${outcome.example}`);
    if (wrong > 0) report(`${wrong} wrong answers`);
    if (asker === 'GET' && lost > 0) report(`${lost} lost in spite of the retry`);
    if (asker !== 'GET' && twice > 0) report(`${twice} executed twice`);
  }
  if (bug !== undefined) return found;
  const [tries, lost, retried] = (['tries', 'lost', 'retried'] as const).map(count => sum(outcomes, count));
  if (lost + retried > tries / 100) found.push(`${lost} requests of ${tries} lost, ${retried} sent once more`);
  return found;
}

async function main(): Promise<void> {
  const [rounds, byClock, secured, rest] = quick ? [3, 1, 1, 3] : [Number(values.rounds), 5, 5, 10];
  const columns = ['Node', 'seeded bug', 'tries', ...moments, 'sent once more', 'POST executed twice', 'seen in time'];
  console.log('Wrong answers / lost requests, of all that were asked for while a fault waited unseen:\n');
  console.log(`| ${columns.join(' | ')} |\n|${' --- |'.repeat(columns.length)}`);
  const found: string[] = [];
  for (const node of nodes) {
    const version = (await new Program('version', [], { node }).done()).trim();
    const run = async (scheme: string, cells: readonly Cell[], bug?: StaleBug): Promise<void> => {
      const outcomes = await play(node, scheme, cells, bug);
      const name = bug?.name ?? (scheme === 'http' ? 'none' : 'none, TLS');
      const row = [
        version,
        name,
        sum(outcomes, 'tries'),
        ...moments.map(moment => {
          const here = at(outcomes, moment);
          const tries = sum(here, 'tries');
          return `${share(sum(here, 'wrong'), tries)} / ${share(sum(here, 'lost'), tries)}`;
        }),
        sum(outcomes, 'retried'),
        sum(
          outcomes.filter(({ asker }) => asker === 'POST'),
          'twice',
        ),
        sum(outcomes, 'void'),
      ];
      console.log(`| ${row.join(' | ')} |`);
      found.push(...broken(outcomes, bug).map(what => `${version}, ${name}: ${what}`));
    };
    await run('http', cellsOf(faults, askers, rounds, byClock));
    await run('https', cellsOf(faults, askers, secured, 0));
    for (const bug of seededBugs) await run('http', cellsOf(['fin', 'forged'], ['POST'], rest, 0), bug);
  }
  console.log(`\n${found.length === 0 ? 'Every bound holds, and every seeded bug does harm.' : found.join('\n')}`);
  process.exitCode = found.length === 0 ? 0 : 1;
}

void main();
