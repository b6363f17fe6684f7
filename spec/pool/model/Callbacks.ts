import { config } from 'rxjs';
import { timeoutProvider } from 'rxjs/internal/scheduler/timeoutProvider';
import type { World } from './World.js';

/** User code that the pool, or RxJS on its way to or from the pool, calls. */
export type Hook =
  'next' | 'error' | 'complete' | 'dial' | 'abortDial' | 'factory' | 'event' | 'released' | 'lost' | 'head' | 'failed';

export const hooks: readonly Hook[] = [
  'next',
  'error',
  'complete',
  'dial',
  'abortDial',
  'factory',
  'event',
  'released',
  'lost',
  'head',
  'failed',
];

/** What is armed to happen inside the next callback of a kind: a command, or an exception. */
interface Trap {
  readonly hook: Hook;
  readonly run: (() => void) | null;
}

/** Thrown by callbacks on purpose. */
export class Deliberate extends Error {
  override readonly name = 'Deliberate';
}

/** The user's code that the pool calls: what happens in it, and what has to hold there. */
export class Callbacks {
  readonly traps: Trap[] = [];
  depth = 0;
  /** Inside a callback in which the pool is consistent, but we cannot know yet what it has done. */
  blurred = 0;
  /** A trap has sprung in this step. */
  sprung = false;
  expectedThrows = 0;

  constructor(private readonly world: World) {}

  /** User code runs: the invariants that hold inside every callback, and what was armed to happen in this one. */
  run(hook: Hook, key: number, exact: boolean): boolean {
    const { world } = this;
    const { counts, tally } = world;
    const failing = world.failing;
    world.failing = null;
    if (!exact) this.blurred++;
    this.depth++;
    counts.dirty.add(key);
    world.connections.settle();
    counts.checkCaps();
    if (this.blurred === 0) counts.check(key);
    // What is called from here may change what the pool knows before we do.
    this.blurred++;
    let throws = false;
    let ran = false;
    for (let at = this.traps.findIndex(trap => trap.hook === hook); at >= 0 && !throws; at = -1) {
      const trap = this.traps[at];
      this.traps.splice(at, 1);
      if (trap.run === null) throws = true;
      else {
        tally.command('re-entrant call');
        tally.hook(hook);
        world.log(`inside ${hook}:`);
        ran = this.sprung = true;
        trap.run();
      }
    }
    this.blurred--;
    this.depth--;
    if (!exact) this.blurred--;
    world.failing = failing;
    if (!throws) return ran;
    world.log(`${hook} throws`);
    tally.command('throwing callback');
    tally.thrown(hook);
    // What an endpoint or a factory throws is a failed dial, not an unhandled error; the pool reports a bad teardown.
    if (hook !== 'dial' && hook !== 'factory' && hook !== 'abortDial') this.expectedThrows++;
    throw new Deliberate(hook);
  }

  /** The pool is called in a way that changes it before we know how. */
  during(call: () => void): void {
    this.blurred++;
    call();
    this.blurred--;
  }

  unhandled(error: unknown): void {
    if (error instanceof Deliberate && this.expectedThrows > 0) this.expectedThrows--;
    else this.world.fail(`unhandled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}

/** What RxJS makes of exceptions of the teardown of an endpoint. */
export function isDeliberate(error: unknown): boolean {
  if (error instanceof Deliberate) return true;
  const errors = error instanceof Error ? (error as { errors?: unknown }).errors : undefined;
  return Array.isArray(errors) && errors.every(inner => inner instanceof Deliberate);
}

/** Errors that RxJS would throw in a turn of their own are heard at once, and by the world in which they happened. */
export function hearUnhandled(world: World): () => void {
  const { onUnhandledError } = config;
  const { delegate } = timeoutProvider;
  const { random } = Math;
  config.onUnhandledError = error => world.callbacks.unhandled(error);
  const at = { setTimeout: (handler: () => void) => (handler(), 0), clearTimeout: () => undefined };
  timeoutProvider.delegate = at;
  Math.random = () => 0;
  return () => {
    config.onUnhandledError = onUnhandledError;
    timeoutProvider.delegate = delegate;
    Math.random = random;
  };
}
