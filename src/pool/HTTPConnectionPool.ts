import { lastValueFrom, Observable, type ObservableInput, type SchedulerLike, type Unsubscribable } from 'rxjs';
import type { Endpoint } from '../endpoint/index.js';
import { addCallerStack, callerStack, duration, InvalidOptionError } from '../errors/index.js';
import type { PoolEvent } from '../events/index.js';
import type { ConnectionFactory } from '../protocol/index.js';
import { unrefScheduler, type DeadlineSweep } from '../timing/index.js';
import type { KeyWaiter } from './Bucket.js';
import type { LeasedProtocol, InnerLease } from './LeasedProtocol.js';
import { close } from './close.js';
import { closeIdle } from './closeIdle.js';
import { Core, type Steps } from './Core.js';
import { cancel, enqueue } from './get.js';
import type { Lease } from './Lease.js';
import { disconnected } from './lose.js';
import { serve } from './match.js';
import { PoolLeaseHost } from './PoolLeaseHost.js';
import { poolSettings, type HTTPConnectionPoolOptions } from './PoolOptions.js';
import type { PoolStats } from './PoolStats.js';
import type { Receiver } from './Receiver.js';
import { statsOf } from './statsOf.js';
import { quiescent } from './takeBack.js';
import { use } from './use.js';
import { Waiter } from './Waiter.js';
import { warmUp } from './warmUp.js';

/** What `close` gives leases to end by themselves if it is not told, in ms. */
const defaultGracePeriod = 10_000;

export interface AcquireOptions {
  /** An absolute deadline over queue, validation and dial, in ms. Default: the pool's. */
  readonly acquireTimeout?: number;
}

export interface CloseOptions {
  /** What leases have to end by themselves, in ms, before they are destroyed. Default 10 000; 0: none. */
  readonly gracePeriod?: number;
}

/**
 * A pool of persistent HTTP connections, cached under keys.
 *
 * A key is any string; connections under one key are interchangeable, so whatever makes them differ (scheme, host, port,
 * TLS identity, proxy) belongs in it. The pool knows nothing of URLs: how a server is reached is the endpoint's business.
 *
 * ```
 *   pool.get(key, endpoint$)   ──(p|)                    p = a lease for one request
 *   p.request(request)              ──(r|)               r = response head
 *   r.body                               ─d─d─d─|
 *   idle in the pool                           i         before the last d: whoever asks next finds it
 * ```
 *
 * @example
 * const pool = new HTTPConnectionPool({ maxConnectionsPerHost: 8 });
 * pool
 *   .get('http://localhost:8080', tcp({ host: 'localhost', port: 8080 }))
 *   .pipe(
 *     mergeMap(protocol => protocol.request({ path: '/' })),
 *     mergeMap(response => response.text()),
 *   )
 *   .subscribe({ next: text => console.log(text), error: error => console.error(error) });
 */
export class HTTPConnectionPool {
  readonly #core: Core;
  #order = 0;

  /** Throws `InvalidOptionError` for an option that makes no sense. */
  constructor(options?: HTTPConnectionPoolOptions);
  /** @internal With a factory of connections as the pool drives them, which may carry several exchanges. */
  constructor(options: HTTPConnectionPoolOptions | undefined, connect: ConnectionFactory);
  constructor(options?: HTTPConnectionPoolOptions, connect?: ConnectionFactory) {
    const settings = poolSettings(options);
    this.#core = new Core(connect === undefined ? settings : { ...settings, connect }, steps);
  }

  /**
   * A lease of a connection: a cached one, or a new one through `endpoint$`, whichever comes first. Cold: each
   * subscription is one lease, for one request.
   *
   * It emits once and completes. The lease is yours from the emission on: unsubscribing afterwards changes nothing, so
   * `await firstValueFrom(pool.get(key, endpoint$))` works. Unsubscribing before leaves the queue. `endpoint$` is not
   * subscribed to when a cached connection serves.
   *
   * Errors: `ConnectError` and its kinds, `AcquireTimeoutError`, `PoolQueueFullError`, `PoolClosedError`.
   *
   * Gotcha: a lease that is never used and never released is destroyed after `leaseTimeout`; `use` cannot forget it.
   */
  get(key: string, endpoint$: Endpoint, options?: AcquireOptions): Observable<LeasedProtocol> {
    checkKey(key);
    const usual = this.acquireTimeout;
    const acquireTimeout = options === undefined ? usual : duration(options, 'acquireTimeout', usual);
    return new Observable<LeasedProtocol>(subscriber => this.acquire(key, endpoint$, acquireTimeout, subscriber));
  }

  /** @internal `get`, subscribed to. `now`: the time, if it was just read. */
  acquire(
    key: string,
    endpoint$: Endpoint,
    acquireTimeout: number,
    receiver: Receiver<InnerLease>,
    now: number | null = null,
    stack = this.captureStack(),
  ): Unsubscribable | undefined {
    checkKey(key);
    const core = this.#core;
    if (core.closing) {
      const error = core.refusal(key, now);
      addCallerStack(error, stack);
      receiver.error(error);
      return undefined;
    }
    const bucket = core.bucket(key);
    const waiter = new Waiter(bucket, endpoint$, receiver, this.#order++, now, acquireTimeout, stack, this.#cancel);
    enqueue(core, waiter);
    return waiter.settled ? undefined : waiter;
  }

  readonly #cancel = (waiter: KeyWaiter): void => cancel(this.#core, waiter);

  /** @internal The stack of the subscriber, with `captureStacks`. */
  captureStack(): string | undefined {
    return this.#core.settings.captureStacks ? callerStack() : undefined;
  }

  /** @internal What `get` waits for a lease if it is not told. */
  get acquireTimeout(): number {
    return this.#core.settings.acquireTimeout;
  }

  /**
   * A lease for the time of `project`'s Observable. It cannot leak: unused, it is released at the end; if the inner
   * Observable errors or is unsubscribed from before the response head, the connection is destroyed. From the head on
   * the body owns the exchange, so `use(key, endpoint$, p => p.request(…))` hands out a response that can be read.
   *
   * @example
   * pool.use(key, endpoint$, protocol => protocol.request({ path: '/' }).pipe(mergeMap(response => response.json())));
   */
  use<T>(
    key: string,
    endpoint$: Endpoint,
    project: (protocol: LeasedProtocol) => ObservableInput<T>,
    options?: AcquireOptions,
  ): Observable<T> {
    return use(this.get(key, endpoint$, options) as Observable<Lease>, project);
  }

  /**
   * Closes the pool, from the call on, subscribed to or not: new and waiting gets fail with `PoolClosedError`, idle
   * connections and dials end at once, leases have `gracePeriod` ms to end by themselves. Emits once and completes when
   * every connection is closed. Idempotent; a later call can only shorten the grace period.
   *
   * ```
   *   close()    ^────────(v|)
   *   leased     ──d─d─|
   * ```
   */
  close(options: CloseOptions = {}): Observable<void> {
    return close(this.#core, duration(options, 'gracePeriod', defaultGracePeriod));
  }

  /**
   * Makes `count` new connections that wait idle for gets to come. Cold: each subscription dials. It makes fewer where the
   * limits of the pool or of its cache have no room; it waits for no room and evicts no connection.
   *
   * Emits the number of connections made, and completes. Errors with the first dial that fails. An error, or
   * unsubscribing, aborts the dials that no get has adopted.
   *
   * ```
   *   pool.warmUp(key, endpoint$, 2)   ^──────(2|)
   *   idle in the pool                     i──i
   * ```
   *
   * @example
   * pool.warmUp(key, endpoint$, 8).subscribe({ error: error => console.error('The upstream is down', error) });
   */
  warmUp(key: string, endpoint$: Endpoint, count: number): Observable<number> {
    checkKey(key);
    if (!Number.isSafeInteger(count) || count < 0) throw new InvalidOptionError('count', count, 'a whole number');
    return warmUp(this.#core, key, endpoint$, count);
  }

  /**
   * Closes the idle connections, of one key or of all, from the call on, subscribed to or not. The pool goes on. Emits
   * once and completes when their sockets are closed.
   *
   * ```
   *   closeIdle()  ^───(v|)
   *   idle         x              gone at the call
   * ```
   */
  closeIdle(key?: string): Observable<void> {
    if (key !== undefined) checkKey(key);
    return closeIdle(this.#core, key);
  }

  /** A snapshot of what the pool holds now and has done. */
  stats(): PoolStats;
  /** The same for one key. Undefined: the key holds nothing, and its counters are forgotten. */
  stats(key: string): PoolStats | undefined;
  stats(key?: string): PoolStats | undefined {
    const { buckets, totals } = this.#core;
    if (key === undefined) return statsOf(buckets.values(), totals);
    const bucket = buckets.get(key);
    return bucket && statsOf([bucket], bucket.counters);
  }

  /** The keys that hold a connection, a dial or a waiting get. */
  keys(): string[] {
    return [...this.#core.buckets.keys()];
  }

  /** What happens in the pool, as it happens. Hot, never errors, completes when the pool is closed. */
  get events(): Observable<PoolEvent> {
    return this.#core.outbox.events;
  }

  /** @internal The clock and the deadlines, for the layers above: one timer for all. */
  get deadlines(): DeadlineSweep {
    return this.#core.deadlines;
  }

  /** @internal The scheduler that it was given, for deadlines that its callers make themselves; undefined: none was. */
  get scheduler(): SchedulerLike | undefined {
    const { scheduler } = this.#core.settings;
    return scheduler === unrefScheduler ? undefined : scheduler;
  }

  /** `await using pool = new HTTPConnectionPool()`: closes it with the default grace period. */
  [Symbol.asyncDispose](): Promise<void> {
    return lastValueFrom(this.close());
  }
}

const steps: Steps = { serve, quiescent, disconnected, host: core => new PoolLeaseHost(core) };

function checkKey(key: unknown): void {
  if (typeof key !== 'string') throw new InvalidOptionError('key', key, 'a string');
}
