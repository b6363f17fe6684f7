// The chaos soak: node scripts/chaos.mjs [requests] [seed]
// node scripts/chaos.mjs --seconds 60 [--seed 7]     as many requests as fit
// node scripts/chaos.mjs --only '<scenario>' [times] one request again, which a finding has printed
// node scripts/chaos.mjs --seeded [seed] [words]     with each seeded bug (or those of such a name): it must be found
import { spawn } from 'node:child_process';

const run = (...args) => {
  const tsx = ['--import', 'tsx', 'spec/chaos/run.ts', ...args.map(String)];
  const child = spawn(process.execPath, tsx, { stdio: 'inherit' });
  child.on('close', code => (process.exitCode = code ?? 1));
};

const args = process.argv.slice(2);
const option = (name, otherwise) => (args.includes(name) ? args[args.indexOf(name) + 1] : otherwise);
const seed = Number(option('--seed', Date.now() % 1e6));
if (args[0] === '--seeded') run('seeded', args[1] ?? 1, 12_000, args[2] ?? '');
else if (args[0] === '--only') run('only', seed, args[2] ?? 200, 60, args[1]);
else if (args[0] === '--seconds') run('soak', seed, 1e9, args[1]);
else run('soak', args[1] ?? seed, args[0] ?? 1_000_000, 1e9);
