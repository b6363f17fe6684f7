import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { resources, socketResources, turns, until } from '../../loopback/index.js';
import { blackholePort, closeBlackhole } from '../connectFaults.js';
import { thorough } from '../effort.js';
import { library } from '../Library.js';
import { cancelCells } from './cells.js';
import { watchUnhandled } from './CancelPlay.js';
import { judgeCancel } from './judge.js';

const rounds = thorough ? Number(process.env.ROUNDS ?? 200) : 2;
/** The state that moves 8 MiB takes as long as all others together: it has a part in each tenth round. */
const light = cancelCells.filter(({ state }) => !state.includes('8 MiB'));
const allowed = 5 * 2 ** 20;

jest.setTimeout(thorough ? 3_600_000 : 60_000);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function heap(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await turns(3);
    collect();
  }
  return process.memoryUsage().heapUsed;
}

describe('what is left of requests that were ended', () => {
  beforeAll(blackholePort);
  afterAll(closeBlackhole);

  it(`nothing, after ${rounds} rounds of all cells`, async () => {
    const strays: unknown[] = [];
    const stop = watchUnhandled(strays);
    // One for all of them, as a program has that shuts down.
    const { signal } = new AbortController();
    const run = (round: number): Promise<string[]> =>
      judgeCancel(round % 10 === 0 ? cancelCells : light, library, { signal });
    const before = { sockets: socketResources(), timers: resources('Timeout') };
    // The first round fills caches, and compiles.
    expect(await run(0)).toEqual([]);
    const heapBefore = await heap();
    for (let round = 1; round <= rounds; round++) expect(await run(round)).toEqual([]);
    await until(() => resources('Timeout') <= before.timers && socketResources() <= before.sockets, 'all to be closed');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect((await heap()) - heapBefore).toBeLessThan(allowed);
    stop();
    expect(strays).toEqual([]);
    console.log(`${rounds} rounds of ${cancelCells.length} cells, heap grew by ${(await heap()) - heapBefore} bytes`);
  });
});
