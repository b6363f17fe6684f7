import { describe, expect, it } from '@jest/globals';
import { seededBugs } from './seededBugs.js';

// An attack that finds nothing says something only if it finds what is there.
describe('with a seeded bug', () => {
  it.each(seededBugs)(
    '$name: an attack finds it',
    async bug => {
      expect((await bug.attack(bug)).join('\n')).toMatch(bug.finds);
    },
    20_000,
  );
});
