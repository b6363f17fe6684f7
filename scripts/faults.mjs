// All cells of the matrix of faults, and hundreds of rounds of that of cancels: node scripts/faults.mjs
import { spawn } from 'node:child_process';

const jest = ['node_modules/jest/bin/jest.js', 'spec/faults', '--runInBand', ...process.argv.slice(2)];
const child = spawn(process.execPath, jest, { stdio: 'inherit', env: { ...process.env, FAULTS: 'all' } });
child.on('close', code => (process.exitCode = code ?? 1));
