import { describe, expect, it } from '@jest/globals';
import * as library from '../../src/index.js';
import { ssrf } from './ssrf.js';

describe('ssrf', () => {
  it.each(Object.entries(ssrf))('%s', async (_advisory, attack) => {
    expect(await attack(library)).toEqual([]);
  });
});
