import { loopTurn, unrefScheduler, type DeadlineSweep } from '../timing/index.js';
import type { Bucket, Place, Slot } from './Bucket.js';
import { LinkedList } from './LinkedList.js';
import type { PoolSettings } from './PoolOptions.js';

/** A server closes an idle connection when it said it would; ours is closed this many ms before. */
const keepAliveMargin = 1_000;

/** The longest delay that Node's timers know, in ms: a server may say more. */
const longestTimer = 2 ** 31 - 1;

/**
 * The cache of connections that wait to be used again: per key, newest first out, and over all keys by age.
 *
 * Each has its own `timer`, cancelled when it is leased. It is armed only for a connection that is still idle when the
 * loop turn ends, so that one which is leased again at once never pays for it; it counts from the return all the same.
 *
 * ```
 *   returned   i───────────i──────────────
 *   leased        l                          before the turn was over: no timer
 *   timer                   ^──────(x|)      x = evicted
 * ```
 */
export class IdleConnections {
  /** Longest idle first. */
  readonly #all = new LinkedList<Place>();

  constructor(
    private readonly settings: PoolSettings,
    private readonly deadlines: DeadlineSweep,
    private readonly expired: (slot: Slot) => void,
  ) {}

  get length(): number {
    return this.#all.length;
  }

  /** The one that has been idle the longest, of whichever key. */
  get oldest(): Slot | undefined {
    return this.#all.first?.slot;
  }

  /** How long a connection may be idle, in ms, after what the server said about it; 0 or less: not at all. */
  lifetime(slot: Slot): number {
    const said = slot.keepAlive?.timeout;
    const { cachedConnectionTimeout } = this.settings;
    return said === undefined
      ? cachedConnectionTimeout
      : Math.min(cachedConnectionTimeout, said * 1_000 - keepAliveMargin, longestTimer);
  }

  /** Takes a connection in that is idle since `now`. */
  put(slot: Slot, lifetime: number, now: number): void {
    slot.until = now + lifetime;
    slot.bucket.idle.push(slot);
    this.#all.push(slot.place);
    if (this.#isVirtual()) this.#arm(slot);
    else if (!slot.arming) {
      slot.arming = true;
      loopTurn.after(() => {
        slot.arming = false;
        if (slot.state === 'idle') this.#arm(slot);
      });
    }
  }

  /** Takes the newest of a key. */
  take(bucket: Bucket): Slot | null {
    const slot = bucket.idle.last;
    if (slot !== null) this.remove(slot);
    return slot;
  }

  remove(slot: Slot): void {
    slot.bucket.idle.remove(slot);
    this.#all.remove(slot.place);
    slot.idleTimer?.unsubscribe();
    slot.idleTimer = null;
  }

  /** In virtual time no turn ends: timers are exact to the frame there. */
  #isVirtual(): boolean {
    const { scheduler, validateIdle } = this.settings;
    if (validateIdle === true) return false;
    // One of the user's may begin with the wall's time. Two readings of that can differ by a tick: then a timer is armed
    // that might have been spared.
    return scheduler === unrefScheduler ? this.deadlines.isVirtual : scheduler.now() !== Date.now();
  }

  #arm(slot: Slot): void {
    // Only now: for a connection that is leased again at once, ref and unref would be two calls for nothing.
    slot.connection!.unref();
    slot.unreffed = true;
    if (slot.until === Infinity || slot.idleTimer !== null) return;
    const rest = Math.max(slot.until - this.deadlines.now(), 0);
    // What `timer` does, less its subscribers: there may be thousands of these.
    slot.idleTimer = this.settings.scheduler.schedule(() => this.expired(slot), rest);
  }
}
