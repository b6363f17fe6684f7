// The long search of the pool's model: node scripts/model.mjs [sequences] [seed] [processes]
// node scripts/model.mjs --seed 7     once more what seed 7 found
// node scripts/model.mjs --seeded     after how many sequences each seeded bug is found
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const run = (...args) =>
  new Promise(resolve => {
    const tsx = ['--import', 'tsx', 'spec/pool/model/run.ts', ...args.map(String)];
    const child = spawn(process.execPath, tsx, { stdio: ['ignore', 'pipe', 'inherit'] });
    let counts = null;
    createInterface({ input: child.stdout }).on('line', line => {
      if (line.startsWith('{"seed"')) counts = JSON.parse(line);
      else console.log(line);
    });
    child.on('close', code => resolve({ code, counts }));
  });

const args = process.argv.slice(2);
if (args[0] === '--seeded') process.exitCode = (await run('seeded')).code;
else if (args[0] === '--seed') process.exitCode = (await run('seed', args[1])).code;
else {
  const [sequences = 1_000_000, seed = 1, processes = 2] = args.map(Number);
  const each = Math.ceil(sequences / processes);
  const parts = await Promise.all(
    // Every 10 000 sequences take a seed of their own: no two processes share one.
    Array.from({ length: processes }, (_, at) => run('long', seed + at * Math.ceil(each / 10_000), each)),
  );
  const sum = name => parts.reduce((total, { counts }) => total + (counts?.[name] ?? 0), 0);
  const seconds = Math.max(...parts.map(({ counts }) => counts?.seconds ?? 0));
  const sequencesOf = `${sum('sequences')} sequences (${sum('shared')} of them over connections of several seats)`;
  const found = `${sequencesOf}, ${sum('commands')} commands, ${seconds} s, ${sum('failures')} failures`;
  console.log(`${found} (seed ${seed}, ${processes} processes, ${sum('missed')} states missed)`);
  process.exitCode = parts.some(({ code }) => code !== 0) ? 1 : 0;
}
