// Runs a program of spec/ with the arguments of this process, `--all` spelled out as `--node PATH` for every version.
import { spawn, spawnSync } from 'node:child_process';

const others = [22, 24, 26];

/** Where npm's binary of a version is, downloaded if it must be. */
function binary(version) {
  const npx = ['-y', '-p', `node-${process.platform}-${process.arch}@${version}`, 'node', '-p', 'process.execPath'];
  return spawnSync('npx', npx, { encoding: 'utf8' }).stdout.trim();
}

export function run(program) {
  const args = process.argv.slice(2).filter(arg => arg !== '--all');
  if (process.argv.includes('--all')) {
    for (const path of [process.execPath, ...others.map(binary)]) args.push('--node', path);
  }
  const child = spawn(process.execPath, ['--import', 'tsx', program, ...args], { stdio: 'inherit' });
  child.on('close', code => (process.exitCode = code ?? 1));
}
