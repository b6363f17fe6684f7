// What a pool does with connections that went stale while nobody looked: node scripts/stale.mjs
// node scripts/stale.mjs --quick         in seconds, for CI
// node scripts/stale.mjs --node PATH     with another node
// node scripts/stale.mjs --all           with this node and those of npm
import { spawn, spawnSync } from 'node:child_process';

const others = [22, 24, 26];
const args = process.argv.slice(2).filter(arg => arg !== '--all');
if (process.argv.includes('--all')) {
  args.push('--node', process.execPath);
  for (const version of others) {
    const npx = ['-y', '-p', `node-${process.platform}-${process.arch}@${version}`, 'node', '-p', 'process.execPath'];
    args.push('--node', spawnSync('npx', npx, { encoding: 'utf8' }).stdout.trim());
  }
}
const child = spawn(process.execPath, ['--import', 'tsx', 'spec/stale/run.ts', ...args], { stdio: 'inherit' });
child.on('close', code => (process.exitCode = code ?? 1));
