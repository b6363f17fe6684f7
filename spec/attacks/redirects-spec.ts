import { describe, expect, it } from '@jest/globals';
import * as library from '../../src/index.js';
import { redirects } from './redirects.js';

describe('redirects and cookies', () => {
  it.each(Object.entries(redirects))('%s', async (_advisory, attack) => {
    expect(await attack(library)).toEqual([]);
  });
});
