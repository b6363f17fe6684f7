import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { seedBug, type SeededBug } from './seedBug.js';

const root = join(__dirname, '../..');
const src = join(root, process.env.MODEL_SRC ?? 'src');

/**
 * A program with all that it imports but the packages in `external`, as one CommonJS script, with the seeded bug in it.
 * Nothing is written. `rxjs-http-pool` in an import is `src/index.ts`, as everywhere in this repository.
 */
export async function bundle(
  entry: { readonly file: string } | { readonly contents: string },
  { bug, external = [] }: { bug?: SeededBug; external?: readonly string[] } = {},
): Promise<string> {
  const changed = await changedBy(bug);
  const { outputFiles } = await build({
    ...('file' in entry
      ? { entryPoints: [entry.file] }
      : { stdin: { contents: entry.contents, resolveDir: src, loader: 'ts' } }),
    tsconfig: join(root, 'tsconfig.json'),
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: [...external],
    logLevel: 'silent',
    plugins: [
      {
        name: 'seeded bug',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const contents = changed.get(path);
            return contents === undefined ? undefined : { contents, loader: 'ts' };
          }),
      },
    ],
  });
  return outputFiles[0].text;
}

/** What `contents` exports (imports in it are relative to `src/`), in this process, with the seeded bug in it. */
export async function load<T>(
  contents: string,
  bug?: SeededBug,
  require = createRequire(join(src, 'index.ts')),
): Promise<T> {
  // One rxjs for all: the Observables of one copy shall be the operators' of the other.
  const text = await bundle({ contents }, { bug, external: ['rxjs'] });
  const module = { exports: {} };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it was bundled from our own source just now
  new Function('module', 'exports', 'require', '__dirname', text)(module, module.exports, require, dirname(src));
  return module.exports as T;
}

/** The text of the file that the bug changes, by path. */
async function changedBy(bug: SeededBug | undefined): Promise<ReadonlyMap<string, string>> {
  if (bug === undefined) return new Map();
  const path = join(src, bug.file);
  return new Map([[path, await seedBug(readFileSync(path, 'utf8'), bug)]]);
}
