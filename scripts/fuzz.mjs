// The differential fuzzing of the wire: node scripts/fuzz.mjs [executions] [seed] [processes] [kinds]
//   of the response parser, with a fiftieth of that on whole clients and a tenth on the request serialiser;
//   kinds, if given, is responses, clients or requests, and gets all of the executions
// node scripts/fuzz.mjs --seed 7      once more what seed 7 found
// node scripts/fuzz.mjs --seeded      after how many executions each seeded bug is found
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const run = (...args) =>
  new Promise(resolve => {
    const tsx = ['--import', 'tsx', 'spec/fuzz/run.ts', ...args.map(String)];
    const child = spawn(process.execPath, tsx, { stdio: ['ignore', 'pipe', 'inherit'] });
    let counts = null;
    createInterface({ input: child.stdout }).on('line', line => {
      if (line.startsWith('{"kind"')) counts = JSON.parse(line);
      else console.log(line);
    });
    child.on('close', code => resolve({ code, counts }));
  });

const merge = (parts, name) => {
  const all = {};
  for (const { counts } of parts) {
    for (const [key, count] of Object.entries(counts?.[name] ?? {})) all[key] = (all[key] ?? 0) + count;
  }
  return Object.entries(all)
    .sort(([, one], [, other]) => other - one)
    .map(([key, count]) => `${key}: ${count}`)
    .join(' | ');
};

async function campaign(kind, executions, seed, processes) {
  const each = Math.ceil(executions / processes);
  const parts = await Promise.all(
    // Every 10 000 executions take a seed of their own: no two processes share one.
    Array.from({ length: processes }, (_, at) => run(kind, seed + at * Math.ceil(each / 10_000), each)),
  );
  const sum = name => parts.reduce((total, { counts }) => total + (counts?.[name] ?? 0), 0);
  const most = name => Math.max(...parts.map(({ counts }) => counts?.[name] ?? 0));
  console.log(
    `${kind}: ${sum('executions')} executions, ${sum('failures')} failures, ${most('seconds')} s (${sum('cpuSeconds')} s of CPU), ` +
      `seeds ${seed} to ${seed + processes * Math.ceil(each / 10_000) - 1}, Node ${process.version} (llhttp ${process.versions.llhttp})`,
  );
  console.log(`  outcomes: ${merge(parts, 'outcomes')}`);
  if (merge(parts, 'rules') !== '') console.log(`  reasons for differences: ${merge(parts, 'rules')}`);
  return parts.every(({ code }) => code === 0);
}

const args = process.argv.slice(2);
if (args[0] === '--seeded') process.exitCode = (await run('seeded')).code;
else {
  const again = args[0] === '--seed';
  const [executions = 1_000_000, seed = 1, processes = 2] = again
    ? [10_000, Number(args[1]), 1]
    : args.slice(0, 3).map(Number);
  const shares = again ? [1, 1, 1] : [1, 1 / 50, 1 / 10];
  let passed = true;
  for (const [i, kind] of ['responses', 'clients', 'requests'].entries()) {
    const only = again ? undefined : args[3];
    if (only !== undefined && only !== kind) continue;
    const count = only === kind ? executions : Math.ceil(executions * shares[i]);
    passed = (await campaign(kind, count, seed, processes)) && passed;
  }
  process.exitCode = passed ? 0 : 1;
}
