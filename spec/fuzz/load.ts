import { load as loadLibrary, type Mutation } from '../support/bundle.js';
import type { Campaign } from './campaign.js';
import type { Tally } from './Tally.js';

export interface FuzzLibrary {
  readonly Campaign: { make(): Promise<Campaign> };
  readonly Tally: new () => Tally;
}

/** The campaign on the library as it is, or with mutations. */
export function load(mutations: readonly Mutation[] = [], require?: NodeJS.Require): Promise<FuzzLibrary> {
  return loadLibrary(`export * from '../spec/fuzz/campaign.js';`, mutations, require);
}
