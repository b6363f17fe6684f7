import type { Timeouts } from '../../src/index.js';
import { isBefore, type Cell } from './Cell.js';

/** How long a server's silence is waited for that lasts, in ms. All else has the time that it needs. */
const silence = 120;

/** The deadlines of a cell's request: short only where one of them is what ends it. */
export function timeoutsOf({ fault, phase }: Cell): Timeouts {
  const beforeHead = isBefore(phase, 'after the head');
  if (fault === 'stall') {
    return beforeHead && phase !== 'in the request body' ? { headers: silence } : { bodyIdle: silence };
  }
  if (fault === 'says more than it sends') return { bodyIdle: silence };
  // With each byte the silence is over: only a deadline over all of it ends that.
  if (fault === 'drips for ever') return beforeHead ? { headers: 2 * silence } : { total: 8 * silence };
  return {};
}
