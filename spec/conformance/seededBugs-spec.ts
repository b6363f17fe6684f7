import { describe, expect, it } from '@jest/globals';
import { libraryWith } from './library.js';
import { seededBugs } from './seededBugs.js';

// A judge that finds nothing may be blind.
describe('With a seeded bug the judge sees it', () => {
  const sights = seededBugs.flatMap(bug =>
    Object.entries(bug.seenBy).map(([sight, run]) => ({ name: bug.name, bug, sight, run })),
  );

  it.each(sights)(
    '$name ($sight)',
    async ({ bug, run }) => expect(run(await libraryWith(bug))).rejects.toThrow(),
    30_000,
  );

  it('and without one it sees nothing', async () => {
    const same = await libraryWith();
    for (const { run } of sights) await run(same);
  }, 30_000);
});
