import { hearUnhandled } from './Callbacks.js';
import { end, progress } from './ends.js';
import { settingsOf } from './settings.js';
import { step } from './step.js';
import type { Tally } from './Tally.js';
import { World, type Library } from './World.js';

/** A sequence: numbers for the settings, numbers for the commands. */
export type Sequence = readonly [settings: readonly number[], commands: readonly number[]];

/** Runs one sequence from the first get to the last socket. Throws the first `Violation`; `trace` hears of every step. */
export function simulate(library: Library, [numbers, commands]: Sequence, tally: Tally, trace?: string[]): void {
  const settings = settingsOf(numbers);
  const world = new World(library, settings, tally);
  const deaf = hearUnhandled(world);
  if (trace !== undefined) {
    world.trace = trace;
    trace.push(JSON.stringify(settings, (_key, value: unknown) => (value === Infinity ? '∞' : value)));
  }
  tally.sequences++;
  if (settings.capacity > 1) tally.shared++;
  const check = (): void => {
    if (world.violation !== null) throw world.violation as Error;
  };
  try {
    for (const number of commands) {
      step(world, number);
      check();
    }
    if (settings.progress && !world.closing) progress(world);
    check();
    end(world, numbers[15] ?? 0);
    check();
  } finally {
    deaf();
  }
}
