// Run by Stryker in its copy of the repository: all specs of one room and the mutated src/, as the one script room.cjs.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const room = process.env.MUTATION_ROOM;
const folder = join('spec', room);

// What is random would give every run another score; and in one script nobody tells whose frame of a stack is whose.
const leftOut = ['properties-spec.ts', 'captureStacks-spec.ts'];
const specs = readdirSync(folder).filter(file => file.endsWith('-spec.ts') && !leftOut.includes(file));
// How messages are framed is told by tables that several rooms share.
if (room !== 'pool') specs.push('../mutation/tables.ts');
// What a room does for those above it is told by theirs.
if (room === 'protocol') {
  specs.push('../pool/shouldRetry-spec.ts', '../pool/Retry-spec.ts', '../pool/foreign-spec.ts');
  specs.push('../agent/HTTPResponse-spec.ts');
  specs.push('../operators/text-spec.ts', '../interceptors/limitBody-spec.ts');
}
if (room !== 'wire') specs.push('../agent/Agent-spec.ts', '../agent/Operation-spec.ts', '../agent/Route-spec.ts');
const blocks = specs.map(file => `describe(${JSON.stringify(file)}, () => void require('./${file}'));`);
// Here and not in a file of its own, as the specs of the model search for hundreds of times as long.
if (room === 'pool') {
  blocks.push(`describe('the model', () => {
    const { search } = require('./model/search.ts');
    const { Tally } = require('./model/Tally.ts');
    const library = { ...require('../../src/errors/index.ts'), ...require('../../src/pool/index.ts') };
    it('keeps its promises', () => expect(search(library, 1, 100, new Tally(), true)).toBeNull());
  });`);
}

await build({
  stdin: {
    contents: `import { describe, expect, it } from '@jest/globals';\n${blocks.join('\n')}`,
    resolveDir: folder,
    loader: 'ts',
  },
  alias: { '@jest/globals': './spec/mutation/globals.cjs' },
  outfile: 'spec/mutation/room.cjs',
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  // These are loaded once, and not for every mutant.
  external: ['jest-circus', '@jest/expect', 'fast-check', 'esbuild'],
  logLevel: 'warning',
});
