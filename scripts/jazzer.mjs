// The response parser under a coverage-guided engine: node scripts/jazzer.mjs [seconds] [folder]
// Jazzer.js is installed in the folder, a temporary one if none is given, and is no dependency of this package: its
// engine is a binary that needs a glibc from 2.38 (Debian 13, Ubuntu 24.04). A finding is left in the folder.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

const [seconds = '60', folder = mkdtempSync(join(tmpdir(), 'jazzer-'))] = process.argv.slice(2);
if (!existsSync(join(folder, 'node_modules/@jazzer.js/core'))) {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '@jazzer.js/core@4'], { cwd: folder, stdio: 'inherit' });
}

const target = join(folder, 'target.cjs');
await build({
  entryPoints: ['spec/fuzz/jazzer.ts'],
  bundle: true,
  platform: 'node',
  target: 'node20',
  outfile: target,
});

const corpus = join(folder, 'corpus');
mkdirSync(corpus, { recursive: true });
const { corpus: begin } = createRequire(import.meta.url)(target);
for (const [i, bytes] of begin(300).entries()) writeFileSync(join(corpus, `begin-${i}`), bytes);

const cli = join(folder, 'node_modules/@jazzer.js/core/dist/cli.js');
const engine = [`-max_total_time=${seconds}`, '-seed=1', '-max_len=2000', '-print_final_stats=1'];
const options = ['-i', 'target.cjs', '--disable_bug_detectors', '.*'];
const { status } = spawnSync(process.execPath, [cli, target, 'corpus', ...options, '--', ...engine], {
  cwd: folder,
  stdio: 'inherit',
});
console.log(status === 0 ? `nothing found in ${seconds} s` : `ended with ${status}: see ${folder}`);
process.exitCode = status ?? 1;
