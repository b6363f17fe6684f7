import { describe, expect, it } from '@jest/globals';
import { pollution, sourcesOf } from './pollution.js';

/** Reads that are meant to fall through: `member` compares what it finds with what is on the prototype. */
const allowed = new Set(['src/errors/options.ts']);

describe('prototype pollution', () => {
  it(
    'CVE-2026-25639, CVE-2026-40175, CVE-2026-42033, CVE-2026-42035, CVE-2026-42264, CVE-2026-44494: no option, old or ' +
      'new, is taken from Object.prototype, whatever is there',
    async () => {
      const { steps, findings } = await pollution('values');
      expect(findings).toEqual([]);
      // The work is what it seems to be: requests succeed, and fail as they should.
      expect(steps.filter(step => step.includes('method')).length).toBeGreaterThan(15);
      expect(steps.join('\n')).toMatch(/self-signed: ERR_CONNECT.*SELF_SIGNED/);
    },
    90_000,
  );

  it('nothing else is, either: no line of src/ reads what its object has not', async () => {
    const { findings } = await pollution('reads');
    const files = await sourcesOf(findings.map(({ got }) => got));
    const read = findings.map(({ name }, i) => ({ name, file: files[i] }));
    expect(read.filter(({ file }) => file !== undefined && !allowed.has(file))).toEqual([]);
    // It does see reads: those that are meant.
    expect(read).toContainEqual({ name: 'sent', file: 'src/errors/options.ts' });
  }, 90_000);
});
