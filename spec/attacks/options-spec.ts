import { describe, expect, it } from '@jest/globals';
import * as library from '../../src/index.js';
import { options } from './options.js';

describe('options', () => {
  it.each(Object.entries(options))('%s', async (_advisory, attack) => {
    expect(await attack(library)).toEqual([]);
  });
});
