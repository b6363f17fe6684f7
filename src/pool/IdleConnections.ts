import { timer } from 'rxjs';
import type { EvictionReason } from '../events/index.js';
import type { DeadlineSweep } from '../timing/index.js';
import type { Bucket, KeyIdle, KeyPlace } from './Bucket.js';
import { IdleTimer } from './IdleTimer.js';
import { LinkedList } from './LinkedList.js';
import { Idle, type PooledConnection } from './Place.js';
import type { PoolSettings } from './PoolOptions.js';

/** The pool closes a connection so many ms before the server has said that it will. */
const keepAliveMargin = 1_000;

/** The longest delay of Node's timers, in ms. A server may say more. */
const longestTimer = 2 ** 31 - 1;

/**
 * The cache of connections that wait to be used again: per key in `idleOrder`, and over all keys by age.
 *
 * Each has its own `timer`. It is subscribed to at the end of the loop turn, if the connection is still idle then, and
 * counts from the return. A connection that is leased again at once never pays for it.
 *
 * ```
 *   returned   i───────────i──────────────
 *   leased        l                          before the turn was over: no timer
 *   timer                   ^──────(x|)      x = evicted
 * ```
 */
export class IdleConnections {
  /** Longest idle first. */
  readonly #all = new LinkedList<KeyIdle>();

  constructor(
    private readonly settings: PoolSettings,
    private readonly deadlines: DeadlineSweep,
    private readonly expired: (place: KeyPlace) => void,
  ) {}

  get length(): number {
    return this.#all.length;
  }

  /** The connection that has been idle the longest, of any key. */
  get oldest(): KeyPlace | undefined {
    return this.#all.first?.place;
  }

  /** How long a connection may be idle after what the server said about it, in ms. 0 or less: not at all. */
  lifetime({ connection }: PooledConnection): number {
    const said = connection.keepAlive?.timeout;
    const { cachedConnectionTimeout } = this.settings;
    return said === undefined
      ? cachedConnectionTimeout
      : Math.min(cachedConnectionTimeout, said * 1_000 - keepAliveMargin, longestTimer);
  }

  /** Takes a connection in that is idle since `since`; null: since this loop turn. */
  put(place: KeyPlace, pooled: PooledConnection, since: number | null, lifetime: number): void {
    const idle = new Idle(place, pooled, since, lifetime);
    place.become(idle);
    place.bucket.idle.push(place);
    this.#all.push(idle);
  }

  /** The connection of a key to use next; null: none takes a request. */
  next(bucket: Bucket): KeyIdle | null {
    const isOldestFirst = this.settings.idleOrder === 'fifo';
    let place = isOldestFirst ? bucket.idle.first : bucket.idle.last;
    while (place !== null) {
      const { state } = place;
      // First: a foreign connection that is found dead leaves the list.
      place = isOldestFirst ? place.next : place.previous;
      if (state.kind === 'idle' && state.pooled.connection.capacity > 0) return state;
    }
    return null;
  }

  /** Why an idle connection cannot be used any more; null: it can. */
  overdue({ pooled, until, isArmed }: KeyIdle): EvictionReason | null {
    // It was checked in this loop turn.
    if (!isArmed) return null;
    // Timers stand still while a machine sleeps; the clock does not.
    const now = this.deadlines.now();
    if (now >= until) return 'idle-timeout';
    return now >= pooled.expiresAt ? 'max-age' : null;
  }

  /** Takes a connection out, before it enters another state. */
  remove(idle: KeyIdle): void {
    idle.place.bucket.idle.remove(idle.place);
    this.#all.remove(idle);
    idle.timer?.unsubscribe();
    idle.timer = null;
  }

  /** Begins the idle life of a connection, at the end of the loop turn in which it became idle. */
  arm(state: KeyIdle): void {
    if (state.isArmed) return;
    const { place, pooled, lifetime } = state;
    const now = this.deadlines.now();
    state.isArmed = true;
    state.until = (state.since ?? now) + lifetime;
    if (lifetime !== Infinity) {
      const due = Math.max(state.until - now, 0);
      state.timer = timer(due, this.settings.scheduler).subscribe(new IdleTimer(place, this.expired));
    }
    // Only now: for a connection that is leased again at once, ref and unref would be two calls for nothing. And last: a
    // foreign connection that throws there takes its timer with it.
    pooled.connection.unref();
  }
}
