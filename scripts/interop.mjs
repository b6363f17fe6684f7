// The library against real servers of the distribution: node scripts/interop.mjs [SERVER…] [--check=WORDS]
import { spawn } from 'node:child_process';

const args = ['--expose-gc', '--import', 'tsx', 'spec/interop/run.ts', ...process.argv.slice(2)];
spawn(process.execPath, args, { stdio: 'inherit' }).on('close', code => (process.exitCode = code ?? 1));
