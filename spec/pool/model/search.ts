import fc from 'fast-check';
import { settingNumbers } from './settings.js';
import { simulate, type Sequence } from './simulate.js';
import { Tally } from './Tally.js';
import type { Library } from './World.js';

export interface Finding {
  readonly seed: number;
  /** Sequences until it was found. */
  readonly runs: number;
  readonly message: string;
  readonly sequence: Sequence;
  /** What happens in the shrunk sequence, step by step. */
  readonly trace: readonly string[];
}

const number = fc.nat({ max: 0x7fffffff });

/** 0 to 160 commands, 80 on average. */
export const sequences: fc.Arbitrary<Sequence> = fc.tuple(
  fc.array(number, { minLength: settingNumbers, maxLength: settingNumbers }),
  fc.array(number, { maxLength: 160, size: 'max' }),
);

/** Looks for a sequence that breaks an invariant, and shrinks it. */
export function search(
  library: Library,
  seed: number,
  runs: number,
  tally: Tally,
  endOnFailure = false,
): Finding | null {
  const details = fc.check(
    fc.property(sequences, sequence => simulate(library, sequence, tally)),
    { seed, numRuns: runs, endOnFailure },
  );
  if (!details.failed) return null;
  const [sequence] = details.counterexample!;
  const trace: string[] = [];
  let message = 'it did not fail again';
  try {
    simulate(library, sequence, new Tally(), trace);
  } catch (error) {
    message = error instanceof Error ? error.message : String(error);
  }
  return { seed, runs: details.numRuns, message, sequence, trace };
}

/** A finding, to be read: the seed, the steps, what was broken. */
export function tell({ seed, runs, message, sequence, trace }: Finding): string {
  return `seed ${seed}, sequence ${runs}, shrunk to ${JSON.stringify(sequence)}:\n${trace.join('\n')}\n=> ${message}`;
}
