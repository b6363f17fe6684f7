// All cells of the matrix of faults, and hundreds of rounds of that of cancels: [ROUNDS=200] node scripts/faults.mjs
// node scripts/faults.mjs spec/faults/cancel     a part of it
import { spawn } from 'node:child_process';

const [part = 'spec/faults'] = process.argv.slice(2);
const jest = ['node_modules/jest/bin/jest.js', part, '--runInBand'];
const child = spawn(process.execPath, jest, { stdio: 'inherit', env: { ...process.env, FAULTS: 'all' } });
child.on('close', code => (process.exitCode = code ?? 1));
