import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { judgeCancel } from './cancel/judge.js';
import { watchUnhandled } from './cancel/CancelPlay.js';
import { cancelControls, faultControls } from './controls.js';
import { judge } from './judge.js';
import { library, mutated } from './Library.js';

jest.setTimeout(30_000);

// A matrix in which nothing is found says something only if it finds what is there.
describe('with a guard switched off', () => {
  const stop = watchUnhandled([]);
  afterAll(stop);

  const node = Number(process.versions.node.split('.')[0]);
  const applicable = faultControls.filter(({ before = Infinity }) => node < before);

  it.each(applicable)('$name: the matrix of faults notices', async ({ mutation, cells, noticed }) => {
    expect(await judge(cells, library)).toEqual([]);
    expect((await judge(cells, await mutated(mutation), 1_000)).join('\n')).toMatch(noticed);
  });

  it.each(cancelControls)('$name: the matrix of cancels notices', async ({ mutation, cells, noticed }) => {
    expect(await judgeCancel(cells, library)).toEqual([]);
    expect((await judgeCancel(cells, await mutated(mutation))).join('\n')).toMatch(noticed);
  });
});
