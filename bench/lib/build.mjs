// The build of the library that a client measures: dist/ here, or the one that RXJS_HTTP_POOL_BUILD names (bench/ab.mjs).
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const build = process.env.RXJS_HTTP_POOL_BUILD ?? join(import.meta.dirname, '..', '..', 'dist');

export const library = await import(pathToFileURL(join(build, 'cjs', 'index.js')).href);
