// Mutation testing: node scripts/mutation.mjs [room…]
// Puts one fault after another into src/wire, src/protocol and src/pool, and runs the room's own specs against each. What
// has not changed since the last run is not run again; delete coverage/mutation/ to start anew. The survivors, with the
// code around them, are in coverage/mutation/ROOM.html; docs/mutation-survivors.md says why they may live.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const rooms = process.argv.length > 2 ? process.argv.slice(2) : ['wire', 'protocol', 'pool'];
const columns = ['Killed', 'Timeout', 'Survived', 'NoCoverage', 'RuntimeError'];
const total = { room: 'all', minutes: 0, counts: {} };
let below = false;

const run = room =>
  new Promise(resolve => {
    const env = { ...process.env, MUTATION_ROOM: room };
    const stryker = ['node_modules/@stryker-mutator/core/bin/stryker.js', 'run', 'spec/mutation/stryker.config.mjs'];
    spawn(process.execPath, stryker, { env, stdio: ['ignore', 'inherit', 'inherit'] }).on('close', resolve);
  });

function row({ room, minutes, counts }) {
  const of = status => counts[status] ?? 0;
  const found = of('Killed') + of('Timeout');
  const score = (100 * found) / (found + of('Survived') + of('NoCoverage'));
  return `| ${[room, ...columns.map(of), `${score.toFixed(1)} %`, minutes.toFixed(1)].join(' | ')} |`;
}

const rows = [`| room | ${columns.join(' | ')} | score | minutes |`, `|${' --- |'.repeat(columns.length + 3)}`];
for (const room of rooms) {
  const began = Date.now();
  if ((await run(room)) !== 0) below = true;
  const { files } = JSON.parse(readFileSync(`coverage/mutation/${room}.json`, 'utf8'));
  const counts = {};
  for (const { status } of Object.values(files).flatMap(({ mutants }) => mutants)) {
    counts[status] = (counts[status] ?? 0) + 1;
    total.counts[status] = (total.counts[status] ?? 0) + 1;
  }
  const minutes = (Date.now() - began) / 60_000;
  total.minutes += minutes;
  rows.push(row({ room, minutes, counts }));
}
console.log([...rows, row(total)].join('\n'));
if (below) process.exitCode = 1;
