import { load as loadLibrary, type Mutation } from '../../support/bundle.js';
import type { Library } from './World.js';

/** The pool as it is, or with mutations. */
export function load(mutations: readonly Mutation[] = [], require?: NodeJS.Require): Promise<Library> {
  return loadLibrary(`export * from './pool/index.js'; export * from './errors/index.js';`, mutations, require);
}
