import { describe, expect, it } from '@jest/globals';
import * as library from '../../src/index.js';
import { exhaustion } from './exhaustion.js';

describe('exhaustion', () => {
  it.each(Object.entries(exhaustion))('%s', async (_advisory, attack) => {
    expect(await attack(library)).toEqual([]);
  });
});
