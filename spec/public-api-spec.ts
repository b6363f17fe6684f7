import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';

const root = join(__dirname, '..');
const golden = join(__dirname, 'public-api.golden.d.ts');

it('exports what spec/public-api.golden.d.ts says (after a change that is meant: npm run api:update)', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/public-api.mjs'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(existsSync(golden) ? readFileSync(golden, 'utf8') : 'no golden file yet: npm run api:update').toBe(stdout);
}, 60_000);
