import { describe, expect, it } from '@jest/globals';
import * as library from '../../src/index.js';
import { smuggling } from './smuggling.js';

describe('smuggling', () => {
  it.each(Object.entries(smuggling))('%s', async (_advisory, attack) => {
    expect(await attack(library)).toEqual([]);
  });
});
