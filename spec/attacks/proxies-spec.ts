import { describe, expect, it } from '@jest/globals';
import * as library from '../../src/index.js';
import { proxies } from './proxies.js';

describe('proxies', () => {
  it.each(Object.entries(proxies))('%s', async (_advisory, attack) => {
    expect(await attack(library)).toEqual([]);
  });
});
