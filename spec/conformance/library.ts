import { HTTP11ClientProtocol, protocolLimits } from '../../src/protocol/index.js';
import { DeadlineSweep } from '../../src/timing/index.js';
import { HTTPHeaders, ResponseParser, serializeRequestHead } from '../../src/wire/index.js';
import { load, type Mutation } from '../support/bundle.js';
import type { ProtocolLibrary } from '../support/index.js';

/** What is judged. */
export interface Library extends ProtocolLibrary {
  readonly HTTPHeaders: typeof HTTPHeaders;
  readonly ResponseParser: typeof ResponseParser;
  readonly serializeRequestHead: typeof serializeRequestHead;
}

export const library: Library = {
  HTTP11ClientProtocol,
  DeadlineSweep,
  HTTPHeaders,
  ResponseParser,
  protocolLimits,
  serializeRequestHead,
};

/** The same with mutations in it. */
export function mutant(...mutations: readonly Mutation[]): Promise<Library> {
  return load<Library>(
    `export { HTTP11ClientProtocol, protocolLimits } from './protocol/index.js';
     export { DeadlineSweep } from './timing/index.js';
     export { HTTPHeaders, ResponseParser, serializeRequestHead } from './wire/index.js';`,
    mutations,
  );
}
