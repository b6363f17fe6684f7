// What an import of one thing brings along, in a bundle: node scripts/treeshake.mjs. Needs a build.
import { fileURLToPath } from 'node:url';
import { dirname } from 'node:path';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The rooms of the package in a bundle of this program, with their bytes. */
async function rooms(contents) {
  const { metafile } = await build({
    stdin: { contents, resolveDir: root, loader: 'js' },
    bundle: true,
    minify: true,
    treeShaking: true,
    platform: 'node',
    format: 'esm',
    external: ['rxjs'],
    write: false,
    metafile: true,
  });
  const [{ inputs, bytes }] = Object.values(metafile.outputs);
  const sizes = {};
  for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
    const room = /^dist\/esm\/([^/]+)\//.exec(path)?.[1];
    if (room !== undefined && bytesInOutput > 0) sizes[room] = (sizes[room] ?? 0) + bytesInOutput;
  }
  return { bytes, sizes };
}

const from = "from './dist/esm/index.js'";
const cases = [
  ['all of it', `export * ${from}`, []],
  ['Agent, text', `export { Agent, text } ${from}`, ['interceptors']],
  ['HTTPConnectionPool, tcp', `export { HTTPConnectionPool, tcp } ${from}`, ['agent', 'interceptors', 'operators']],
  [
    'HTTP11ClientProtocol',
    "export { HTTP11ClientProtocol } from './dist/esm/protocol/public.js'",
    ['agent', 'interceptors', 'operators', 'pool'],
  ],
  ['HTTPConnectionPool', `export { HTTPConnectionPool } ${from}`, ['agent', 'interceptors', 'operators']],
];
let failed = false;
for (const [name, contents, unwanted] of cases) {
  const { bytes, sizes } = await rooms(contents);
  const shown = Object.entries(sizes)
    .sort(([, one], [, other]) => other - one)
    .map(([room, size]) => `${room} ${(size / 1000).toFixed(1)}`);
  console.log(`${name}: ${(bytes / 1000).toFixed(1)} kB, minified: ${shown.join(', ')}`);
  for (const room of unwanted.filter(room => room in sizes)) {
    failed = true;
    console.error(`  ${room}/ should not be in it`);
  }
}
if (failed) process.exitCode = 1;
