import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { seededBugs as attacks } from '../attacks/seededBugs.js';
import { seededBugs as chaos } from '../chaos/seededBugs.js';
import { seededBugs as conformance } from '../conformance/seededBugs.js';
import { seededBugs as faults } from '../faults/seededBugs.js';
import { seededBugs as fuzz } from '../fuzz/seededBugs.js';
import { seededBugs as memory } from '../memory/seededBugs.js';
import { seededBugs as model } from '../pool/model/seededBugs.js';
import { seededBugs as stale } from '../stale/seededBugs.js';
import { seedBug, type SeededBug } from './seedBug.js';

const harnesses: Readonly<Record<string, readonly SeededBug[]>> = {
  attacks,
  chaos,
  conformance,
  faults,
  fuzz,
  memory,
  model,
  stale,
};
const all = Object.entries(harnesses).flatMap(([harness, bugs]) => bugs.map(bug => ({ ...bug, harness })));

// Mutation testing (`npm run mutation`) is for the rest: these prove the harnesses, and not the library.
describe('The seeded bugs', () => {
  it('are two or more in each harness, and thirty at most', () => {
    expect(Object.entries(harnesses).filter(([, { length }]) => length < 2)).toEqual([]);
    expect(all.length).toBeLessThanOrEqual(30);
  });

  // Chaos, memory and stale put theirs in only when they run.
  it.each(all)('$harness: $name: $declaration is where it should be', async bug => {
    const source = readFileSync(join(__dirname, '../../src', bug.file), 'utf8');
    await expect(seedBug(source, bug)).resolves.toContain(bug.replacement);
  });
});
