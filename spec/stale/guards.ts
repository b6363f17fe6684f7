import type { Mutation } from '../support/bundle.js';
import { faults, type Fault, type Moment } from './plan.js';

/** The library as it is, or with a guard of it switched off: a run that finds nothing must find that. */
export interface Guard {
  readonly name: string;
  readonly validateIdle: boolean;
  readonly mutations: readonly Mutation[];
  /** The faults that it is tried with. */
  readonly faults: readonly Fault[];
  /** Where all of the requests must come to harm, but for a few. Elsewhere nothing is expected. */
  readonly harms: (moment: Moment, fault: Fault) => boolean;
}

export const asItIs: Guard = { name: 'as it is', validateIdle: true, mutations: [], faults, harms: () => false };

/** What comes in one read with the response itself is seen by the parser; only an end is not. */
const hidden = (moment: Moment, fault: Fault): boolean => moment !== 'return' || fault === 'fin';

export const controls: readonly Guard[] = [
  {
    name: '`validateIdle: false`',
    validateIdle: false,
    mutations: [],
    faults: ['fin', 'forged'],
    // A get that waits has sent its request before anybody else is called.
    harms: (moment, fault) => moment !== 'queue' && hidden(moment, fault),
  },
  {
    name: 'one `setImmediate`',
    validateIdle: true,
    mutations: [{ file: 'timing/LoopTurn.ts', from: 'setImmediate(this.#second);', to: 'this.#second();' }],
    faults: ['fin', 'forged'],
    harms: (moment, fault) => !['timers', 'check'].includes(moment) && hidden(moment, fault),
  },
];
