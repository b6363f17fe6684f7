import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

function arrows(directory: string) {
  const args = [join(__dirname, '../scripts/arrows.mjs'), directory];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { status, stdout, problems: stderr.split('\n').filter(line => line !== '') };
}

/** What the checker says of a house of these files. */
function arrowsOf(files: Record<string, string>) {
  const house = mkdtempSync(join(tmpdir(), 'arrows-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(house, path)), { recursive: true });
      writeFileSync(join(house, path), text);
    }
    return arrows(house);
  } finally {
    rmSync(house, { recursive: true });
  }
}

describe('the arrows between the rooms', () => {
  it('all point down in src', () => {
    expect(arrows(join(__dirname, '../src'))).toMatchObject({ status: 0, problems: [] });
  });

  it('may point down to an index, to rxjs and to Node', () => {
    const result = arrowsOf({
      'index.ts': `export * from './protocol/index.js';`,
      'wire/index.ts': `export * from './head.js';`,
      'wire/head.ts': `export const head = 1;`,
      'protocol/index.ts': `
        import { head } from '../wire/index.js';
        import { of } from 'rxjs';
        import { connect } from 'node:net';
        export const all = [head, of, connect];`,
    });
    expect(result).toEqual({ status: 0, stdout: 'arrows: 4 files, 0 problems\n', problems: [] });
  });

  describe('that are wrong', () => {
    const up = `'wire' may not import 'pool': arrows point down only`;
    const wrong: [name: string, file: string, text: string, problem: string][] = [
      ['up', 'wire/import.ts', `import { pool } from '../pool/index.js';`, up],
      ['up, for a type', 'wire/type.ts', `import type { pool } from '../pool/index.js';`, up],
      ['up, inline', 'wire/inline.ts', `type P = import('../pool/index.js').P;`, up],
      ['up, re-exported', 'wire/export.ts', `export * from '../pool/index.js';`, up],
      ['up, dynamic', 'wire/dynamic.ts', `void import('../pool/index.js');`, up],
      ['up, required', 'wire/require.ts', `const p = require('../pool/index.js');`, up],
      ['sideways', 'timing/clock.ts', `import '../errors/index.js';`, `'timing' may not import 'errors'`],
      ['from the pool to the wire', 'pool/a.ts', `import '../wire/index.js';`, `'pool' may not import 'wire'`],
      ['to the root index', 'agent/a.ts', `import '../index.js';`, 'the root index is for users'],
      ['into a room', 'endpoint/a.ts', `import '../wire/head.js';`, `'../wire/head.js' reaches into 'wire'`],
      ['from the root into a room', 'index.ts', `export * from './wire/head.js';`, `reaches into 'wire'`],
      ['to values, from events', 'events/a.ts', `import { e } from '../errors/index.js';`, 'only types'],
      ['out of the sources', 'wire/out.ts', `import '../../package.js';`, 'outside of the sources'],
      ['to no file', 'wire/none.ts', `import './tail.js';`, `'./tail.js' does not exist`],
      ['to a file without .js', 'wire/bare.ts', `import './head';`, 'with its .js extension'],
      ['from the wire to rxjs', 'wire/rx.ts', `import { of } from 'rxjs';`, `'rxjs' may not be imported`],
      ['from the wire to a socket', 'wire/net.ts', `import 'node:net';`, `'node:net' may not be imported`],
      ['to a package', 'agent/zod.ts', `import 'zod';`, `'zod' may not be imported`],
      ['to a built-in without node:', 'agent/zlib.ts', `import 'zlib';`, `'zlib' may not be imported`],
    ];
    const result = arrowsOf({
      'wire/index.ts': `export * from './head.js';`,
      'wire/head.ts': '',
      'pool/index.ts': '',
      'errors/index.ts': '',
      ...Object.fromEntries(wrong.map(([, file, text]) => [file, `\n${text}`])),
    });

    it.each(wrong)('are found: %s', (_, file, _text, problem) => {
      expect(result.problems.filter(line => line.startsWith(`${file}:2: `))).toEqual([
        expect.stringContaining(problem),
      ]);
    });

    it('fail the check, and nothing else is reported', () => {
      expect(result.status).toBe(1);
      expect(result.problems).toHaveLength(wrong.length);
    });
  });

  it('make no circle, not even in a room', () => {
    const { status, problems } = arrowsOf({
      'pool/index.ts': `export * from './a.js';`,
      'pool/a.ts': `import { b } from './b.js'; export const a = b;`,
      'pool/b.ts': `import { c } from './c.js'; export const b = c;`,
      'pool/c.ts': `import type { a } from './a.js'; export const c = (): typeof a => 1;`,
      'wire/index.ts': `export * from './head.js';`,
      'wire/head.ts': `import { head } from './index.js';`,
    });
    expect(status).toBe(1);
    expect(problems).toHaveLength(2);
    expect(problems).toContainEqual(expect.stringMatching(/^circle: (pool\/[abc]\.ts → ){3}pool\/[abc]\.ts$/));
    expect(problems).toContainEqual(expect.stringMatching(/^circle: (wire\/(index|head)\.ts( → )?){3}$/));
  });

  it('start and end in rooms that have a place', () => {
    const { status, problems } = arrowsOf({ 'cellar/index.ts': 'export {};' });
    expect(status).toBe(1);
    expect(problems).toEqual([expect.stringContaining(`the room 'cellar' has no place in the house`)]);
  });

  it('are not fine because there are none', () => {
    expect(arrowsOf({})).toMatchObject({ status: 1, problems: ['arrows: nothing was checked'] });
  });
});
