import { describe, expect, it } from '@jest/globals';
import * as errors from '../../../src/errors/index.js';
import * as pool from '../../../src/pool/index.js';
import { load } from './load.js';
import { search, tell } from './search.js';
import { seededBugs } from './seededBugs.js';
import { races, sights, Tally } from './Tally.js';

/** What the search has to have done often enough to have looked. */
const commands = [
  'get',
  'use',
  'cancel',
  'dial ok',
  'dial fail',
  'dial late',
  'respond',
  'respond and close',
  'die while idle',
  'die while validating',
  'die while leased',
  'bytes on idle',
  'advance time',
  'close',
  're-entrant call',
  'throwing callback',
  'capacity',
];

describe('the pool, driven by random commands', () => {
  it('keeps its promises after every step', () => {
    const tally = new Tally();
    for (const seed of [1, 2, 3, 4]) {
      const finding = search({ ...errors, ...pool }, seed, 2_500, tally);
      if (finding !== null) throw new Error(tell(finding));
    }
    expect(tally.sequences).toBeGreaterThanOrEqual(1_000);
    expect(tally.steps / tally.sequences).toBeGreaterThanOrEqual(50);
    const rare = [...tally.commands].filter(([name, count]) => count < (commands.includes(name) ? 1_000 : 100));
    expect(rare).toEqual([]);
    expect(commands.filter(name => !tally.commands.has(name))).toEqual([]);
    expect(races.filter(race => !tally.races.has(race))).toEqual([]);
    expect(sights.filter(sight => !tally.sights.has(sight))).toEqual([]);
    expect(tally.shared / tally.sequences).toBeGreaterThan(0.25);
  }, 60_000);

  // Without the bugs nothing is found; with any one of them something is, and it is what was expected.
  it.each(seededBugs)('finds a seeded bug: $name', async bug => {
    const finding = search(await load(bug, require), 1, 10_000, new Tally(), true);
    expect(finding?.message).toMatch(bug.noticed);
  });
});
