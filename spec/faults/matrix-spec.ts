import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { config } from 'rxjs';
import { framings, leases, methods, phases, reads } from './Cell.js';
import { covering, matrix } from './cells.js';
import { closeBlackhole } from './connectFaults.js';
import { thorough } from './effort.js';
import { faultNames } from './faults.js';
import { judge } from './judge.js';
import { library } from './Library.js';

jest.setTimeout(thorough ? 300_000 : 30_000);

const { cells, excluded } = matrix();
const chosen = thorough ? cells : covering(cells);

describe('the matrix of faults', () => {
  afterAll(closeBlackhole);

  it('has every fault, phase, method, lease, way of reading and framing, and every rule of exclusion applies', () => {
    for (const set of [cells, chosen]) {
      expect(new Set(set.map(({ fault }) => fault))).toEqual(new Set(faultNames));
      expect(new Set(set.map(({ phase }) => phase))).toEqual(new Set(phases));
      expect(new Set(set.map(({ method }) => method))).toEqual(new Set(methods));
      expect(new Set(set.map(({ lease }) => lease))).toEqual(new Set(leases));
      expect(new Set(set.map(({ read }) => read))).toEqual(new Set(reads));
      expect(new Set(set.map(({ framing }) => framing))).toEqual(new Set(framings));
    }
    expect([...excluded].filter(([, count]) => count === 0)).toEqual([]);
    const placesOf = (set: typeof cells): Set<string> => new Set(set.map(({ fault, phase }) => `${fault}, ${phase}`));
    expect(placesOf(chosen)).toEqual(placesOf(cells));
    console.log(`${chosen.length} of ${cells.length} cells, in ${placesOf(cells).size} places`);
  });

  it.each(phases)('%s: each request has the outcome it must have, and leaves nothing behind', async phase => {
    const unhandled: unknown[] = [];
    config.onUnhandledError = error => unhandled.push(error);
    const found = await judge(
      chosen.filter(cell => cell.phase === phase),
      library,
    );
    config.onUnhandledError = null;
    expect(found).toEqual([]);
    expect(unhandled).toEqual([]);
  });
});
