import type { Unsubscribable } from 'rxjs';
import type { HTTPClientError } from '../errors/index.js';
import type { EvictionReason } from '../events/index.js';
import type { ExchangeConnection } from '../protocol/index.js';
import type { Dial } from './Dial.js';
import { ListNode } from './LinkedList.js';
import type { Seat } from './Seat.js';
import type { PlaceKind, Tally } from './Tally.js';

/** An established connection, with what the pool remembers of it from one state to the next. */
export class PooledConnection {
  /** Number of requests carried. */
  requests = 0;
  /** The connection has carried a request or has been idle, so that it can have gone stale. */
  reused = false;
  /** `EndOfTurn` has it on its list. */
  isNoted = false;

  constructor(
    readonly connection: ExchangeConnection,
    /** The time from which the connection is too old for another lease. ∞: never. */
    readonly expiresAt: number,
  ) {}
}

/** The dial is under way. */
export interface Connecting<B extends Tally> {
  readonly kind: 'connecting';
  readonly dial: Dial<Place<B>>;
}

/** The event loop has not polled for I/O yet, and no get is given the connection before that. No seat is taken. */
export interface Validating<B extends Tally> {
  readonly kind: 'validating';
  readonly pooled: PooledConnection;
  /** The dial of a new connection, which can still fail. Null: the connection was leased or idle before. */
  readonly dial: Dial<Place<B>> | null;
  /** Number of gets that can count on the connection. */
  seats: number;
  /** The subscription to `validateIdle`, if that is an Observable. */
  poll: Unsubscribable | null;
}

/** Seats are taken. A lease is a seat; an HTTP/1.1 connection has one. */
export interface Open {
  readonly kind: 'open';
  readonly pooled: PooledConnection;
  readonly leases: Seat[];
}

/** No seat is taken: the connection waits to be used again. It is its own node in the pool's list of all idle ones. */
export class Idle<B extends Tally> extends ListNode<Idle<B>> {
  readonly kind = 'idle';
  /** The subscription to the `timer` of the idle life. */
  timer: Unsubscribable | null = null;
  /** The loop turn in which the connection became idle is over: it does not keep the process alive any more. */
  isArmed = false;
  /** The end of the idle life, when `isArmed`. */
  until = Infinity;

  constructor(
    readonly place: Place<B>,
    readonly pooled: PooledConnection,
    /** The beginning of the idle life, on the pool's clock; null: the loop turn in which the connection became idle. */
    readonly since: number | null,
    /** In ms. ∞: the connection may be idle for ever. */
    readonly lifetime: number,
  ) {
    super();
  }
}

/** Seats are taken, and no further lease is given. The place is gone with its last lease. */
export interface Retiring {
  readonly kind: 'retiring';
  readonly pooled: PooledConnection;
  readonly leases: Seat[];
  readonly reason: EvictionReason;
  readonly error: HTTPClientError | undefined;
}

/** The place is free for another connection. */
export interface Gone {
  readonly kind: 'gone';
}

export const gone: Gone = { kind: 'gone' };

export type PlaceState<B extends Tally> = Connecting<B> | Validating<B> | Open | Idle<B> | Retiring | Gone;

/**
 * One connection under the pool's limits, from its dial to its end. The place is its own node among the idle or the
 * ready ones of its key.
 *
 * ```
 *   connecting ──► validating ──► open ──► idle ──► validating ──► open …
 *                      ▲           │ │
 *                      └───────────┘ └──► retiring ──► gone      any of them ──► gone
 * ```
 */
export class Place<B extends Tally> extends ListNode<Place<B>> {
  #state: PlaceState<B>;
  // What the numbers of the key know of the state. V8 reads one property of six kinds of objects slowly.
  #kind: PlaceKind = 'connecting';
  #seats = 0;

  constructor(
    readonly bucket: B,
    dial: Dial<Place<B>>,
  ) {
    super();
    this.#state = { kind: 'connecting', dial };
    bucket.weigh('connecting', 1);
    dial.place = this;
  }

  get state(): PlaceState<B> {
    return this.#state;
  }

  become(next: PlaceState<B>): void {
    const { bucket } = this;
    bucket.weigh(this.#kind, -1);
    bucket.weighValidatingSeats(-this.#seats);
    this.#state = next;
    this.#kind = next.kind;
    this.#seats = next.kind === 'validating' ? next.seats : 0;
    bucket.weigh(this.#kind, 1);
    bucket.weighValidatingSeats(this.#seats);
  }

  /** The capacity of the connection has changed while it is validated. */
  reseat(state: Validating<B>, seats: number): void {
    this.bucket.weighValidatingSeats(seats - this.#seats);
    state.seats = this.#seats = seats;
  }
}
