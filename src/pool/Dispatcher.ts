/* eslint-disable max-lines -- the life of a lease, to be read from top to bottom in one place */
import { AsyncSubject, Observable, timer, type Subscriber, type Subscription } from 'rxjs';
import {
  AbortedError,
  AcquireTimeoutError,
  ConnectError,
  PoolClosedError,
  PoolQueueFullError,
  UnsolicitedDataError,
  type HTTPClientError,
  type PoolSnapshot,
} from '../errors/index.js';
import type { EvictionReason } from '../events/index.js';
import { Deadline, guarded, reportUnhandled } from '../timing/index.js';
import { Slot, type Bucket, type Holder, type SlotState, type Waiter } from './Bucket.js';
import { Dialer, type DialOwner } from './Dialer.js';
import { Inventory } from './Inventory.js';
import { Lease, type LeaseHost } from './Lease.js';
import type { PoolSettings } from './PoolOptions.js';
import { isGone } from './Receiver.js';

/** How long a get waits for room before a connection of another key that could be used again is closed for it, in ms. */
const patience = 1_000;

/**
 * Who gets which connection.
 *
 * Each method makes its change, whole, and then calls `#drain`. Only the drain loop goes on from there (hands out,
 * validates, dials, tells observers), a step at a time. Whoever is called from inside it may call the pool again: that
 * makes a change, and the loop that is running sees to the rest. So no consumer ever meets a half-made state, and a chain
 * of releases and takes does not grow the stack.
 */
export class Dispatcher implements LeaseHost, DialOwner {
  readonly inventory: Inventory;
  readonly #dialer: Dialer;
  #draining = false;
  /** The time, while a get that has come just now is looked at. */
  #arrival: number | null = null;
  #closed: AsyncSubject<void> | null = null;
  #grace: Subscription | null = null;
  #graceEnds = Infinity;

  constructor(readonly settings: PoolSettings) {
    this.inventory = new Inventory(
      settings,
      slot => this.#evict(slot, 'idle-timeout'),
      slot => this.#leaked(slot),
    );
    this.#dialer = new Dialer(settings, this.inventory, this);
  }

  get closing(): boolean {
    return this.#closed !== null;
  }

  get retries(): boolean {
    return this.settings.retryAutomatically && !this.closing;
  }

  // ---- a get comes and goes --------------------------------------------------------------------------------------

  enqueue(waiter: Waiter): void {
    const { bucket } = waiter;
    bucket.waiters.push(waiter);
    if (waiter.until !== Infinity) {
      waiter.deadline = new Deadline(this.inventory.deadlines, () => this.#timedOut(waiter));
      waiter.deadline.startAt(waiter.until);
    }
    this.inventory.touch(bucket);
    // A get that is served at once knows the time.
    this.#arrival = waiter.since;
    this.#drain();
    this.#arrival = null;
  }

  /** A get was unsubscribed from before it had its lease. */
  cancel(waiter: Waiter): void {
    this.#quit(waiter, () => undefined);
  }

  #timedOut(waiter: Waiter): void {
    const error = new AcquireTimeoutError(
      waiter.until - waiter.since,
      this.#snapshot(waiter.bucket, waiter.since),
      waiter.bucket.lastDialError,
    );
    this.#quit(waiter, () => this.#refuse(waiter, error));
  }

  /** A get leaves the queue. Its dial goes on only if another get can use it. */
  #quit(waiter: Waiter, tell: () => void): void {
    const { bucket, dial } = waiter;
    waiter.settle();
    if (dial?.state === 'connecting') (bucket.abandoned ??= new Set()).add(dial);
    // Those that only gets which have gone as well could have used go with the last of them.
    while (bucket.uncovered < 0) {
      const [abandoned] = bucket.abandoned ?? [];
      if (abandoned === undefined) break;
      this.inventory.leave(abandoned, 'cancelled');
    }
    this.inventory.touch(bucket);
    tell();
    this.#drain();
  }

  #refuse(waiter: Waiter, error: HTTPClientError): void {
    waiter.settle();
    this.inventory.count(waiter.bucket, 'refusals');
    this.inventory.tell(waiter.bucket, { type: 'refused', error });
    guarded(() => waiter.receiver.error(error));
  }

  #snapshot(bucket: Bucket, since: number): PoolSnapshot {
    return bucket.snapshot(this.settings.maxConnectionsPerHost, this.inventory.deadlines.now() - since);
  }

  closedError(bucket: Bucket, since: number): PoolClosedError {
    return new PoolClosedError(this.#snapshot(bucket, since));
  }

  // ---- the drain loop --------------------------------------------------------------------------------------------

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    const { inventory } = this;
    try {
      do {
        const bucket = inventory.nextChanged();
        if (bucket !== null) this.#serve(bucket);
        // Whoever hears of it may change something.
        inventory.outbox.flush();
      } while (inventory.hasChanged);
    } finally {
      this.#draining = false;
    }
    this.#endIfClosed();
  }

  /** One pass over a key: connections that are ready go out; gets that nothing is on its way to are seen to. */
  #serve(bucket: Bucket): void {
    const { starved, ready } = this.inventory;
    const hadTurn = starved.size > 0 && starved.has(bucket);
    do {
      this.#handOut();
      // A pool that is closing may be called by what it ends: it has nothing to give any more.
      while (!this.closing && bucket.uncovered > 0 && this.#supply(bucket));
    } while (ready.length > 0);
    if (starved.size > 0 && bucket.uncovered <= 0) starved.delete(bucket);
    this.#admit(bucket);
    // What it has left over, or had no use for, may do for the next key that waits for room.
    if (hadTurn && !starved.has(bucket)) this.inventory.touchStarved();
    this.inventory.forget(bucket);
  }

  /** Those of other keys as well: each is served all the same. */
  #handOut(): void {
    const { ready } = this.inventory;
    for (let slot = ready.shift(); slot !== null; slot = ready.shift()) {
      if (slot.state !== 'validating') continue; // it died meanwhile
      if (slot.claim !== null) {
        this.#resume(slot, slot.claim);
        continue;
      }
      const { bucket } = slot;
      let waiter = bucket.waiters.first;
      while (waiter !== null && isGone(waiter.receiver)) {
        waiter.settle();
        waiter = bucket.waiters.first;
      }
      // A pool that is closing takes it out instead of caching it.
      if (waiter === null || this.closing) this.#cache(slot);
      else this.#lease(slot, waiter);
    }
  }

  /** Puts one more connection on its way: an idle one, or a new one if there is room. False if there is neither. */
  #supply(bucket: Bucket): boolean {
    const { inventory } = this;
    const arrival = this.#arrival;
    this.#arrival = null; // whoever is called from here may take its time
    const slot = inventory.idle.take(bucket);
    if (slot !== null) {
      const now = arrival ?? inventory.deadlines.now();
      // The wall clock is asked too: timers stand still while a machine sleeps.
      if (now >= slot.until) inventory.leave(slot, 'idle-timeout');
      else if (slot.expiresAt !== null && now >= slot.expiresAt) inventory.leave(slot, 'max-age');
      else this.#dialer.validate(slot);
      return true;
    }
    if (!this.#makeRoom(bucket)) return false;
    const waiter = bucket.firstWithoutDial();
    if (waiter === null) return false;
    const dial = new Slot(bucket, waiter.endpoint);
    dial.waiter = waiter;
    waiter.dial = dial;
    inventory.add(dial);
    this.#dialer.connect(dial);
    return true;
  }

  #makeRoom(bucket: Bucket): boolean {
    const { slots, idle, starved } = this.inventory;
    if (bucket.open >= this.settings.maxConnectionsPerHost) {
      starved.delete(bucket);
      return false;
    }
    if (slots.size >= this.settings.maxConnections) {
      if (idle.oldest === undefined) {
        starved.add(bucket); // at the end of the line, or where it stands in it already
        return false;
      }
      this.inventory.leave(idle.oldest, 'room');
    }
    starved.delete(bucket);
    return true;
  }

  /** Gets that are new since the last pass, and to which no connection is on its way, wait or are refused. */
  #admit(bucket: Bucket): void {
    const { maxPending } = this.settings;
    for (let waiter = bucket.waiters.last; waiter !== null && !waiter.admitted; waiter = bucket.waiters.last) {
      if (bucket.uncovered <= maxPending) break;
      this.#refuse(
        waiter,
        new PoolQueueFullError(maxPending, this.#snapshot(bucket, waiter.since), bucket.lastDialError),
      );
    }
    const waits = bucket.uncovered > 0;
    for (let waiter = bucket.waiters.last; waiter !== null && !waiter.admitted; waiter = waiter.previous) {
      waiter.admitted = true;
      if (waits) this.inventory.tell(bucket, { type: 'pending', depth: bucket.waiters.length });
    }
  }

  // ---- a connection comes, or does not ---------------------------------------------------------------------------

  polled(slot: Slot): void {
    this.inventory.ready.push(slot);
    this.inventory.touch(slot.bucket);
    this.#drain();
  }

  failed(slot: Slot, error: HTTPClientError): void {
    this.#failStarter(slot, error, 'error');
  }

  /** A dial came to nothing. That fails the one who started it, if it still waits, and nobody else. */
  #failStarter(slot: Slot, error: HTTPClientError, reason: EvictionReason): void {
    const { waiter, claim } = slot;
    waiter?.settle(); // first: what is told that the slot is gone may call the pool
    this.inventory.leave(slot, reason, error);
    guarded(() => claim?.error(error));
    guarded(() => waiter?.receiver.error(error));
    this.#drain();
  }

  // ---- a connection is leased ------------------------------------------------------------------------------------

  #lease(slot: Slot, waiter: Waiter): void {
    const { bucket } = slot;
    const { inventory } = this;
    inventory.disown(slot);
    waiter.settle();
    inventory.move(slot, 'leased');
    const acquireTimeout = waiter.until - waiter.since;
    const timeLeft = acquireTimeout === Infinity ? Infinity : waiter.until - inventory.deadlines.now();
    const lease = (slot.lease = new Lease(this, slot, waiter.endpoint, acquireTimeout, timeLeft));
    inventory.countLease(bucket, lease.reused);
    if (inventory.outbox.wants('leased')) {
      inventory.tell(bucket, {
        type: 'leased',
        reused: lease.reused,
        waited: inventory.deadlines.now() - waiter.since,
      }); // sent after the pass: an observer that cancels this get now would lose its connection
    }
    // Ownership passes here: the teardown that follows `next` finds a settled waiter, and does nothing.
    try {
      waiter.receiver.next(lease);
      waiter.receiver.complete();
    } catch (error) {
      reportUnhandled(error);
    }
    if (slot.lease === lease && lease.isUnused) inventory.unused.add(slot);
  }

  used(slot: Slot): void {
    this.inventory.unused.remove(slot);
  }

  #leaked(slot: Slot): void {
    this.inventory.count(slot.bucket, 'leaks');
    this.inventory.tell(slot.bucket, { type: 'leaked', held: this.settings.leaseTimeout });
    this.#evict(slot, 'leaked');
  }

  redial(lease: Holder, dead: Slot, failure: HTTPClientError): Observable<Slot> {
    return new Observable(claim => {
      const { bucket } = dead;
      const { inventory } = this;
      const slot = new Slot(bucket, lease.endpoint);
      slot.lease = lease;
      slot.claim = claim;
      // From the dead connection's place to the new one's in one step: nobody can come between.
      dead.lease = null;
      lease.moved(slot);
      bucket.claimed++;
      inventory.add(slot);
      inventory.leave(dead, 'error', failure);
      inventory.count(bucket, 'retries');
      inventory.tell(bucket, { type: 'retried', error: failure });
      const deadline = new Deadline(inventory.deadlines, () => {
        const { acquireTimeout } = lease;
        const snapshot = bucket.snapshot(this.settings.maxConnectionsPerHost, acquireTimeout);
        this.#failStarter(slot, new AcquireTimeoutError(acquireTimeout, snapshot, bucket.lastDialError), 'cancelled');
      });
      // The time that the lease was held is not counted: it was not spent on waiting for a connection.
      deadline.start(lease.timeLeft);
      this.#dialer.connect(slot);
      this.#drain();
      return () => {
        deadline.dispose();
        // Still claimed: it was given up before there was a connection.
        if (slot.claim !== null) this.#evict(slot, 'cancelled');
      };
    });
  }

  /** The connection that a retried request has waited for is there. */
  #resume(slot: Slot, claim: Subscriber<Slot>): void {
    slot.claim = null;
    slot.bucket.claimed--;
    this.inventory.move(slot, 'leased');
    guarded(() => {
      claim.next(slot);
      claim.complete();
    });
  }

  // ---- a connection comes back -----------------------------------------------------------------------------------

  returned(slot: Slot, used: boolean, now = this.inventory.deadlines.now()): void {
    if (slot.state === 'gone') return;
    const { bucket, lease } = slot;
    const { inventory } = this;
    if (slot.state !== 'leased') {
      const cause = new Error(`A connection was handed back while it was ${slot.state}`);
      this.report(slot, cause);
      // Whoever waits for a new connection has waited for nothing.
      if (!slot.fresh) this.#evict(slot, 'wrong-state', cause);
      else this.#failStarter(slot, new ConnectError(cause.message, { cause }), 'wrong-state');
      return;
    }
    if (used) {
      slot.requests++;
      slot.fresh = false;
    }
    slot.keepAlive = slot.connection!.keepAlive;
    slot.lease = null;
    inventory.unused.remove(slot);
    if (inventory.outbox.wants('quiescent')) inventory.tell(bucket, { type: 'quiescent', requests: slot.requests });
    const reason = this.#unfit(slot, now);
    if (reason !== null) inventory.leave(slot, reason);
    // Those that are made for retries serve no waiter. (One too many that is validated goes idle after all.)
    else if (bucket.waiters.length === 0 || bucket.waiters.length <= bucket.validating - bucket.claimed) {
      this.#cache(slot, now);
    } else if (this.#outranked(bucket)) inventory.leave(slot, 'room');
    else this.#dialer.take(slot);
    const taken = (slot.state as SlotState) === 'validating';
    inventory.touchStarved();
    // The old lease is over before the connection can go to the next, which may be from within `poll`.
    lease?.end('released', null);
    if (taken) this.#dialer.poll(slot);
    this.#drain();
  }

  /** Why a connection is not used again; null if it can be. */
  #unfit(slot: Slot, now: number): EvictionReason | null {
    const { persistent, maxRequestsPerConnection } = this.settings;
    if (this.closing) return 'pool-closed';
    if (!persistent) return 'not-persistent';
    if (slot.requests >= maxRequestsPerConnection || slot.keepAlive?.max === 0) return 'max-requests';
    if (slot.expiresAt !== null && now >= slot.expiresAt) return 'max-age';
    return null;
  }

  /**
   * A get of another key has waited for room for longer than any of this key's, and for long: its turn is first. Without
   * the patience, two busy keys would take each other's place, and dial anew, for every request.
   */
  #outranked(bucket: Bucket): boolean {
    const own = bucket.waiters.first;
    for (const starved of this.inventory.starved) {
      if (starved === bucket) continue;
      const rival = starved.waiters.first;
      if (rival === null || own === null || rival.order > own.order) return false;
      return this.inventory.deadlines.now() - rival.since >= patience;
    }
    return false;
  }

  #cache(slot: Slot, now = this.inventory.deadlines.now()): void {
    const { inventory, settings } = this;
    const lifetime = inventory.idle.lifetime(slot);
    const reason = this.#unfit(slot, now) ?? (lifetime > 0 ? null : 'not-persistent');
    if (reason !== null) {
      inventory.leave(slot, reason);
      return;
    }
    inventory.disown(slot);
    slot.fresh = false; // what waits can go stale
    inventory.move(slot, 'idle');
    inventory.idle.put(slot, lifetime, now);
    const { idle } = slot.bucket;
    if (idle.length > settings.maxPersistentPerHost) inventory.leave(idle.first!, 'overflow');
    if (inventory.idle.length > settings.maxPersistent) inventory.leave(inventory.idle.oldest!, 'overflow');
    inventory.touchStarved();
  }

  // ---- a connection goes -----------------------------------------------------------------------------------------

  disconnected(slot: Slot, error: HTTPClientError | null): void {
    const { state, lease } = slot;
    if (state === 'gone') return;
    // Nobody else can have the place of a connection whose request may go on in it: the lease keeps it.
    if (state === 'leased' && lease?.lost(error)) return;
    const reason = this.#lossReason(slot, error);
    if (state !== 'validating' || !slot.fresh) {
      this.#evict(slot, reason, error ?? undefined);
      return;
    }
    const failure =
      error instanceof UnsolicitedDataError
        ? error
        : new UnsolicitedDataError('The server closed a connection that it had just accepted', {
            cause: error ?? undefined,
          });
    this.#failStarter(slot, failure, reason);
  }

  #lossReason(slot: Slot, error: HTTPClientError | null): EvictionReason {
    if (slot.connection!.progress().state === 'upgraded') return 'upgraded';
    if (error === null) return slot.state === 'leased' ? 'not-persistent' : 'peer-closed';
    if (error.code === 'ERR_UNSOLICITED_DATA') return 'unsolicited-data';
    return error.code === 'ERR_ABORTED' || error.code === 'ERR_BODY_UNCLAIMED' ? 'cancelled' : 'error';
  }

  socketClosed(slot: Slot): void {
    this.inventory.sockets.delete(slot);
    this.#endIfClosed();
  }

  vacated(slot: Slot, error: unknown): void {
    this.#evict(slot, 'error', error ?? undefined);
  }

  #evict(slot: Slot, reason: EvictionReason, error?: unknown): void {
    this.inventory.leave(slot, reason, error);
    this.#drain();
  }

  report({ bucket }: Slot, error: unknown): void {
    this.inventory.tell(bucket, { type: 'error', error });
    // It may come from the middle of a change: the loop that is running, or the next, sends it.
    if (!this.#draining) queueMicrotask(() => this.inventory.outbox.flush());
  }

  // ---- the end ---------------------------------------------------------------------------------------------------

  /** Refuses gets, ends what nobody uses, gives leases their time. A later call can only shorten it. */
  close(gracePeriod: number): Observable<void> {
    const { inventory } = this;
    if (this.#closed === null) {
      this.#closed = new AsyncSubject();
      // Like a pass of the drain loop: the pool is not at its end before the last get has been told.
      const draining = this.#draining;
      this.#draining = true;
      const waiters = [...inventory.buckets.values()].flatMap(bucket => [...bucket.waiters]);
      for (const slot of [...inventory.slots]) {
        const { claim } = slot;
        // One that died before its lease was used has nothing to end by itself.
        if (slot.state === 'leased' && slot.connection!.progress().state !== 'closed') continue;
        inventory.leave(slot, 'pool-closed');
        guarded(() => claim?.error(this.closedError(slot.bucket, slot.dialledAt)));
      }
      for (const waiter of waiters) {
        if (waiter.settled) continue;
        this.#refuse(waiter, this.closedError(waiter.bucket, waiter.since));
        inventory.touch(waiter.bucket); // a key that held nothing else is forgotten
      }
      this.#draining = draining;
    }
    const closed$ = this.#closed.asObservable();
    const ends = inventory.deadlines.now() + gracePeriod;
    if (gracePeriod === 0) this.#closeLeased();
    else if (ends < this.#graceEnds) {
      this.#graceEnds = ends;
      this.#grace?.unsubscribe();
      this.#grace = timer(gracePeriod, this.settings.scheduler).subscribe(() => this.#closeLeased());
    }
    this.#drain();
    return closed$;
  }

  #closeLeased(): void {
    for (const slot of [...this.inventory.slots]) {
      this.inventory.leave(slot, 'pool-closed', new AbortedError('The pool was closed'));
    }
    this.#drain();
  }

  #endIfClosed(): void {
    const { slots, sockets, outbox, deadlines } = this.inventory;
    if (this.#closed === null || this.#closed.closed || this.#draining || slots.size > 0 || sockets.size > 0) return;
    const closed = this.#closed;
    if (closed.isStopped) return;
    this.#grace?.unsubscribe();
    this.#graceEnds = 0; // no later call makes a timer
    deadlines.close();
    if (outbox.wants('closed')) outbox.add({ type: 'closed', key: '', at: deadlines.now() });
    guarded(() => outbox.complete());
    closed.next();
    closed.complete();
  }
}
