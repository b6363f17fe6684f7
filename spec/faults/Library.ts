import * as real from '../../src/index.js';
import { load, type Mutation } from '../support/bundle.js';

/** What of the library the harness uses: the library as it is, or one with a guard switched off. */
export type Library = Pick<typeof real, 'Agent' | 'tcp' | 'tls' | 'text' | 'discard'>;

export const library: Library = real;

export function mutated(mutation: Mutation): Promise<Library> {
  return load<Library>(`export * from './index.js';`, [mutation], require);
}
