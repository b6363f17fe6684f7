import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Library } from './World.js';

/** One change to one file of `src/`. */
export interface Mutation {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const src = join(process.cwd(), process.env.MODEL_SRC ?? 'src');

/** The pool as it is, or with mutations, bundled in memory: nothing is written. */
export async function load(
  mutations: readonly Mutation[] = [],
  require = createRequire(join(src, 'index.ts')),
): Promise<Library> {
  const changed = new Map<string, string>();
  for (const { file, from, to } of mutations) {
    const path = join(src, file);
    const source = changed.get(path) ?? readFileSync(path, 'utf8');
    const count = source.split(from).length - 1;
    if (count !== 1)
      throw new Error(`The mutation of ${file} has to find its text once, but finds it ${count} times: ${from}`);
    changed.set(
      path,
      source.replace(from, () => to),
    );
  }
  const bundle = await build({
    stdin: {
      contents: `export * from './pool/index.js'; export * from './errors/index.js';`,
      resolveDir: src,
      loader: 'ts',
    },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'es2022',
    external: ['rxjs'],
    logLevel: 'silent',
    plugins: [
      {
        name: 'mutations',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const contents = changed.get(path);
            return contents === undefined ? undefined : { contents, loader: 'ts' };
          }),
      },
    ],
  });
  const module = { exports: {} };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it was bundled from our own source just now
  new Function('module', 'exports', 'require', bundle.outputFiles[0].text)(module, module.exports, require);
  return module.exports as Library;
}
