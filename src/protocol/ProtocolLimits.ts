import { count } from '../errors/index.js';
import { responseLimits, type ResponseLimits } from '../wire/index.js';

/** What a response may cost, in bytes and counts. */
export interface ProtocolLimits extends ResponseLimits {
  /**
   * How many bytes of a body are read ahead before it is claimed, and how many are read to save a connection whose
   * consumer has gone. Default 65 536.
   */
  readonly maxDrain: number;
}

/** Limits with their defaults. Throws `InvalidOptionError`. */
export function protocolLimits(init: Partial<ProtocolLimits> = {}): ProtocolLimits {
  return { ...responseLimits(init), maxDrain: count(init, 'maxDrain', 65_536) };
}
