import { describe, expect, it } from '@jest/globals';
import * as library from '../../src/index.js';
import { secrets } from './secrets.js';

describe('secrets', () => {
  it.each(Object.entries(secrets))('%s', async (_advisory, attack) => {
    expect(await attack(library)).toEqual([]);
  });
});
