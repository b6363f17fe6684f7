import { guarded } from './guarded.js';

/**
 * Calls back when the event loop has certainly polled for I/O.
 *
 * One `setImmediate` is not enough: queued from an I/O callback it runs in the check phase of the same iteration, before
 * the next poll. A second one, queued from the first, runs after it. One pair serves all who ask within a turn, and it
 * is ref'd: somebody waits for it.
 *
 * ```
 *   ask  ──┐ poll │ check: first │ poll │ check: second ──► called
 * ```
 */
export class LoopTurn {
  #joining: (() => void)[] = [];
  #polled: (() => void)[] = [];

  #turn = 0;

  /** The turn that `after` joins now. Callers that join the same turn can share one callback. */
  get turn(): number {
    return this.#turn;
  }

  /** Calls `callback` once, after the next poll. */
  after(callback: () => void): void {
    if (this.#joining.push(callback) === 1) setImmediate(this.#first);
  }

  readonly #first = (): void => {
    const batch = this.#joining;
    this.#turn++;
    // The list that was called last turn is empty now and is used again: no allocation in the steady state.
    this.#joining = this.#polled;
    this.#polled = batch;
    setImmediate(this.#second);
  };

  readonly #second = (): void => {
    const batch = this.#polled;
    // Many pools meet here: what one callback throws is not the others' business.
    for (const callback of batch) guarded(callback);
    batch.length = 0;
  };
}

/** The turn that all pools of the process share. */
export const loopTurn = new LoopTurn();
