// Whether the library has become slower than what was recorded: node bench/gate.mjs. Short, and made so that neither noise
// nor another machine can fail it. What is compared is what a request costs beyond the bare socket, which parses nothing:
// the kernel's part differs from machine to machine, and takes the meaning from the plain ratio. The whole interval must
// lie beyond the recorded figure and a half, in each of three tries.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { comparisons } from './goals.mjs';
import { gate } from './groups.mjs';
import { home } from './lib/children.mjs';
import { cost } from './lib/rotation.mjs';
import { pairedRatio } from './lib/statistics.mjs';

const tolerance = 1.5;
const floor = 'net.Socket, data';
const { recorded } = JSON.parse(readFileSync(join(home, 'results.json'), 'utf8'));
const gated = comparisons.filter(({ group, unit, must }) => group === 'c50' && unit === 'CPU' && must);
const recordOf = (of, to) =>
  recorded.find(row => row.group === 'c50' && row.unit === 'CPU' && row.of === of && row.to === to);

/** What `of` costs beyond the socket, as a multiple of what `to` does, from the recorded ratios of each to the others. */
function recordedBeyond(of, to) {
  const { ratio, high } = recordOf(of, to);
  const socket = ratio / recordOf(of, floor).ratio;
  return (high - socket) / (1 - socket);
}

async function slower() {
  const { samples } = await gate({ rotations: 12 });
  const beyond = name => samples.get(name).map((sample, at) => cost(sample) - cost(samples.get(floor)[at]));
  return gated.filter(({ of, to }) => {
    const before = recordedBeyond(of, to);
    const limit = before * tolerance;
    const { ratio, low, high } = pairedRatio(beyond(of), beyond(to));
    const text = `${of} / ${to}, CPU beyond the socket: ${ratio.toFixed(2)} [${low.toFixed(2)}–${high.toFixed(2)}]`;
    console.log(`${text}, recorded ${before.toFixed(2)}, limit ${limit.toFixed(2)}`);
    return low > limit;
  });
}

let found = await slower();
for (let tries = 1; tries < 3 && found.length > 0; tries++) found = await slower();
console.log(found.length === 0 ? 'gate: ok' : `gate: SLOWER in three tries: ${found.map(({ to }) => to).join(', ')}`);
process.exitCode = found.length === 0 ? 0 : 1;
