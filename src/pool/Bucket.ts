import type { PoolSnapshot } from '../errors/index.js';
import type { ProtocolContext } from '../protocol/index.js';
import type { Dial } from './Dial.js';
import { LinkedList } from './LinkedList.js';
import type { Idle, PooledConnection, Open, Place, Retiring, Validating } from './Place.js';
import { Counters } from './PoolStats.js';
import type { Seat } from './Seat.js';
import { Tally } from './Tally.js';
import type { Waiter } from './Waiter.js';

export type KeyWaiter = Waiter<Bucket>;
export type KeyPlace = Place<Bucket>;
export type KeyDial = Dial<KeyPlace>;
export type KeyIdle = Idle<Bucket>;
export type KeyValidating = Validating<Bucket>;

/** All that the pool holds under one key. A bucket that holds nothing is forgotten. */
export class Bucket extends Tally {
  /** Oldest first. */
  readonly waiters = new LinkedList<KeyWaiter>();
  /** Longest idle first. */
  readonly idle = new LinkedList<KeyPlace>();
  /** Validated connections that the next pass hands out or caches. */
  readonly ready = new LinkedList<KeyPlace>();
  /** Dials that no get counts on, oldest first. Made when there is one. */
  freeDials: Set<KeyDial> | null = null;
  /** Open connections with a free seat. Made when there is one. */
  withFreeSeats: Set<KeyPlace> | null = null;
  readonly counters = new Counters();
  lastDialError: unknown = undefined;
  /** What the connections of the key are given. Made with the first one. */
  context: ProtocolContext | null = null;
  /** The drain loop has the key in its queue; `next` comes after it there. */
  queued = false;
  next: Bucket | null = null;

  constructor(readonly key: string) {
    super();
  }

  get empty(): boolean {
    return this.waiters.length === 0 && this.open === 0;
  }

  /** Number of gets with neither a dial nor a validating connection on the way to them. */
  get uncovered(): number {
    return Math.max(this.waiters.length - this.links - this.validatingSeats, 0);
  }

  /**
   * The oldest uncovered get. Validated connections go to the head of the queue, so the oldest gets without a dial are
   * covered, as many as there are validating seats.
   */
  get oldestUncovered(): KeyWaiter | null {
    const { uncovered } = this;
    if (uncovered === 0) return null;
    // Mostly this is the get that has just come.
    const { last } = this.waiters;
    if (uncovered === 1 && last!.dial === null) return last;
    let covered = this.validatingSeats;
    for (let waiter = this.waiters.first; waiter !== null; waiter = waiter.next) {
      if (waiter.dial === null && covered-- <= 0) return waiter;
    }
    return null;
  }

  /** The busiest open connection with a free seat. The others empty and age out. */
  get fullestWithFreeSeat(): KeyPlace | null {
    if (this.withFreeSeats === null) return null;
    let fullest: KeyPlace | null = null;
    let most = 0;
    for (const place of this.withFreeSeats) {
      const taken = place.state.kind === 'open' ? place.state.leases.length : 0;
      if (taken <= most) continue;
      fullest = place;
      most = taken;
    }
    return fullest;
  }

  /** Gives a seat of a connection to a lease. */
  seat(place: KeyPlace, pooled: PooledConnection, lease: Seat): void {
    const { state } = place;
    if (state.kind === 'open') state.leases.push(lease);
    else place.become({ kind: 'open', pooled, leases: [lease] });
    this.weighSeat(1);
    this.noteFreeSeats(place);
  }

  /** Takes the seat of a lease back. False: the lease has none here. */
  unseat(place: KeyPlace, { leases }: Open | Retiring, lease: Seat): boolean {
    if (leases.length === 1 && leases[0] === lease) leases.pop();
    else {
      const at = leases.indexOf(lease);
      if (at < 0) return false;
      leases.splice(at, 1);
    }
    this.weighSeat(-1);
    this.noteFreeSeats(place);
    return true;
  }

  /** Lists the place among those with free seats, or takes it off that list. */
  noteFreeSeats(place: KeyPlace): void {
    const { state } = place;
    const isFree =
      state.kind === 'open' && state.leases.length > 0 && state.leases.length < state.pooled.connection.capacity;
    if (isFree) (this.withFreeSeats ??= new Set()).add(place);
    else this.withFreeSeats?.delete(place);
  }

  snapshot(max: number, waited: number): PoolSnapshot {
    return {
      key: this.key,
      leased: this.leased + this.validating,
      idle: this.idling,
      connecting: this.connecting,
      pending: this.waiters.length,
      max,
      waited,
    };
  }
}
