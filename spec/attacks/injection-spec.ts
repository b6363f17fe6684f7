import { describe, expect, it } from '@jest/globals';
import * as library from '../../src/index.js';
import { injection } from './injection.js';

describe('injection', () => {
  it.each(Object.entries(injection))('%s', async (_advisory, attack) => {
    expect(await attack(library)).toEqual([]);
  });
});
