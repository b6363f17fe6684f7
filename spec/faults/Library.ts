import * as real from '../../src/index.js';
import { load } from '../support/bundle.js';
import type { SeededBug } from '../support/seedBug.js';

/** What of the library the harness uses: the library as it is, or one with a seeded bug. */
export type Library = Pick<typeof real, 'Agent' | 'tcp' | 'tls' | 'text' | 'discard'>;

export const library: Library = real;

export function libraryWith(bug: SeededBug): Promise<Library> {
  return load<Library>(`export * from './index.js';`, bug, require);
}
