// Whether the library has become slower than what was recorded: node bench/gate.mjs. Short, and made so that noise alone
// cannot fail it: the whole interval must lie beyond the recorded ratio and a quarter, in each of three tries.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { comparisons } from './goals.mjs';
import { gate } from './groups.mjs';
import { home } from './lib/children.mjs';
import { compare } from './lib/rotation.mjs';

const tolerance = 1.25;
const { recorded } = JSON.parse(readFileSync(join(home, 'results.json'), 'utf8'));
const gated = comparisons.filter(({ group, unit, must }) => group === 'c50' && unit === 'CPU' && must);

async function slower() {
  const { samples } = await gate({ rotations: 12 });
  return gated.filter(({ title, of, to, figure, unit }) => {
    const before = recorded.find(row => row.title === title && row.unit === unit && row.to === to);
    const now = compare(samples, of, to, figure);
    const limit = before.high * tolerance;
    const text = `${of} / ${to}, CPU: ${now.ratio.toFixed(2)} [${now.low.toFixed(2)}–${now.high.toFixed(2)}]`;
    console.log(`${text}, recorded ${before.ratio.toFixed(2)}, limit ${limit.toFixed(2)}`);
    return now.low > limit;
  });
}

let found = await slower();
for (let tries = 1; tries < 3 && found.length > 0; tries++) found = await slower();
console.log(found.length === 0 ? 'gate: ok' : `gate: SLOWER in three tries: ${found.map(({ to }) => to).join(', ')}`);
process.exitCode = found.length === 0 ? 0 : 1;
