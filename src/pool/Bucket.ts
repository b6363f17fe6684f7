// In one file, as they are one structure: a key, the gets that wait for it, the places it takes.
import type { Subscriber, Unsubscribable } from 'rxjs';
import type { Endpoint } from '../endpoint/index.js';
import type { HTTPClientError, PoolSnapshot } from '../errors/index.js';
import type { Connection } from '../protocol/index.js';
import type { Deadline } from '../timing/index.js';
import type { InnerLease } from './LeasedProtocol.js';
import { LinkedList, ListNode } from './LinkedList.js';
import { Counters } from './PoolStats.js';
import type { Receiver } from './Receiver.js';

/** All that the pool holds under one key. One that holds nothing is forgotten. */
export class Bucket {
  readonly waiters = new LinkedList<Waiter>();
  /** Oldest first; reused from the end, so that the surplus ages. */
  readonly idle = new LinkedList<Slot>();
  readonly counters = new Counters();
  /** Dials and validations that belong to retried requests: no waiter can count on them. */
  claimed = 0;
  /** Dials whose get has gone, kept for others that wait. */
  abandoned: Set<Slot> | null = null;
  /** It waits for its turn in the drain loop; `next` comes after it. */
  queued = false;
  next: Bucket | null = null;
  lastDialError: unknown = undefined;
  #connecting = 0;
  #validating = 0;
  #leased = 0;

  constructor(readonly key: string) {}

  get connecting(): number {
    return this.#connecting;
  }

  get validating(): number {
    return this.#validating;
  }

  get leased(): number {
    return this.#leased;
  }

  /** Connections that count under the limits. */
  get open(): number {
    return this.#connecting + this.#validating + this.#leased + this.idle.length;
  }

  /** Gets with no connection on its way to them. */
  get uncovered(): number {
    return this.waiters.length + this.claimed - this.#validating - this.#connecting;
  }

  /** The oldest get for which no dial was started. Those that have one are few, and first. */
  firstWithoutDial(): Waiter | null {
    let waiter = this.waiters.first;
    while (waiter !== null && waiter.dial !== null) waiter = waiter.next;
    return waiter;
  }

  get empty(): boolean {
    return this.open === 0 && this.waiters.length === 0;
  }

  /** Adds a slot in that state, or takes it away. */
  weigh(state: SlotState, by: 1 | -1): void {
    if (state === 'connecting') this.#connecting += by;
    else if (state === 'validating') this.#validating += by;
    else if (state === 'leased') this.#leased += by;
  }

  snapshot(max: number, waited: number): PoolSnapshot {
    return {
      key: this.key,
      leased: this.#leased + this.#validating,
      idle: this.idle.length,
      connecting: this.#connecting,
      pending: this.waiters.length,
      max,
      waited,
    };
  }
}

/** A get that waits. It is its own teardown: unsubscribing it leaves the queue. */
export class Waiter extends ListNode<Waiter> {
  /** The dial that was started for it, while that is under way. */
  dial: Slot | null = null;
  /** It has been in a pass of the drain loop: the queue limit does not concern it any more. */
  admitted = false;
  /** It has its lease, or its error, or has gone. */
  settled = false;
  deadline: Deadline | null = null;

  constructor(
    readonly bucket: Bucket,
    readonly endpoint: Endpoint,
    readonly receiver: Receiver<InnerLease>,
    /** Its place among all gets of the pool. */
    readonly order: number,
    readonly since: number,
    /** When its `acquireTimeout` is over, on the pool's clock; ∞ if never. */
    readonly until: number,
    private readonly queue: { cancel(waiter: Waiter): void },
  ) {
    super();
  }

  /** Nothing that happens from here on concerns it. */
  settle(): void {
    this.settled = true;
    this.deadline?.dispose();
    this.bucket.waiters.remove(this);
    if (this.dial !== null) this.dial.waiter = null;
    this.dial = null;
  }

  unsubscribe(): void {
    if (!this.settled) this.queue.cancel(this);
  }
}

/**
 * A place under the pool's limits, and the connection that takes it, from the dial to the end.
 *
 * ```
 *   connecting ──► validating ──► leased ──► idle ──► validating ──► leased …
 *                      ▲             └──────────────────┘  (a get was waiting)
 *   any of them ──► gone
 * ```
 */
export type SlotState = 'connecting' | 'validating' | 'leased' | 'idle' | 'gone';

/** Stands among the idle of its key, or among the validated ones that are on their way to a waiter. */
export class Slot extends ListNode<Slot> {
  state: SlotState = 'connecting';
  connection: Connection | null = null;
  lease: Holder | null = null;
  /** The get whose dial this was, while it waits. */
  waiter: Waiter | null = null;
  /** A retried request, for which alone the connection is made. */
  claim: Subscriber<Slot> | null = null;
  /** The dial, until it has emitted; then the Observable that tells that the loop has polled, if that is one. */
  dial: Unsubscribable | null = null;
  /** Requests carried. */
  requests = 0;
  /** It has neither carried a request nor been idle: if it is dead, it never was alive. */
  fresh = true;
  dialledAt = 0;
  /** When it is too old to be used again; null: never. */
  expiresAt: number | null = null;
  /** How long it may be what it is: idle, or leased and not used. */
  until = Infinity;
  /** What the server said with the last response. */
  keepAlive: Connection['keepAlive'] = undefined;
  /** The `timer` stream of its idle life. */
  idleTimer: Unsubscribable | null = null;
  /** It waits for the end of the loop turn to have its idle timer armed, if it is still idle then. */
  arming = false;
  /** It does not keep the process alive. */
  unreffed = false;
  /** Its place among all that are idle, or among the leases that nobody has used. */
  readonly place = new Place(this);

  constructor(
    readonly bucket: Bucket,
    readonly endpoint: Endpoint,
  ) {
    super();
  }
}

/** The second list that a slot stands in: one of the whole pool's. */
export class Place extends ListNode<Place> {
  constructor(readonly slot: Slot) {
    super();
  }
}

/** A lease, as the place that it takes knows it. */
export interface Holder {
  /** What its get was given; the retry dials through it. */
  readonly endpoint: Endpoint;
  /** What its get was given, in ms. */
  readonly acquireTimeout: number;
  /** What was left of that when it got its connection: the dial of a retry has so long. */
  readonly timeLeft: number;
  /** The connection died. True: the lease keeps the place, as it may go on there with a new connection. */
  lost(error: HTTPClientError | null): boolean;
  /** It goes on in another place. */
  moved(slot: Slot): void;
  /** It is over: from here on the handle is inert. */
  end(how: 'released' | 'closed', error: HTTPClientError | null): void;
}
