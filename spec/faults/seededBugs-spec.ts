import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { judgeCancel } from './cancel/judge.js';
import { watchUnhandled } from './cancel/CancelPlay.js';
import { judge } from './judge.js';
import { library, libraryWith } from './Library.js';
import { cancelBugs, faultBugs } from './seededBugs.js';

jest.setTimeout(30_000);

// A matrix in which nothing is found says something only if it finds what is there.
describe('with a seeded bug', () => {
  const stop = watchUnhandled([]);
  afterAll(stop);

  it.each(faultBugs)('$name: the matrix of faults notices', async bug => {
    expect(await judge(bug.cells, library)).toEqual([]);
    expect((await judge(bug.cells, await libraryWith(bug), 1_000)).join('\n')).toMatch(bug.noticed);
  });

  it.each(cancelBugs)('$name: the matrix of cancels notices', async bug => {
    expect(await judgeCancel(bug.cells, library)).toEqual([]);
    expect((await judgeCancel(bug.cells, await libraryWith(bug))).join('\n')).toMatch(bug.noticed);
  });
});
