// Builds dist/: ES modules, CommonJS, and the types of each, which are the same but for the format that they stand for.
// CommonJS is one file: Node loads it in a third of the time that a hundred take.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

/**
 * What CommonJS has of RxJS is an object of two hundred getters, and a look at it costs as much as a subscription, for
 * each `new Observable` and each reading of the clock. Here every name is looked up once. The names that take the place
 * of `object.name` are as long as that, so that the source map still holds.
 */
function withNamesOfRxJS(code) {
  const used = [...new Set(code.match(/\bimport_rxjs\d*\.\w+/g))];
  return code
    .replaceAll(/\b(import_rxjs\d*)\.(?=\w)/g, '$1$$')
    .replaceAll(/^var (import_rxjs\d*) = require\("rxjs"\);/gm, (line, object) => {
      const names = used.filter(each => each.startsWith(`${object}.`)).map(each => each.slice(object.length + 1));
      return [line, ...names.map(name => `const ${object}$${name} = ${object}.${name};`)].join(' ');
    });
}

/** Modules of Node that most processes never use, or not at first; they take two fifths of the time that loading takes. */
const lazy = ['node:tls', 'node:crypto', 'node:fs/promises'];

/** Has them loaded when something of them is asked for. */
function withLazyModules(code) {
  return lazy.reduce(
    (text, module) =>
      text.replaceAll(
        new RegExp(`^(var import_\\w+ = )require\\("${module}"\\);`, 'gm'),
        `$1new Proxy({}, { get: (_, name) => require("${module}")[name] });`,
      ),
    code,
  );
}

rmSync(join(root, 'dist'), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.esm.json'], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
/** The other entries take the classes from the root: there is one of each in a process. */
const rootOutside = {
  name: 'the root is outside',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\.\/index\.js$/ }, ({ path, importer }) =>
      dirname(dirname(importer)) === join(root, 'src') ? { path, external: true } : undefined,
    );
    // What this one exports stands in the root's file, beside what the root's types tell of.
    onResolve({ filter: /^\.\.?\// }, ({ importer }) =>
      importer === join(root, 'src/protocol/public.ts') ? { path: '../index.js', external: true } : undefined,
    );
    onLoad({ filter: /[\\/]src[\\/]index\.ts$/ }, ({ path }) => ({
      contents: `${readFileSync(path, 'utf8')}
export { HTTP11ClientProtocol } from './protocol/index.js';
export { Deadline, DeadlineSweep } from './timing/index.js';
`,
      loader: 'ts',
    }));
  },
};
const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ['src/index.ts', 'src/protocol/public.ts', 'src/testing/index.ts'],
  outdir: 'dist/cjs',
  plugins: [rootOutside],
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  external: ['rxjs', 'rxjs/testing', 'socks'],
  sourcemap: true,
  sourcesContent: false, // src/ is a part of the package
  logLevel: 'warning',
  write: false,
});
for (const { path, text } of outputFiles) {
  mkdirSync(dirname(path), { recursive: true });
  // A class that refers to itself gets another name inside, and that is what people would see: `_HTTPClientError`.
  const renamed = [...text.matchAll(/^var (\w+) = class _\1\b/gm)].map(([, name]) => name);
  const named = renamed.reduce((code, name) => code.replaceAll(new RegExp(`\\b_${name}\\b`, 'g'), name), text);
  writeFileSync(path, withLazyModules(withNamesOfRxJS(named)));
}
writeFileSync(join(root, 'dist/esm/package.json'), '{ "type": "module", "sideEffects": false }\n');
// The one set of types that was written, once as what `import` gets from the ES modules, once as CommonJS.
cpSync(join(root, 'dist/types'), join(root, 'dist/types-esm'), { recursive: true });
writeFileSync(join(root, 'dist/types-esm/package.json'), '{ "type": "module" }\n');
