import { HTTP11ClientProtocol, protocolLimits } from '../../src/protocol/index.js';
import { DeadlineSweep } from '../../src/timing/index.js';
import { HTTPHeaders, ResponseParser, serializeRequestHead } from '../../src/wire/index.js';
import { load } from '../support/bundle.js';
import type { ProtocolLibrary } from '../support/index.js';
import type { SeededBug } from '../support/seedBug.js';

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

/** The same with a seeded bug in it. */
export function libraryWith(bug?: SeededBug): Promise<Library> {
  return load<Library>(
    `export { HTTP11ClientProtocol, protocolLimits } from './protocol/index.js';
     export { DeadlineSweep } from './timing/index.js';
     export { HTTPHeaders, ResponseParser, serializeRequestHead } from './wire/index.js';`,
    bug,
  );
}
