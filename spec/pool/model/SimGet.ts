import { Subject, type Subscription } from 'rxjs';
import type { SimLease } from './SimLease.js';

/** One subscription to `get` or `use`. */
export class SimGet {
  state: 'waiting' | 'served' | 'failed' | 'cancelled' = 'waiting';
  subscription: Subscription | null = null;
  lease: SimLease | null = null;
  /** Of `use`: ends the inner Observable that holds the lease. */
  readonly hold = new Subject<void>();
  /** Ends the wait by completing it from outside, which tells the consumer before the teardown. */
  readonly stop = new Subject<void>();
  /** Its consumer knows that it is over, and is called before its teardown is. */
  leaving = false;
  /** A connection that it dialled for took fewer than usual. */
  wasPutOff = false;
  /** Its own dial has failed: it will hear of that. */
  doomed = false;
  /** At the end of the last step only the limit over all keys kept it from being dialled for. */
  starved = false;

  constructor(
    readonly id: number,
    readonly key: number,
    readonly scoped: boolean,
    readonly plan: number,
    readonly since: number,
    readonly until: number,
  ) {}

  /** More numbers than the plan has digits for. */
  get traits(): number {
    return Math.imul(this.plan + 1, 0x9e3779b1) >>> 0;
  }
}
