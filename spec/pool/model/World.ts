import { config, NEVER, Observable, of, Subject, takeUntil, type Subscriber, type Subscription } from 'rxjs';
import { timeoutProvider } from 'rxjs/internal/scheduler/timeoutProvider';
import type { Transport } from '../../../src/endpoint/index.js';
import type * as Errors from '../../../src/errors/index.js';
import type { HTTPClientError } from '../../../src/errors/index.js';
import type { PoolEvent } from '../../../src/events/index.js';
import type * as Pool from '../../../src/pool/index.js';
import { HTTPConnectionPool, type LeasedProtocol } from '../../../src/pool/index.js';
import type { ProtocolRequest } from '../../../src/protocol/index.js';
import { SimTransport, SimConnection, type SimResponse } from './SimConnection.js';
import type { Settings } from './settings.js';
import type { Race, Tally } from './Tally.js';
import { VirtualClock } from './VirtualClock.js';

/** The pool under test: the one in `src/`, or one that a mutation was made to. */
export type Library = typeof Errors & typeof Pool;

/** User code that the pool, or RxJS on its way to or from the pool, calls. */
export type Hook =
  'next' | 'error' | 'complete' | 'dial' | 'abortDial' | 'factory' | 'event' | 'released' | 'lost' | 'head' | 'failed';

export const hooks: readonly Hook[] = [
  'next',
  'error',
  'complete',
  'dial',
  'abortDial',
  'factory',
  'event',
  'released',
  'lost',
  'head',
  'failed',
];

/** What is armed to happen inside the next callback of a kind: a command, or an exception. */
interface Trap {
  readonly hook: Hook;
  readonly run: (() => void) | null;
}

export class Violation extends Error {
  override readonly name = 'Violation';
}

/** Thrown by callbacks on purpose. */
export class Deliberate extends Error {
  override readonly name = 'Deliberate';
}

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
  /** At the end of the last step only the limit over all keys kept it from being dialled for. */
  starved = false;
  overtaken = 0;

  constructor(
    readonly id: number,
    readonly key: number,
    readonly scoped: boolean,
    readonly plan: number,
    readonly since: number,
    readonly until: number,
  ) {}
}

export class SimLease {
  state: 'ready' | 'used' | 'over' = 'ready';
  request: SimRequest | null = null;
  released = 0;
  echoes = 0;
  losses = 0;
  readonly since: number;

  constructor(
    readonly get: SimGet,
    readonly protocol: LeasedProtocol,
    public connection: SimConnection,
  ) {
    this.since = connection.world.clock.now();
  }
}

export class SimDial {
  state: 'connecting' | 'emitting' | 'connected' | 'failed' | 'aborted' = 'connecting';
  /** The factory was asked for a connection. */
  made = false;
  subscribing = true;

  constructor(
    readonly world: World,
    readonly get: SimGet,
    readonly subscriber: Subscriber<Transport>,
    /** The request that it is made again for. */
    readonly claim: SimRequest | null,
  ) {}

  get key(): number {
    return this.get.key;
  }

  get open(): boolean {
    return this.state === 'connecting' || this.state === 'emitting';
  }
}

type RequestMode = 'waits' | 'slow' | 'answered' | 'lost' | 'invalid';

export class SimRequest implements ProtocolRequest {
  readonly path = '/';
  declare readonly method: string;
  declare readonly body?: ProtocolRequest['body'];
  declare readonly idempotent?: boolean;
  mode: RequestMode;
  readonly writes: boolean;
  readonly replayable: boolean;
  readonly safe: boolean;
  written = 0;
  attempts = 0;
  first: { connection: SimConnection; error: HTTPClientError; again: boolean } | null = null;
  redials = 0;
  settled: 'head' | 'error' | 'cancelled' | null = null;
  aborted = false;
  subscription: Subscription | null = null;
  response: SimResponse | null = null;
  scoped: Subscriber<unknown> | null = null;

  constructor(
    readonly world: World,
    readonly lease: SimLease,
    code: number,
  ) {
    const modes: readonly RequestMode[] = [
      'waits',
      'waits',
      'waits',
      'slow',
      'waits',
      'slow',
      'answered',
      'lost',
      'invalid',
      'answered',
      'lost',
      'answered',
    ];
    this.mode = modes[code % modes.length]!;
    this.method = (code >> 4) % 3 === 2 ? 'POST' : 'GET';
    this.writes = (code >> 6) % 4 !== 3;
    const kind = (code >> 8) % 4;
    if (kind === 2) this.body = 'text';
    if (kind === 3) this.body = oneShot;
    if ((code >> 10) % 8 === 7) this.idempotent = this.method === 'POST';
    this.replayable = kind !== 3;
    this.safe = this.idempotent ?? this.method === 'GET';
  }

  /** The connection is about to tell that the request failed on it. */
  failedAfter(connection: SimConnection, error: HTTPClientError, responseByte: boolean): void {
    if (this.first !== null) return;
    const { world } = this;
    const sent = error.code !== 'ERR_REQUEST_NOT_SENT' && this.writes;
    const again =
      world.settings.pool.retryAutomatically &&
      !world.closing &&
      connection.reused &&
      !this.aborted &&
      this.settled === null &&
      !responseByte &&
      lossCodes.has(error.code) &&
      (!sent || this.safe) &&
      (!sent || this.replayable);
    this.first = { connection, error, again };
    // A second attempt is over another connection, on which nothing of this is repeated.
    if (this.mode === 'lost') this.mode = 'waits';
  }
}

const lossCodes = new Set(['ERR_REQUEST_NOT_SENT', 'ERR_REQUEST_TRANSMISSION_FAILED', 'ERR_RESPONSE_NEVER_RECEIVED']);
const oneShot: AsyncIterable<string> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) };

/** A key may go before another that waits for room only so long, in ms. */
const patience = 1_000;
const counted = ['opened', 'connectFailures', 'leases', 'reuses', 'retries', 'evictions', 'refusals'] as const;
const keyNames = ['a', 'b', 'c', 'd'];
const noStats = new HTTPConnectionPool().stats();

/** A pool, everything around it, and what has to be true of it. */
export class World {
  readonly clock = new VirtualClock();
  readonly pool: HTTPConnectionPool;
  readonly errors: Library;
  readonly gets: SimGet[][] = [[], [], [], []];
  readonly dials: SimDial[] = [];
  readonly connections: SimConnection[] = [];
  readonly leases: SimLease[] = [];
  readonly over: SimLease[] = [];
  /** Per key, oldest first. */
  readonly idle: SimConnection[][] = [[], [], [], []];
  readonly ready: SimConnection[][] = [[], [], [], []];
  readonly traps: Trap[] = [];
  readonly closings: number[] = [];
  closing = false;
  closed = 0;
  /** The request whose failure the pool is being told. */
  failing: SimRequest | null = null;
  violation: Violation | null = null;
  trace: string[] | null = null;
  /** Connections that the pool is about to validate, the innermost last. */
  readonly #touched: SimConnection[] = [];
  #ids = 0;
  #inNext = 0;
  /** Inside a callback in which the pool is consistent, but we cannot know yet what it has done. */
  #blurred = 0;
  #expectedThrows = 0;
  #cancelledInside = 0;
  #failedInside = 0;
  #steps = 0;
  readonly #dirty = new Set<number>();
  #depth = 0;
  readonly #counts = { opened: 0, connectFailures: 0, leases: 0, reuses: 0, retries: 0, evictions: 0, refusals: 0 };
  readonly #deadDials = new Set<unknown>();
  /** What happened in this step, for the race matrix. */
  readonly #cancelled = new Set<SimGet>();
  readonly #emitted = new Set<SimGet>();
  readonly #cancelledKeys = new Set<number>();
  readonly #returnedKeys = new Set<number>();
  readonly #timedOutKeys = new Set<number>();
  readonly #deliveredKeys = new Set<number>();
  #instant = -1;
  readonly #askedNow = new Set<number>();
  readonly #expiredNow = new Set<number>();

  constructor(
    readonly library: Library,
    readonly settings: Settings,
    readonly tally: Tally,
  ) {
    this.errors = library;
    const { validation } = settings;
    this.pool = new library.HTTPConnectionPool(
      {
        ...settings.pool,
        scheduler: this.clock,
        validateIdle: validation === 'off' ? false : new Observable<void>(subscriber => this.#validates(subscriber)),
      },
      transport => this.#makeConnection((transport as unknown as SimTransport).dial),
    );
    if (settings.observed) {
      this.pool.events.subscribe({ next: event => this.#onEvent(event), error: () => this.fail('events errored') });
    }
  }

  fail(message: string): void {
    this.violation ??= new Violation(message);
  }

  log(text: string): void {
    this.trace?.push(`${'  '.repeat(this.#depth + 1)}${text}`);
  }

  // ---- steps -----------------------------------------------------------------------------------------------------

  beginStep(): void {
    this.#touched.length = 0;
    this.#cancelled.clear();
    this.#emitted.clear();
    this.#cancelledKeys.clear();
    this.#returnedKeys.clear();
    this.#timedOutKeys.clear();
    this.#deliveredKeys.clear();
  }

  /** The invariants that hold whenever the pool is at rest. */
  endStep(): void {
    // Snapshots cost more than all the rest: of a key that nothing has happened to, one is taken now and then.
    const whole = ++this.#steps % 8 === 0;
    for (let key = 0; key < this.settings.keys; key++) if (whole || this.#dirty.has(key)) this.checkCounts(key);
    if (whole || this.#dirty.size > 0) this.#checkTotals();
    this.#dirty.clear();
    const now = this.clock.now();
    const { maxConnectionsPerHost, maxConnections, maxPersistentPerHost, maxPersistent } = this.settings.pool;
    let total = 0;
    let idle = 0;
    for (const connection of this.connections) {
      if (connection.place === 'gone') continue;
      total++;
      if (connection.place === 'idle') idle++;
      if (connection.place === 'idle' && !connection.alive) this.fail(`idle connection ${connection.id} is dead`);
      if (connection.place === 'born') this.fail(`connection ${connection.id} was not taken up`);
      if (connection.place === 'ready') this.fail(`connection ${connection.id} is ready and nobody got it`);
      if (connection.place === 'validating' && connection.validation === null) {
        this.fail(`connection ${connection.id} is neither idle, validating, leased nor gone`);
      }
      if (connection.place === 'leased' && connection.lease === null) this.fail(`${connection.id} is leased to nobody`);
      if (connection.place === 'idle' && connection.idleUntil < now) this.fail(`${connection.id} is idle for too long`);
    }
    for (const dial of this.dials) if (dial.open) total++;
    for (const lease of this.leases) {
      if (lease.state !== 'ready' || lease.since + this.settings.pool.leaseTimeout + 20 >= now) continue;
      this.fail(`the unused lease of get ${lease.get.id} outlived leaseTimeout`);
    }
    if (idle > maxPersistent) this.fail(`${idle} idle, maxPersistent ${maxPersistent}`);
    for (let key = 0; key < this.settings.keys; key++) {
      const waiting = this.gets[key];
      if (this.idle[key].length > maxPersistentPerHost) this.fail(`too many idle under ${keyNames[key]}`);
      for (const get of waiting) {
        get.starved = false;
        if (get.until + 20 < now) this.fail(`get ${get.id} waits ${now - get.until} ms past its acquireTimeout`);
      }
      if (waiting.length === 0) continue;
      if (this.closing) this.fail(`get ${waiting[0].id} waits while the pool is closing`);
      const uncovered = this.#uncovered(key);
      if (uncovered <= 0) continue;
      const open = this.#open(key);
      if (this.idle[key].length > 0) this.fail(`${uncovered} gets of ${keyNames[key]} wait beside an idle connection`);
      if (open < maxConnectionsPerHost && (total < maxConnections || idle > 0)) {
        this.fail(`${uncovered} gets of ${keyNames[key]} wait though there is room: lost wake-up`);
      }
      if (open < maxConnectionsPerHost) for (const get of waiting.slice(-uncovered)) get.starved = true;
    }
  }

  /** An exception that comes out of the pool where none may. */
  guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.fail(`an exception escaped: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }

  // ---- what the pool has, seen from outside ------------------------------------------------------------------------

  #open(key: number): number {
    let open = 0;
    for (const connection of this.connections) if (connection.key === key && connection.place !== 'gone') open++;
    for (const dial of this.dials) if (dial.key === key && dial.open) open++;
    return open;
  }

  /** Gets that nothing is on its way to. What is made for a retried request is on its way to nobody else. */
  #uncovered(key: number): number {
    let uncovered = this.gets[key].length;
    for (const connection of this.connections) {
      if (connection.key !== key || connection.claimed) continue;
      if (connection.place === 'validating' || connection.place === 'ready') uncovered--;
    }
    for (const dial of this.dials) if (dial.key === key && dial.open && dial.claim === null) uncovered--;
    return uncovered;
  }

  /** Over all keys, by our own count: that of each key is compared with the pool's whenever something happens to it. */
  checkCaps(): void {
    let open = 0;
    for (const connection of this.connections) if (connection.place !== 'gone') open++;
    for (const dial of this.dials) if (dial.open) open++;
    if (open > this.settings.pool.maxConnections && this.#blurred === 0) {
      this.fail(`${open} connections open, maxConnections exceeded`);
    }
  }

  checkCounts(only: number): void {
    for (let key = 0; key < this.settings.keys; key++) {
      if (only !== key) continue;
      const stats = this.pool.stats(keyNames[key]) ?? noStats;
      if (stats.leased + stats.idle + stats.connecting > this.settings.pool.maxConnectionsPerHost) {
        this.fail(`maxConnectionsPerHost exceeded under ${keyNames[key]}`);
      }
      if (this.#blurred > 0) continue;
      let leased = 0;
      let validating = 0;
      let connecting = 0;
      for (const connection of this.connections) {
        if (connection.key !== key) continue;
        if (connection.place === 'leased') leased++;
        else if (connection.place === 'validating' || connection.place === 'ready') validating++;
      }
      for (const dial of this.dials) if (dial.key === key && dial.open) connecting++;
      const pending = this.gets[key].length;
      const idle = this.idle[key].length;
      if (
        stats.leased !== leased + validating ||
        stats.validating !== validating ||
        stats.idle !== idle ||
        stats.connecting !== connecting ||
        stats.pending !== pending
      ) {
        const seen = `leased ${leased + validating} validating ${validating} idle ${idle} connecting ${connecting} pending ${pending}`;
        this.fail(`stats(${keyNames[key]}) is ${JSON.stringify(stats)}, but the model has ${seen}`);
      }
      if (leased + validating + connecting + pending + idle === 0 && this.#depth === 0) {
        if (stats.opened + stats.leases + stats.evictions + stats.refusals + stats.connectFailures > 0) {
          this.fail(`${keyNames[key]} holds nothing and is remembered`);
        }
      }
    }
  }

  #checkTotals(): void {
    const stats = this.pool.stats();
    const open = stats.leased + stats.idle + stats.connecting;
    if (open > this.settings.pool.maxConnections) this.fail(`${open} connections open, maxConnections exceeded`);
    for (const name of counted) {
      const count = this.#counts[name];
      const said = stats[name];
      // A get that is cancelled by what its own refusal calls first has not heard of it.
      if (name === 'refusals' && said > count && said - count <= this.#cancelledInside) continue;
      // Nor does a dial count that fails in what its own end calls.
      if (name === 'connectFailures' && said < count && count - said <= this.#failedInside) continue;
      if (said !== count) this.fail(`stats().${name} is ${said}, but the model counted ${count}`);
    }
  }

  // ---- callbacks -------------------------------------------------------------------------------------------------

  /** User code runs: the invariants that hold inside every callback, and what was armed to happen in this one. */
  #callback(hook: Hook, key: number, exact: boolean): boolean {
    const failing = this.failing;
    this.failing = null;
    if (!exact) this.#blurred++;
    this.#depth++;
    this.#dirty.add(key);
    this.checkCaps();
    if (this.#blurred === 0) this.checkCounts(key);
    // What is called from here may change what the pool knows before we do.
    this.#blurred++;
    let throws = false;
    let ran = false;
    for (let at = this.traps.findIndex(trap => trap.hook === hook); at >= 0 && !throws; at = -1) {
      const trap = this.traps[at];
      this.traps.splice(at, 1);
      if (trap.run === null) throws = true;
      else {
        this.tally.command('re-entrant call');
        this.tally.hook(hook);
        this.log(`inside ${hook}:`);
        ran = true;
        trap.run();
      }
    }
    this.#blurred--;
    this.#depth--;
    if (!exact) this.#blurred--;
    this.failing = failing;
    if (!throws) return ran;
    this.log(`${hook} throws`);
    this.tally.command('throwing callback');
    this.tally.thrown(hook);
    // What an endpoint or a factory throws is a failed dial, not an unhandled error; the pool reports a bad teardown.
    if (hook !== 'dial' && hook !== 'factory' && hook !== 'abortDial') this.#expectedThrows++;
    throw new Deliberate(hook);
  }

  unhandled(error: unknown): void {
    if (error instanceof Deliberate && this.#expectedThrows > 0) this.#expectedThrows--;
    else this.fail(`unhandled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  get owesThrows(): number {
    return this.#expectedThrows;
  }

  #onEvent(event: PoolEvent): void {
    if (event.type === 'leaked') this.log('leak reported');
    if (event.type === 'error' && !(event.error instanceof Deliberate) && !isDeliberate(event.error)) {
      this.fail(`error event: ${String(event.error)}`);
    }
    this.#callback('event', keyNames.indexOf(event.key), false);
  }

  // ---- gets ------------------------------------------------------------------------------------------------------

  get(key: number, scoped: boolean, plan: number): void {
    const { pool, clock, settings } = this;
    const own = plan % 16 === 15 ? 15 : undefined;
    const until = clock.now() + (own ?? settings.pool.acquireTimeout);
    const get = new SimGet(++this.#ids, key, scoped, plan, clock.now(), until);
    this.log(`get ${get.id} of ${keyNames[key]}${scoped ? ' (use)' : ''} plan ${plan}`);
    const options = own === undefined ? undefined : { acquireTimeout: own };
    const endpoint$ = new Observable<Transport>(subscriber => this.#onDial(get, subscriber));
    const name = keyNames[key];
    if (!this.closing) {
      this.gets[key].push(get);
      this.#noteInstant();
      this.#askedNow.add(key);
      if (this.#expiredNow.has(key)) this.#race('idle timer | take');
    }
    const lease$: Observable<unknown> = scoped
      ? pool.use(name, endpoint$, protocol => this.#onScoped(get, protocol), options)
      : pool.get(name, endpoint$, options);
    const subscription = lease$.pipe(takeUntil(get.stop)).subscribe({
      next: value => {
        if (!scoped) this.#onNext(get, value as LeasedProtocol);
        else if (typeof value === 'object') this.#onHead(get.lease!.request!);
      },
      error: error => this.#onError(get, error),
      complete: () => this.#onComplete(get),
    });
    get.subscription = subscription;
    if (get.state === 'served') this.#rushed(get);
  }

  /** Served within `subscribe`: it may have wanted to be cancelled meanwhile. */
  #rushed(get: SimGet): void {
    if (get.scoped) return;
    get.subscription!.unsubscribe();
  }

  /** Leaves the queue, as `unsubscribe` does, or by completing first, which tells the consumer before the pool. */
  cancel(get: SimGet, completes: boolean): void {
    if (get.state !== 'waiting' || get.subscription === null) return;
    this.log(`cancel get ${get.id}${completes ? ' by completing it' : ''}`);
    this.#gone(get, 'cancelled');
    if (this.#depth > 0 || completes) this.#cancelledInside++;
    this.#cancelled.add(get);
    this.#cancelledKeys.add(get.key);
    if (this.#emitted.has(get)) this.#race('cancel | its dial completes');
    const others = this.gets[get.key].length;
    if (others > 0 && this.dials.some(dial => dial.get === get && dial.open))
      this.#race('cancel | it dialled for others');
    if (others === 0 && this.#returnedKeys.has(get.key)) this.#race('return | no live waiter');
    this.#blurred++;
    get.leaving = true;
    // What `use` gives to its inner Observable in between is not seen from here, nor by the pool.
    if (completes && !get.scoped) get.stop.next();
    else get.subscription.unsubscribe();
    get.leaving = false;
    this.#blurred--;
  }

  #gone(get: SimGet, state: 'served' | 'failed' | 'cancelled'): void {
    get.state = state;
    this.#dirty.add(get.key);
    const waiting = this.gets[get.key];
    const at = waiting.indexOf(get);
    if (at >= 0) waiting.splice(at, 1);
  }

  #deliver(get: SimGet, protocol: LeasedProtocol): SimLease | null {
    const { key } = get;
    if (get.state !== 'waiting') {
      this.fail(`get ${get.id} is ${get.state} and got a lease`);
      return null;
    }
    // One that has failed already may hear of it only when its dial is torn down.
    const first = this.gets[key].find(other => other === get || !this.#hasFailed(other));
    if (first !== get) this.fail(`get ${get.id} overtook get ${first?.id}`);
    if (this.#inNext > 0) this.fail('a lease is handed out from inside the next of another: the stack grows');
    if (this.closing) this.fail('a lease is handed out by a closing pool');
    this.#gone(get, 'served');
    this.#counts.leases++;
    for (const others of this.gets) {
      for (const other of others) {
        if (!other.starved || other.key === key || other.id > get.id) continue;
        if (this.clock.now() - other.since < patience) continue;
        if (++other.overtaken > 2 * this.settings.pool.maxConnections + 2) {
          this.fail(`get ${other.id} starves: ${other.overtaken} younger gets of other keys were served`);
        }
      }
    }
    const connection = this.connections.find(({ info }) => info === protocol.info);
    const queue = this.ready[key];
    const expected = this.settings.validation === 'off' ? connection : queue.shift();
    if (connection === undefined || connection !== expected || !isPolled(connection)) {
      this.fail(`get ${get.id} got a lease of a connection that was not validated`);
      return null;
    }
    if (connection.state !== 'quiescent')
      this.fail(`get ${get.id} got connection ${connection.id}: ${connection.state}`);
    if (connection.lease !== null) this.fail(`connection ${connection.id} is leased to two`);
    if (protocol.reused !== connection.reused) this.fail(`reused is ${protocol.reused}`);
    if (protocol.state !== 'ready') this.fail(`a new lease is ${protocol.state}`);
    if (connection.reused) this.#counts.reuses++;
    connection.place = 'leased';
    const lease = new SimLease(get, protocol, connection);
    connection.lease = lease;
    get.lease = lease;
    this.leases.push(lease);
    this.log(`get ${get.id} has a lease of connection ${connection.id}`);
    if ((get.plan >> 4) % 2 === 1) this.#listen(lease);
    return lease;
  }

  #hasFailed(get: SimGet): boolean {
    if (get.until <= this.clock.now()) return true;
    return this.connections.some(({ dial, alive, place }) => dial.get === get && !alive && place !== 'gone');
  }

  #listen(lease: SimLease): void {
    const { protocol, get } = lease;
    protocol.quiescent.subscribe(() => {
      lease.echoes++;
      if (protocol.state !== 'released') this.fail(`quiescent of a lease that is ${protocol.state}`);
      this.#callback('released', get.key, true);
    });
    protocol.disconnected.subscribe(() => {
      lease.losses++;
      if (protocol.state !== 'closed') this.fail(`disconnected of a lease that is ${protocol.state}`);
      this.#callback('lost', get.key, false);
    });
  }

  #onNext(get: SimGet, protocol: LeasedProtocol): void {
    const lease = this.#deliver(get, protocol);
    if (lease === null) return;
    this.#inNext++;
    try {
      this.#planned(lease, get.plan >> 5);
      this.#callback('next', get.key, true);
    } finally {
      this.#inNext--;
    }
  }

  /** What the owner of a lease does at once. */
  #planned(lease: SimLease, plan: number): void {
    const action = plan % 8;
    if (action <= 3) this.request(lease, plan >> 3);
    else if (action === 6) this.release(lease);
    else if (action === 4 && plan % 3 === 0) this.abort(lease);
    else if (action === 5) lease.get.subscription?.unsubscribe();
  }

  #onScoped(get: SimGet, protocol: LeasedProtocol): Observable<unknown> {
    const lease = this.#deliver(get, protocol);
    if (lease === null) return NEVER;
    this.#inNext++;
    try {
      this.#callback('next', get.key, true);
    } catch (error) {
      this.#expectedThrows--; // it becomes the error of the `use`
      throw error;
    } finally {
      this.#inNext--;
    }
    const plan = get.plan >> 5;
    const action = plan % 8;
    if (action <= 3 && lease.state === 'ready') return this.#requested(lease, plan >> 3);
    if (action === 4) return of(1);
    return get.hold;
  }

  #onError(get: SimGet, error: unknown): void {
    const { errors } = this;
    const { state, key } = get;
    if (get.scoped && state === 'served') {
      this.log(`use ${get.id} failed after its lease`);
      this.#scopedEnd(get, error);
      return;
    }
    const code = errors.isHTTPClientError(error) ? error.code : String(error);
    this.log(`get ${get.id} failed: ${code}`);
    const late = this.closing && !this.gets[key].includes(get);
    if (state !== 'waiting') this.fail(`get ${get.id} is ${state} and failed`);
    this.#gone(get, 'failed');
    if (code === 'ERR_ACQUIRE_TIMEOUT') {
      this.#counts.refusals++;
      if (this.clock.now() < get.until) this.fail(`get ${get.id} timed out early`);
      this.#timedOutKeys.add(key);
      if (this.#deliveredKeys.has(key)) this.#race('time-out | delivery');
    } else if (code === 'ERR_POOL_QUEUE_FULL') {
      this.#counts.refusals++;
      if (this.#blurred === 0 && this.#uncovered(key) < this.settings.pool.maxPending) this.fail('refused too early');
    } else if (code === 'ERR_POOL_CLOSED') {
      if (!late) this.#counts.refusals++;
      if (!this.closing) this.fail('refused by a pool that is open');
    } else if (code === 'ERR_CONNECT' || code === 'ERR_UNSOLICITED_DATA') {
      if (!this.#isOwnFailure(get)) this.fail(`get ${get.id} failed by a dial that was not its own: ${code}`);
      if (this.#deadDials.has(error)) this.fail('one dial failed two gets');
      this.#deadDials.add(error);
    } else this.fail(`get ${get.id} failed with ${code}`);
    this.#callback('error', key, true);
  }

  #isOwnFailure(get: SimGet): boolean {
    return this.dials.some(
      dial => dial.get === get && dial.claim === null && (dial.state === 'failed' || dial.state === 'connected'),
    );
  }

  #onComplete(get: SimGet): void {
    if (get.state === 'waiting') this.fail(`get ${get.id} completed without a lease`);
    if (get.scoped && get.state === 'served') this.#scopedEnd(get, undefined);
    this.#callback('complete', get.key, this.#blurred === 0 && !get.scoped);
  }

  // ---- dials -----------------------------------------------------------------------------------------------------

  #onDial(get: SimGet, subscriber: Subscriber<Transport>): (() => void) | undefined {
    const { key } = get;
    const claim = this.failing;
    this.failing = null;
    const dial = new SimDial(this, get, subscriber, claim);
    this.dials.push(dial);
    this.log(`dial for get ${get.id} of ${keyNames[key]}${claim === null ? '' : ' (retry)'}`);
    if (this.closing) this.fail('a closing pool dials');
    if (claim !== null) this.#redialled(claim, dial);
    else {
      if (get.state !== 'waiting' && !get.leaving) this.fail(`a dial for get ${get.id}, which is ${get.state}`);
      if (this.dials.some(other => other !== dial && other.get === get && other.open && other.claim === null)) {
        this.fail(`get ${get.id} is dialled for twice at a time`);
      }
      if (this.idle[key].length > 0) this.fail(`get ${get.id} dials beside an idle connection`);
      if (this.#blurred === 0 && this.#uncovered(key) < 0) this.fail(`more dials than gets under ${keyNames[key]}`);
    }
    for (const connection of this.connections) {
      if (connection.needsTransportClose && connection.key !== key) this.#race('slow destroy | other key asks');
    }
    const how = (get.plan >> 12) % 16;
    let disturbed = false;
    // A teardown that runs before `subscribe` returns is run by RxJS, and what it throws comes out there.
    let subscribed = false;
    try {
      disturbed = this.#callback('dial', key, true);
    } catch (error) {
      dial.state = 'failed';
      this.#counts.connectFailures++;
      throw error;
    }
    if (how >= 14 && !disturbed) this.emit(dial);
    else if (how === 13 && !disturbed) this.failDial(dial, false);
    subscribed = dial.state === 'connecting' && !subscriber.closed;
    dial.subscribing = false;
    return () => {
      if (dial.state === 'failed' || dial.state === 'aborted') return;
      if (dial.open) {
        dial.state = 'aborted';
        this.log(`dial of get ${get.id} is aborted`);
      }
      if (subscribed) this.#callback('abortDial', key, false);
    };
  }

  #redialled(request: SimRequest, dial: SimDial): void {
    this.#counts.retries++;
    this.tally.command('retry');
    request.redials++;
    if (request.first === null || !request.first.again) this.fail('a request is retried that may not be');
    if (request.redials > 1) this.fail('a request is retried twice');
    if (dial.get !== request.lease.get) this.fail('a retry dials through the endpoint of somebody else');
  }

  emit(dial: SimDial): void {
    if (dial.state !== 'connecting') return;
    const { get } = dial;
    this.log(`dial of get ${get.id} emits`);
    this.#emitted.add(get);
    this.#deliveredKeys.add(dial.key);
    if (this.#timedOutKeys.has(dial.key)) this.#race('time-out | delivery');
    if (this.#cancelled.has(get)) this.#race('cancel | its dial completes');
    dial.state = 'emitting';
    dial.subscriber.next(new SimTransport(dial).asTransport());
    dial.subscriber.complete();
  }

  failDial(dial: SimDial, empty: boolean): void {
    if (dial.state !== 'connecting') return;
    this.log(`dial of get ${dial.get.id} ${empty ? 'completes empty' : 'fails'}`);
    if (this.gets[dial.key].length > 2 && dial.claim === null) this.#race('dial fails | others wait');
    dial.state = 'failed';
    this.#counts.connectFailures++;
    if (this.#depth > 0) this.#failedInside++;
    if (empty) dial.subscriber.complete();
    else dial.subscriber.error(new this.errors.ConnectError('refused'));
  }

  transportDestroyed(dial: SimDial): void {
    if (dial.state !== 'emitting') return;
    dial.state = 'failed';
    if (!dial.made) return; // it came too late
    this.#counts.connectFailures++;
  }

  #makeConnection(dial: SimDial): SimConnection {
    const { plan } = dial.get;
    dial.made = true;
    this.#callback('factory', dial.key, true);
    const connection = new SimConnection(this, ++this.#ids, dial, (plan >> 16) % 4 === 3);
    if ((plan >> 18) % 16 === 15) connection.die();
    return connection;
  }

  // ---- connections, as the pool treats them ------------------------------------------------------------------------

  connected(connection: SimConnection): void {
    const { dial } = connection;
    if (dial.state !== 'emitting') this.fail(`connection ${connection.id} of a dial that is ${dial.state}`);
    dial.state = 'connected';
    this.#counts.opened++;
    this.connections.push(connection);
    this.log(`connection ${connection.id} under ${keyNames[connection.key]}`);
    this.#validating(connection);
  }

  #validating(connection: SimConnection): void {
    this.#dirty.add(connection.key);
    this.#touched.push(connection);
    connection.place = 'validating';
  }

  #isReady(connection: SimConnection): void {
    connection.place = 'ready';
    if (!connection.claimed) this.ready[connection.key].push(connection);
  }

  #validates(subscriber: Subscriber<void>): void {
    const touched = this.#touched;
    let connection = touched.pop();
    while (connection !== undefined && (connection.place !== 'validating' || connection.validation !== null)) {
      connection = touched.pop();
    }
    if (connection === undefined) {
      this.fail('something is validated that is not to be');
      return;
    }
    connection.validation = subscriber;
    const { validation } = this.settings;
    if (validation === 'sync') this.pass(connection);
    else if (validation === 'timed') {
      this.clock.at(this.clock.now() + 1 + (connection.id % 7), () => {
        if (connection.validation === subscriber) this.guard(() => this.pass(connection));
      });
    }
  }

  /** The loop has polled. */
  pass(connection: SimConnection, error?: Error): void {
    const { validation, key } = connection;
    if (validation === null) return;
    connection.validation = null;
    if (connection.place === 'validating') {
      this.log(`connection ${connection.id} is validated`);
      this.#isReady(connection);
      this.#deliveredKeys.add(key);
      if (this.#timedOutKeys.has(key)) this.#race('time-out | delivery');
    }
    if (error === undefined) validation.next();
    else validation.error(error);
  }

  /** The loop cannot be asked: that is reported, and counts as an answer. */
  refuseValidation(connection: SimConnection): void {
    this.log(`validation of connection ${connection.id} errors`);
    this.pass(connection, new Deliberate('no loop'));
  }

  /** `keepAlive` is read when a connection comes back. */
  asked(connection: SimConnection): void {
    if (connection.place === 'leased' && connection.state === 'quiescent') this.#returned(connection);
  }

  /** An exchange has come to its end, and the pool is about to be told. */
  exchanged(connection: SimConnection): void {
    if (connection.place !== 'leased') return;
    const { maxConnectionAge } = this.settings.pool;
    this.#returnedKeys.add(connection.key);
    if (this.closing) this.#race('return | closing');
    if (this.clock.now() >= connection.bornAt + maxConnectionAge) this.#race('return | too old');
    if (this.gets[connection.key].length === 0 && this.#cancelledKeys.has(connection.key)) {
      this.#race('return | no live waiter');
    }
  }

  #returned(connection: SimConnection): void {
    this.#letGo(connection);
    this.#validating(connection);
  }

  #letGo(connection: SimConnection): void {
    const { lease } = connection;
    this.#dirty.add(connection.key);
    connection.lease = null;
    if (lease === null) return;
    lease.state = 'over';
    const at = this.leases.indexOf(lease);
    if (at >= 0) this.leases.splice(at, 1);
    this.over.push(lease);
  }

  taken(connection: SimConnection): void {
    const idle = this.idle[connection.key];
    if (idle.at(-1) !== connection) this.fail(`connection ${connection.id} was taken, but is not the latest`);
    if (this.clock.now() >= connection.idleUntil) this.fail(`connection ${connection.id} was taken after its time`);
    this.#checkAge(connection);
    idle.splice(idle.indexOf(connection), 1);
    this.#validating(connection);
  }

  cached(connection: SimConnection): void {
    const { place, key } = connection;
    const { cachedConnectionTimeout, maxPersistentPerHost } = this.settings.pool;
    if (place !== 'validating' && place !== 'ready') this.fail(`connection ${connection.id} is cached while ${place}`);
    if (!connection.alive) this.fail(`connection ${connection.id} is cached, and dead`);
    if (this.closing) this.fail('a closing pool caches');
    this.#checkAge(connection);
    if (this.#uncovered(key) > 0 && this.#blurred === 0 && this.gets[key].every(get => get.subscription !== null)) {
      this.fail(`connection ${connection.id} is cached while gets wait`);
    }
    this.#unready(connection);
    connection.place = 'idle';
    connection.cached = true;
    connection.idleUntil = this.clock.now() + cachedConnectionTimeout;
    this.idle[key].push(connection);
    if (this.idle[key].length > maxPersistentPerHost) this.#race('return | over the idle cap');
  }

  #checkAge({ id, bornAt, carried }: SimConnection): void {
    const { maxConnectionAge, maxRequestsPerConnection, persistent } = this.settings.pool;
    if (this.clock.now() >= bornAt + maxConnectionAge) this.fail(`connection ${id} is used again, and too old`);
    if (carried >= maxRequestsPerConnection) this.fail(`connection ${id} is used again after ${carried} requests`);
    if (!persistent) this.fail(`connection ${id} is used again, and nothing is persistent`);
  }

  #unready(connection: SimConnection): void {
    const queue = this.ready[connection.key];
    const at = queue.indexOf(connection);
    if (at >= 0) queue.splice(at, 1);
  }

  /** The pool, or a lease, closes it. */
  left(connection: SimConnection): void {
    const { place, key } = connection;
    if (place === 'gone') return;
    if (place === 'idle') {
      const idle = this.idle[key];
      const { maxPersistentPerHost } = this.settings.pool;
      if (idle.length > maxPersistentPerHost && idle[0] !== connection) this.fail('the surplus is not the oldest');
      idle.splice(idle.indexOf(connection), 1);
      if (this.clock.now() >= connection.idleUntil) {
        this.#noteInstant();
        this.#expiredNow.add(key);
        if (this.#askedNow.has(key)) this.#race('idle timer | take');
      }
    }
    if (place === 'born') return;
    this.log(`connection ${connection.id} (${place}) is closed`);
    this.#unready(connection);
    this.#letGo(connection);
    connection.place = 'gone';
    this.#counts.evictions++;
  }

  // ---- leases, as their owners treat them --------------------------------------------------------------------------

  request(lease: SimLease, code: number): void {
    if (lease.state !== 'ready') return;
    this.#requested(lease, code).subscribe({
      next: () => this.#onHead(lease.request!),
      error: error => this.#onFailed(lease.request!, error),
    });
  }

  #requested(lease: SimLease, code: number): Observable<unknown> {
    const request = new SimRequest(this, lease, code);
    lease.request = request;
    return new Observable<unknown>(subscriber => {
      if (lease.state === 'ready') lease.state = 'used';
      this.log(`get ${lease.get.id} requests ${request.method} ${request.mode}`);
      this.tally.command('request');
      const subscription = lease.protocol.request(request).subscribe({
        next: response => {
          request.response = response as unknown as SimResponse;
          if (request.settled !== null) this.fail(`a request that is ${request.settled} got a response`);
          request.settled = 'head';
          subscriber.next(response);
        },
        error: error => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
      request.subscription = subscription;
      return subscription;
    });
  }

  /** A lease's request is subscribed to at a connection. */
  attempted(connection: SimConnection, request: SimRequest): void {
    const { lease } = request;
    request.attempts++;
    if (request.attempts > 1) {
      if (connection.dial.claim !== request) this.fail('a retry does not go over its own connection');
      if (connection.carried > 0) this.fail('a retry goes over a used connection');
      if (!isPolled(connection)) this.fail(`a retry goes over a connection that is ${connection.place}`);
      if (request.attempts > 2) this.fail('a third attempt');
      if (request.written > 0 && request.writes && !request.safe) this.fail('a request is written twice');
      if (request.settled !== null || request.aborted) this.fail('a request is retried that has an end');
      lease.connection = connection;
      connection.claimed = false;
      connection.lease = lease;
      connection.place = 'leased';
      lease.state = 'used';
      if (!this.leases.includes(lease)) this.leases.push(lease);
      return;
    }
    if (connection.place !== 'leased' || connection.lease !== lease) {
      this.fail(
        `get ${lease.get.id} sends over connection ${connection.id}, which is not its own (${connection.place})`,
      );
    }
  }

  #onHead(request: SimRequest): void {
    this.log(`get ${request.lease.get.id} has its response`);
    this.#callback('head', request.lease.get.key, true);
  }

  #onFailed(request: SimRequest, error: unknown): void {
    const { lease } = request;
    this.log(`request of get ${lease.get.id} failed: ${(error as Partial<HTTPClientError>).code}`);
    if (request.settled !== null) this.fail(`a request that is ${request.settled} failed`);
    request.settled = 'error';
    this.failing = null;
    if (request.attempts === 1 && request.first?.again === true && request.redials === 0) {
      this.fail(`a request that could be retried failed: ${(error as Partial<HTTPClientError>).code}`);
    }
    this.#callback('failed', lease.get.key, true);
  }

  #scopedEnd(get: SimGet, error: unknown): void {
    const request = get.lease?.request;
    if (error === undefined || request == null || request.settled !== null) return;
    if (error instanceof Deliberate) return;
    this.#onFailed(request, error);
  }

  release(lease: SimLease): void {
    this.log(`get ${lease.get.id} releases`);
    lease.released++;
    if (lease.state === 'ready') this.#returnedKeys.add(lease.get.key);
    lease.protocol.release();
  }

  abort(lease: SimLease): void {
    this.log(`get ${lease.get.id} aborts`);
    if (lease.request !== null) lease.request.aborted = true;
    this.#blurred++;
    lease.protocol.abort(new Error('no more'));
    this.#blurred--;
  }

  /** Unsubscribes from a request before its head. */
  cancelRequest(request: SimRequest): void {
    if (request.settled !== null || request.subscription === null) return;
    if (request.lease.get.scoped && request.lease.get.subscription === null) return; // within its own subscribe
    this.log(`get ${request.lease.get.id} cancels its request`);
    request.settled = 'cancelled';
    this.#blurred++;
    if (request.lease.get.scoped) request.lease.get.subscription?.unsubscribe();
    else request.subscription.unsubscribe();
    this.#blurred--;
  }

  /** Ends the scope of a `use` that holds its lease. */
  endScope(get: SimGet, how: number): void {
    this.log(`scope of get ${get.id} ends (${how})`);
    if (how === 0) get.hold.complete();
    else if (how === 1) get.subscription?.unsubscribe();
    else {
      get.hold.error(new Deliberate('inner'));
    }
  }

  /** The consumer of a body is told of its end. */
  bodyEnded(request: SimRequest, hook: Hook = 'head'): void {
    try {
      this.#callback(hook, request.lease.get.key, hook === 'head');
    } catch (error) {
      this.unhandled(error); // as RxJS does
    }
  }

  /** What is done with a handle whose lease is over touches nothing. */
  stale(lease: SimLease, how: number): void {
    const before = JSON.stringify(this.pool.stats());
    this.log(`get ${lease.get.id} uses a lease that is over (${how})`);
    if (how === 0) lease.protocol.release();
    else if (how === 1) lease.protocol.abort();
    else {
      let code = '';
      lease.protocol.request({ path: '/' }).subscribe({
        next: () => this.fail('a lease that is over gave a response'),
        error: error => (code = (error as HTTPClientError).code),
      });
      if (code !== 'ERR_LEASE_USED') this.fail(`a lease that is over is requested: ${code}`);
    }
    if (JSON.stringify(this.pool.stats()) !== before) this.fail('a lease that is over changed the pool');
  }

  // ---- the end ---------------------------------------------------------------------------------------------------

  close(gracePeriod: number): void {
    this.log(`close, grace ${gracePeriod}`);
    this.closing = true;
    const at = this.closings.push(0) - 1;
    this.#blurred++;
    this.pool.close({ gracePeriod }).subscribe({
      next: () => {
        this.closings[at]++;
        this.closed++;
        for (const connection of this.connections) {
          if (connection.transportOpen) this.fail(`closed, but connection ${connection.id} is open`);
        }
        // A dial can be torn down only after its `subscribe` has returned.
        if (this.dials.some(dial => dial.open && !dial.subscribing)) this.fail('closed, but a dial is under way');
      },
      error: () => this.fail('close errored'),
    });
    this.#blurred--;
  }

  finish(): void {
    for (const dial of this.dials) if (dial.open) this.fail('a dial is left');
    for (const connection of this.connections) {
      if (connection.transportOpen) this.fail(`connection ${connection.id} is open at the end`);
    }
    for (const count of this.closings) if (count !== 1) this.fail(`close emitted ${count} times`);
    for (const waiting of this.gets) if (waiting.length > 0) this.fail(`get ${waiting[0].id} never settled`);
    if (this.clock.pending > 0) this.fail(`${this.clock.pending} timers left after close`);
    const { leased, idle, connecting, validating, pending } = this.pool.stats();
    if (leased + idle + connecting + validating + pending > 0) this.fail('the closed pool holds something');
    if (this.#expectedThrows > 0) this.fail(`${this.#expectedThrows} exceptions were swallowed`);
    for (const lease of this.over) {
      if (lease.echoes > 1 || lease.losses > 1 || lease.echoes + lease.losses > 1) this.fail('a lease ended twice');
    }
  }

  /** Connections and dials that are over for good. */
  sweep(): void {
    const { connections, dials } = this;
    for (let i = connections.length - 1; i >= 0; i--) {
      if (connections[i].place === 'gone' && !connections[i].transportOpen) connections.splice(i, 1);
    }
    if (dials.length > 12) {
      for (let i = dials.length - 1; i >= 0; i--) {
        if (!dials[i].open && dials[i].get.state !== 'waiting') dials.splice(i, 1);
      }
    }
    if (this.over.length > 12) this.over.splice(0, 6);
  }

  #noteInstant(): void {
    if (this.#instant === this.clock.now()) return;
    this.#instant = this.clock.now();
    this.#askedNow.clear();
    this.#expiredNow.clear();
  }

  #race(race: Race): void {
    this.tally.race(race);
  }

  noteReentrantReleaseGet(): void {
    this.#race('release re-enters get');
  }

  noteFinOnTake(connection: SimConnection): void {
    if (connection.carried > 0) this.#race('FIN | take');
  }
}

/** The loop has polled since it was made, taken or handed back, or nobody asks whether it has. */
function isPolled({ place, world }: SimConnection): boolean {
  return place === 'ready' || (place === 'validating' && world.settings.validation === 'off');
}

function isDeliberate(error: unknown): boolean {
  return (
    error instanceof Error &&
    Array.isArray((error as { errors?: unknown }).errors) &&
    (error as unknown as { errors: unknown[] }).errors.every(inner => inner instanceof Deliberate)
  );
}

/** Errors that RxJS would throw in a turn of their own are heard at once, and by the world in which they happened. */
export function hearUnhandled(world: World): () => void {
  const { onUnhandledError } = config;
  const { delegate } = timeoutProvider;
  const { random } = Math;
  config.onUnhandledError = error => world.unhandled(error);
  const at = { setTimeout: (handler: () => void) => (handler(), 0), clearTimeout: () => undefined };
  timeoutProvider.delegate = at;
  Math.random = () => 0;
  return () => {
    config.onUnhandledError = onUnhandledError;
    timeoutProvider.delegate = delegate;
    Math.random = random;
  };
}
