import type { AsyncSubject, Subscription, Unsubscribable } from 'rxjs';
import { isHTTPClientError, PoolClosedError, type HTTPClientError, type PoolSnapshot } from '../errors/index.js';
import { EventOutbox, type EvictionReason, type PoolEventDetail } from '../events/index.js';
import type { ExchangeHandle } from '../protocol/index.js';
import { DeadlineSweep, guarded } from '../timing/index.js';
import { Bucket, type KeyPlace } from './Bucket.js';
import { DrainLoop, type LoopOwner } from './DrainLoop.js';
import { EndOfTurn } from './EndOfTurn.js';
import { IdleConnections } from './IdleConnections.js';
import type { LeaseHost } from './LeaseHost.js';
import { gone } from './Place.js';
import { Polls } from './Polls.js';
import type { PoolSettings } from './PoolOptions.js';
import { Counters } from './PoolStats.js';
import { RoomQueue } from './RoomQueue.js';
import type { Seat } from './Seat.js';
import { UnusedLeases } from './UnusedLeases.js';

/** The steps of a lease's life that something outside of the pool sets off. */
export interface Steps {
  /** One pass of the drain loop over a key. */
  serve(core: Core, bucket: Bucket): void;
  /** A connection says that an exchange is over and that its seat can be used again. */
  quiescent(core: Core, place: KeyPlace, exchange: ExchangeHandle): void;
  /** A connection says that it can carry nothing any more. */
  disconnected(core: Core, place: KeyPlace, error: HTTPClientError | null): void;
  /** The pool, as its leases see it. */
  host(core: Core): LeaseHost;
}

/** What one pool holds. The steps change it, each as a whole, and then run the drain loop. */
export class Core implements LoopOwner {
  readonly loop: DrainLoop;
  readonly room: RoomQueue;
  readonly outbox = new EventOutbox();
  readonly totals = new Counters();
  readonly deadlines: DeadlineSweep;
  readonly idle: IdleConnections;
  readonly unused: UnusedLeases;
  readonly turn: EndOfTurn;
  readonly polls: Polls;
  readonly host: LeaseHost;
  readonly buckets = new Map<string, Bucket>();
  /** Every place that is taken. */
  readonly places = new Set<KeyPlace>();
  /** Connections with an open socket, also those that have left the pool. */
  readonly sockets = new Set<KeyPlace>();
  /** Set by `close`. */
  closed: AsyncSubject<void> | null = null;
  grace: Subscription | null = null;
  graceEnds = Infinity;

  constructor(
    readonly settings: PoolSettings,
    readonly steps: Steps,
  ) {
    this.loop = new DrainLoop(this);
    this.room = new RoomQueue(this.loop);
    this.deadlines = new DeadlineSweep(settings.scheduler);
    this.idle = new IdleConnections(settings, this.deadlines, place => this.evict(place, 'idle-timeout'));
    this.unused = new UnusedLeases(settings.leaseTimeout, this.deadlines);
    this.turn = new EndOfTurn(settings, this.deadlines, place => this.#arm(place));
    this.polls = new Polls(places => {
      for (const place of places) this.ready(place);
      this.loop.run();
    });
    this.host = steps.host(this);
  }

  /** One pass of the drain loop over a key. */
  serve(bucket: Bucket): void {
    this.steps.serve(this, bucket);
  }

  get isSettled(): boolean {
    return this.closed === null && this.outbox.isEmpty;
  }

  get closing(): boolean {
    return this.closed !== null;
  }

  bucket(key: string): Bucket {
    let bucket = this.buckets.get(key);
    if (bucket === undefined) this.buckets.set(key, (bucket = new Bucket(key)));
    return bucket;
  }

  /** A key that holds nothing takes no memory. */
  forget(bucket: Bucket): void {
    if (bucket.empty && this.buckets.get(bucket.key) === bucket) this.buckets.delete(bucket.key);
  }

  /**
   * Takes a connection, or a dial, out of the pool. The place is free and the leases are inert before the connection is
   * closed: closing tells consumers, who may call the pool at once.
   */
  leave(place: KeyPlace, reason: EvictionReason, error?: unknown): void {
    const { bucket, state } = place;
    if (state.kind === 'gone') return;
    const dial = state.kind === 'connecting' || state.kind === 'validating' ? state.dial : null;
    const leases = leasesOf(state);
    if (dial !== null) {
      dial.waiter?.unlink();
      bucket.freeDials?.delete(dial);
    }
    if (state.kind === 'open' || state.kind === 'retiring') {
      for (const lease of leases) bucket.unseat(place, state, lease);
    }
    if (state.kind === 'idle') this.idle.remove(state);
    place.list?.remove(place);
    place.become(gone);
    this.places.delete(place);
    if (state.kind !== 'connecting') {
      this.count(bucket, 'evictions');
      this.tell(bucket, { type: 'evicted', reason, error });
    }
    this.room.wake();
    this.loop.touch(bucket);
    const known = isHTTPClientError(error) ? error : null;
    // All leases end before the first lease tells: a listener finds no lease half ended.
    for (const lease of leases) this.endLease(lease, known);
    for (const lease of leases) lease.tellEnd();
    if (state.kind === 'connecting') {
      this.hangUp(bucket, state.dial.subscription);
      return;
    }
    if (state.kind === 'validating') this.hangUp(bucket, state.poll);
    state.pooled.connection.close(known ?? undefined);
  }

  /** The event loop has polled: the connection can be handed out. */
  ready(place: KeyPlace): void {
    if (place.state.kind !== 'validating') return;
    place.bucket.ready.push(place);
    this.loop.touch(place.bucket);
  }

  #arm({ state }: KeyPlace): void {
    if (state.kind === 'idle') this.idle.arm(state);
    // A lease whose connection died is watched as well: the lease may keep its place.
    else if (state.kind === 'open' || state.kind === 'retiring')
      state.leases.forEach(lease => this.unused.watch(lease));
  }

  /** A lease ends with its connection. */
  endLease(lease: Seat, error: HTTPClientError | null): void {
    this.unused.remove(lease);
    lease.end({ how: 'closed', error });
  }

  evict(place: KeyPlace, reason: EvictionReason, error?: unknown): void {
    this.leave(place, reason, error);
    this.loop.run();
  }

  /** Unsubscribes from an Observable of the user's. An exception of its teardown concerns no waiting get. */
  hangUp(bucket: Bucket, subscription: Unsubscribable | null): void {
    try {
      subscription?.unsubscribe();
    } catch (error) {
      this.tell(bucket, { type: 'error', error });
    }
  }

  socketClosed(place: KeyPlace): void {
    this.sockets.delete(place);
    this.endIfClosed();
  }

  /** The pool that was told to close emits when the last socket is closed. */
  endIfClosed(): void {
    const { closed, outbox, deadlines } = this;
    if (closed === null || closed.isStopped || this.loop.running) return;
    if (this.places.size > 0 || this.sockets.size > 0) return;
    this.grace?.unsubscribe();
    this.graceEnds = 0; // no later call makes a timer
    deadlines.close();
    if (outbox.wants('closed')) outbox.add({ type: 'closed', key: '', at: deadlines.now() });
    guarded(() => outbox.complete());
    closed.next();
    closed.complete();
  }

  // ---- what is told of it ----------------------------------------------------------------------------------------

  snapshot(bucket: Bucket, since: number | null): PoolSnapshot {
    const waited = since === null ? 0 : this.deadlines.now() - since;
    return bucket.snapshot(this.settings.maxConnectionsPerHost, waited);
  }

  closedError(bucket: Bucket, since: number | null): PoolClosedError {
    return new PoolClosedError(this.snapshot(bucket, since));
  }

  /** The error of a get that comes when the pool is closing. */
  refusal(key: string, since: number | null): PoolClosedError {
    return this.closedError(this.buckets.get(key) ?? new Bucket(key), since);
  }

  count(bucket: Bucket, what: keyof Counters): void {
    bucket.counters[what]++;
    this.totals[what]++;
  }

  /** Each request counts here: a property that is named costs a third of one that is looked up. */
  countLease(bucket: Bucket, reused: boolean): void {
    bucket.counters.leases++;
    this.totals.leases++;
    if (!reused) return;
    bucket.counters.reuses++;
    this.totals.reuses++;
  }

  tell(bucket: Bucket, detail: PoolEventDetail): void {
    if (!this.outbox.wants(detail.type)) return;
    this.outbox.add({ key: bucket.key, at: this.deadlines.now(), ...detail });
  }

  /** Something went wrong that concerns no caller. */
  report(bucket: Bucket, error: unknown): void {
    this.tell(bucket, { type: 'error', error });
    // It may come from the middle of a change: the loop that is running, or the next, sends it.
    if (!this.loop.running) queueMicrotask(() => this.outbox.flush());
  }
}

/** The leases that end with a place in this state. A retry has no seat yet. */
function leasesOf(state: KeyPlace['state']): readonly Seat[] {
  if (state.kind === 'open' || state.kind === 'retiring') return state.leases.slice();
  const dial = state.kind === 'connecting' || state.kind === 'validating' ? state.dial : null;
  return dial?.beganFor.kind === 'retry' ? [dial.beganFor.lease] : [];
}
