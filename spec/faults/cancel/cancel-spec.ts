import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { closeBlackhole } from '../connectFaults.js';
import { library } from '../Library.js';
import { actionNames, cancelCells, states } from './cells.js';
import { watchUnhandled } from './CancelPlay.js';
import { judgeCancel } from './judge.js';

jest.setTimeout(30_000);

describe('whoever ends a request, wherever it is', () => {
  afterAll(closeBlackhole);

  it('the matrix has every state and every action', () => {
    expect(new Set(cancelCells.map(({ state }) => state))).toEqual(new Set(states));
    expect(new Set(cancelCells.map(({ action }) => action))).toEqual(new Set(actionNames));
    console.log(`${cancelCells.length} cells`);
  });

  it.each(states)('%s', async state => {
    const strays: unknown[] = [];
    const stop = watchUnhandled(strays);
    const found = await judgeCancel(
      cancelCells.filter(cell => cell.state === state),
      library,
    );
    stop();
    expect(found).toEqual([]);
    expect(strays).toEqual([]);
  });
});
