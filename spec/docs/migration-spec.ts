import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const root = resolve(__dirname, '../..');
const pages = readdirSync(join(root, 'docs')).filter(file => file.startsWith('coming-from-'));

/** The blocks of a page, `before` and `after` in turn. */
function blocksOf(page: string): { readonly when: string; readonly code: string; readonly line: number }[] {
  const text = readFileSync(join(root, 'docs', page), 'utf8');
  return [...text.matchAll(/^```ts (before|after)\n(.*?)^```$/gms)].map(({ 1: when, 2: code, index }) => ({
    when,
    code,
    line: text.slice(0, index).split('\n').length,
  }));
}

/** What each block prints, run as a module in a process of its own. */
async function run(page: string): Promise<string[][]> {
  mkdirSync(join(root, 'coverage'), { recursive: true });
  const folder = mkdtempSync(join(root, 'coverage/migration-'));
  try {
    const files = blocksOf(page).map(({ when, code }, at) => {
      const file = join(folder, `${at}-${when}.mts`);
      writeFileSync(file, code);
      return file;
    });
    const program = join(root, 'spec/loopback/programs/migration/run.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', program, ...files], { cwd: root });
    let output = '';
    let errors = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    const code = await new Promise(done => child.once('close', done));
    if (code !== 0) throw new Error(`${page} ended with ${String(code)}:\n${errors}`);
    return JSON.parse(output) as string[][];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the pages for those who come from elsewhere', () => {
  it('are those of undici, got, axios and RxJS', () => {
    expect(pages.sort()).toEqual(['axios', 'got', 'rxjs', 'undici'].map(name => `coming-from-${name}.md`));
  });

  it.each(pages)(
    '%s: what is after does what was before',
    async page => {
      const blocks = blocksOf(page);
      expect(blocks.length).toBeGreaterThan(5);
      const printed = await run(page);
      for (let at = 0; at < blocks.length; at += 2) {
        const [before, after] = [blocks[at], blocks[at + 1]];
        expect([before.when, after.when]).toEqual(['before', 'after']);
        expect(printed[at].length).toBeGreaterThan(0);
        expect({ line: after.line, printed: printed[at + 1] }).toEqual({ line: after.line, printed: printed[at] });
      }
    },
    60_000,
  );
});
