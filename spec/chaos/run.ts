// Run by scripts/chaos.mjs: brings the two processes of a soak together, and holds their accounts against each other.
import { Program } from '../loopback/program.js';
import type { SeededBug } from '../support/seedBug.js';
import type { ClientOptions } from './client.js';
import { Findings, judgeHeap, judgeLedger, judgeRaces } from './invariants.js';
import type { Alive, EpochReport, Finding, ServerAnswer, ServerReport } from './messages.js';
import type { Scenario } from './scenario.js';
import { seededBugs } from './seededBugs.js';

interface Soak {
  readonly seed: number;
  readonly requests: number;
  readonly seconds: number;
  readonly bug?: SeededBug;
  readonly only?: Scenario;
  /** Ends with the first finding, and tells nothing of its way there. */
  readonly quiet?: boolean;
}

/** How many requests are made between two moments at which everything must be as at the start. */
const epoch = 10_000;
/** A client that says nothing for so long has hung itself, in ms: it says that it is alive every few seconds. */
const silence = 120_000;

async function soak(run: Soak): Promise<Findings> {
  const { seed, requests, seconds, bug, only, quiet = false } = run;
  const findings = new Findings(quiet ? () => undefined : text => console.log(text));
  const server = new Program('../../chaos/server', [seed], { ipc: true });
  const { ports } = await server.message<ServerAnswer>();
  const part = quiet ? 3_000 : epoch;
  const options: ClientOptions = { seed, ports, requests, seconds, epoch: Math.min(part, requests), only };
  const client = new Program('../../chaos/client', [JSON.stringify(options)], { ipc: true, bug });
  const heaps: number[] = [];
  const counts = new Map<string, number>();
  let made = 0;
  let over = false;
  let spent = 0;
  await new Promise<void>(resolve => {
    const end = (): void => {
      over = true;
      clearTimeout(silent);
      resolve();
    };
    const mute = (): void => {
      findings.add('hung', `the client has said nothing for ${silence} ms`);
      end();
    };
    let silent = setTimeout(mute, silence);
    const judged = async (part: EpochReport): Promise<void> => {
      const report = await server.ask<ServerReport>({ next: part.next });
      judgeLedger(findings, part, report);
      judgeRaces(findings, part, report);
      heaps.push(part.heap);
      made += part.requests;
      spent += part.seconds;
      for (const [what, count] of Object.entries(part.counts)) counts.set(what, (counts.get(what) ?? 0) + count);
      const last = part.last || (quiet && findings.count > 0);
      if (!quiet) {
        const rate = Math.round(part.requests / part.seconds);
        console.log(`${made} requests, ${rate}/s, heap ${(part.heap / 1e6).toFixed(1)} MB, ${findings.count} findings`);
      }
      client.child.send(last ? 'stop' : 'on');
      if (last) end();
    };
    client.child.on('message', message => {
      if (over) return;
      clearTimeout(silent);
      silent = setTimeout(mute, silence);
      const told = message as EpochReport | Finding | Alive;
      if (told.type === 'epoch') void judged(told);
      else if (told.type === 'finding') findings.add(told.invariant, told.detail);
      // With a seeded bug its end may never come.
      if (quiet && told.type === 'finding') setTimeout(end, 8_000).unref();
    });
    client.child.once('exit', (code, signal) => {
      if (code !== 0 && !over)
        findings.add('unhandled', `the client ended with ${code ?? signal}: ${client.errors.slice(-2_000)}`);
      end();
    });
  });
  judgeHeap(findings, heaps);
  if (server.errors !== '') findings.add('unhandled', `the server: ${server.errors.slice(-2_000)}`);
  client.stop();
  server.stop();
  if (!quiet) {
    const table = [...counts].sort(([, a], [, b]) => b - a).map(([what, count]) => `${what} ${count}`);
    console.log(table.join(', '));
    console.log(JSON.stringify({ seed, requests: made, seconds: Math.round(spent), findings: findings.count }));
  }
  return findings;
}

/** With `only`: those bugs whose name has that in it. */
async function seeded(seed: number, requests: number, only = ''): Promise<void> {
  console.log('| seeded bug | found by |\n| --- | --- |');
  for (const bug of [undefined, ...seededBugs.filter(({ name }) => name.includes(only))]) {
    const findings = await soak({ seed, requests, seconds: 1e9, bug, quiet: true });
    if (findings.count > 0 !== (bug !== undefined)) process.exitCode = 1;
    console.log(`| ${bug?.name ?? 'none'} | ${findings.summary} |`);
  }
}

async function main(): Promise<void> {
  const [mode, ...rest] = process.argv.slice(2);
  if (mode === 'seeded') return seeded(Number(rest[0]), Number(rest[1]), rest[2]);
  const [seed, requests, seconds] = rest.map(Number);
  const only = mode === 'only' ? (JSON.parse(rest[3]) as Scenario) : undefined;
  const findings = await soak({ seed, requests, seconds, only });
  console.log(`seed ${seed}: ${findings.summary}`);
  if (findings.count > 0) process.exitCode = 1;
}

void main();
