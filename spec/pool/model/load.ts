import { load as loadLibrary } from '../../support/bundle.js';
import type { SeededBug } from '../../support/seedBug.js';
import type { Library } from './World.js';

/** The pool as it is, or with a bug in it. */
export function load(bug?: SeededBug, require?: NodeJS.Require): Promise<Library> {
  return loadLibrary(`export * from './pool/index.js'; export * from './errors/index.js';`, bug, require);
}
