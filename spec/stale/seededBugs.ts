import type { SeededBug } from '../support/seedBug.js';
import type { Fault, Moment } from './plan.js';

/** A seeded bug, and where it does harm. */
export interface StaleBug extends SeededBug {
  /** Where all of the requests must come to harm, but for a few. Elsewhere nothing is expected. */
  harms(moment: Moment, fault: Fault): boolean;
}

/** What comes in one read with the response itself is seen by the parser; only an end is not. */
const hidden = (moment: Moment, fault: Fault): boolean => moment !== 'return' || fault === 'fin';

export const seededBugs: readonly StaleBug[] = [
  {
    name: 'no turn of the loop',
    file: 'pool/Polls.ts',
    declaration: 'Polls.add',
    replacement: 'add(place) { this.polled([place]); }',
    // A get that waits has sent its request before anybody else is called.
    harms: (moment, fault) => moment !== 'queue' && hidden(moment, fault),
  },
  {
    name: 'one `setImmediate`',
    file: 'pool/Polls.ts',
    declaration: 'Polls.add',
    replacement: 'add(place) { setImmediate(() => this.polled([place])); }',
    harms: (moment, fault) => !['timers', 'check'].includes(moment) && hidden(moment, fault),
  },
];
