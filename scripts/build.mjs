// Builds dist/: ES modules, CommonJS, and the types of each, which are the same but for the format that they stand for.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

rmSync(join(root, 'dist'), { recursive: true, force: true });
for (const project of ['tsconfig.build.esm.json', 'tsconfig.build.cjs.json']) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
writeFileSync(join(root, 'dist/esm/package.json'), '{ "type": "module", "sideEffects": false }\n');
// The one set of types that was written, once as what `import` gets from the ES modules, once as CommonJS.
cpSync(join(root, 'dist/types'), join(root, 'dist/types-esm'), { recursive: true });
writeFileSync(join(root, 'dist/types-esm/package.json'), '{ "type": "module" }\n');
