import { load as loadLibrary } from '../support/bundle.js';
import type { SeededBug } from '../support/seedBug.js';
import type { Campaign } from './campaign.js';
import type { Tally } from './Tally.js';

export interface FuzzLibrary {
  readonly Campaign: { make(): Promise<Campaign> };
  readonly Tally: new () => Tally;
}

/** The campaign on the library as it is, or with a seeded bug. */
export function load(bug?: SeededBug, require?: NodeJS.Require): Promise<FuzzLibrary> {
  return loadLibrary(`export * from '../spec/fuzz/campaign.js';`, bug, require);
}
