import { loopTurn, unrefScheduler, type DeadlineSweep } from '../timing/index.js';
import type { KeyPlace } from './Bucket.js';
import type { PooledConnection } from './Place.js';
import type { PoolSettings } from './PoolOptions.js';

/**
 * Timers are armed at the end of the loop turn, for what a place is then: idle, or leased and unused. A connection that is
 * leased or returned again and again within one turn never pays for a timer, nor for a reading of the clock.
 *
 * ```
 *   place   idle ─ leased ─ idle ────────
 *   turn    ────────────────────|
 *   timer                        ^──────    one, for the last state
 * ```
 */
export class EndOfTurn {
  /** The places that changed in this turn, each once. Null: none. */
  #changed: KeyPlace[] | null = null;

  constructor(
    private readonly settings: PoolSettings,
    private readonly deadlines: DeadlineSweep,
    /** Arms the timers of a place in its present state. */
    private readonly arm: (place: KeyPlace) => void,
  ) {}

  note(place: KeyPlace, pooled: PooledConnection): void {
    if (pooled.isNoted) return;
    if (this.#isVirtual()) {
      this.arm(place);
      return;
    }
    pooled.isNoted = true;
    if (this.#changed !== null) this.#changed.push(place);
    else {
      this.#changed = [place];
      loopTurn.after(this.#end);
    }
  }

  readonly #end = (): void => {
    const changed = this.#changed;
    this.#changed = null;
    for (const place of changed ?? []) {
      const { state } = place;
      if (!('pooled' in state)) continue;
      state.pooled.isNoted = false;
      this.arm(place);
    }
  };

  /** In virtual time no turn ends: timers are armed at once, so that they are exact to the frame. */
  #isVirtual(): boolean {
    const { scheduler, validateIdle } = this.settings;
    if (validateIdle === true) return false;
    // A scheduler of the user's may begin with the wall's time. Two readings of that can differ by a tick: then a timer is
    // armed that might have been spared.
    return scheduler === unrefScheduler ? this.deadlines.isVirtual : scheduler.now() !== Date.now();
  }
}
