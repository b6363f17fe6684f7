import { NEVER, Observable, of, takeUntil } from 'rxjs';
import type { Transport } from '../../../src/endpoint/index.js';
import type { LeasedProtocol } from '../../../src/pool/index.js';
import { firstUncovered, coverage } from './coverage.js';
import { Deliberate } from './Callbacks.js';
import { SimGet } from './SimGet.js';
import type { SimLease } from './SimLease.js';
import { keyNames, type World } from './World.js';

/** Those who ask the pool for leases. */
export class Gets {
  /** Per key, oldest first. */
  readonly waiting: SimGet[][] = [[], [], [], []];
  readonly #deadDials = new Set<unknown>();
  #inNext = 0;

  constructor(private readonly world: World) {}

  ask(key: number, scoped: boolean, plan: number): void {
    const { world } = this;
    const { pool, clock, settings } = world;
    const own = plan % 16 === 15 && !settings.crowded ? 15 : undefined;
    const until = clock.now() + (own ?? settings.pool.acquireTimeout);
    const get = new SimGet(world.nextId(), key, scoped, plan, clock.now(), until);
    world.log(`get ${get.id} of ${keyNames[key]}${scoped ? ' (use)' : ''} plan ${plan}`);
    const options = own === undefined ? undefined : { acquireTimeout: own };
    const endpoint$ = new Observable<Transport>(subscriber => world.dials.begun(get, subscriber));
    const name = keyNames[key];
    if (!world.closing) {
      this.waiting[key].push(get);
      world.races.asked(key);
    }
    const lease$: Observable<unknown> = scoped
      ? pool.use(name, endpoint$, protocol => this.#onScoped(get, protocol), options)
      : pool.get(name, endpoint$, options);
    const subscription = lease$.pipe(takeUntil(get.stop)).subscribe({
      next: value => {
        if (!scoped) this.#onNext(get, value as LeasedProtocol);
        else if (typeof value === 'object') world.leases.onHead(get.lease!.request!);
      },
      error: error => this.#onError(get, error),
      complete: () => this.#onComplete(get),
    });
    get.subscription = subscription;
    // Served within `subscribe`: it may have wanted to be cancelled meanwhile.
    if (get.state === 'served' && !scoped) subscription.unsubscribe();
  }

  /** Leaves the queue, as `unsubscribe` does, or by completing first, which tells the consumer before the pool. */
  cancel(get: SimGet, completes: boolean): void {
    if (get.state !== 'waiting' || get.subscription === null) return;
    const { world } = this;
    world.log(`cancel get ${get.id}${completes ? ' by completing it' : ''}`);
    this.#gone(get, 'cancelled');
    if (world.callbacks.depth > 0 || completes) world.counts.cancelledInside++;
    world.races.left(get);
    get.leaving = true;
    world.callbacks.during(() => {
      // What `use` gives to its inner Observable in between is not seen from here, nor by the pool.
      if (completes && !get.scoped) get.stop.next();
      else get.subscription!.unsubscribe();
    });
    get.leaving = false;
  }

  #gone(get: SimGet, state: 'served' | 'failed' | 'cancelled'): void {
    get.state = state;
    this.world.counts.dirty.add(get.key);
    const waiting = this.waiting[get.key];
    const at = waiting.indexOf(get);
    if (at >= 0) waiting.splice(at, 1);
    this.world.dials.freedBy(get);
  }

  #served(get: SimGet, protocol: LeasedProtocol): SimLease | null {
    const { world } = this;
    if (get.state !== 'waiting') {
      world.fail(`get ${get.id} is ${get.state} and got a lease`);
      return null;
    }
    const first = this.waiting[get.key].find(other => other === get || !this.hasFailed(other));
    if (first !== get) world.fail(`get ${get.id} overtook get ${first?.id}`);
    if (this.#inNext > 0) world.fail('a lease is handed out from inside the next of another: the stack grows');
    if (world.closing) world.fail('a lease is handed out by a closing pool');
    world.connections.settle();
    this.#gone(get, 'served');
    return world.leases.given(get, protocol);
  }

  /** It has its end already, and may hear of that only when its dial is torn down. */
  hasFailed({ doomed, until }: SimGet): boolean {
    return doomed || until <= this.world.clock.now();
  }

  #onNext(get: SimGet, protocol: LeasedProtocol): void {
    const { callbacks } = this.world;
    const lease = this.#served(get, protocol);
    if (lease === null) return;
    this.#inNext++;
    try {
      this.#planned(lease, get.plan >> 5);
      callbacks.run('next', get.key, true);
    } finally {
      this.#inNext--;
    }
  }

  /** What the owner of a lease does at once. */
  #planned(lease: SimLease, plan: number): void {
    const { leases } = this.world;
    const action = plan % 8;
    if (action <= 3) leases.request(lease, plan >> 3);
    else if (action === 6) leases.release(lease);
    else if (action === 4 && plan % 3 === 0) leases.abort(lease);
    else if (action === 5) lease.get.subscription?.unsubscribe();
  }

  #onScoped(get: SimGet, protocol: LeasedProtocol): Observable<unknown> {
    const { callbacks, leases } = this.world;
    const lease = this.#served(get, protocol);
    if (lease === null) return NEVER;
    this.#inNext++;
    try {
      callbacks.run('next', get.key, true);
    } catch (error) {
      callbacks.expectedThrows--; // it becomes the error of the `use`
      throw error;
    } finally {
      this.#inNext--;
    }
    const plan = get.plan >> 5;
    const action = plan % 8;
    if (action <= 3 && lease.state === 'ready') return leases.requested(lease, plan >> 3);
    if (action === 4) return of(1);
    return get.hold;
  }

  #onError(get: SimGet, error: unknown): void {
    const { world } = this;
    const { callbacks, counts, errors } = world;
    const { state, key } = get;
    if (get.scoped && state === 'served') {
      world.log(`use ${get.id} failed after its lease`);
      this.#scopedEnd(get, error);
      return;
    }
    const code = errors.isHTTPClientError(error) ? error.code : String(error);
    world.log(`get ${get.id} failed: ${code}`);
    const late = world.closing && !this.waiting[key].includes(get);
    if (state !== 'waiting') world.fail(`get ${get.id} is ${state} and failed`);
    this.#gone(get, 'failed');
    switch (code) {
      case 'ERR_ACQUIRE_TIMEOUT':
        counts.refusals++;
        if (world.clock.now() < get.until) world.fail(`get ${get.id} timed out early`);
        world.races.timedOut(key);
        break;
      case 'ERR_POOL_QUEUE_FULL':
        counts.refusals++;
        if (callbacks.blurred === 0) this.#checkRefusal(key);
        break;
      case 'ERR_POOL_CLOSED':
        if (!late) counts.refusals++;
        if (!world.closing) world.fail('refused by a pool that is open');
        break;
      case 'ERR_CONNECT':
      case 'ERR_UNSOLICITED_DATA':
        if (!world.dials.hasFailed(get)) world.fail(`get ${get.id} failed by a dial that was not its own: ${code}`);
        if (this.#deadDials.has(error)) world.fail('one dial failed two gets');
        this.#deadDials.add(error);
        break;
      default:
        world.fail(`get ${get.id} failed with ${code}`);
    }
    callbacks.run('error', key, true);
  }

  /** A get is refused for the others that wait with nothing on the way to them. */
  #checkRefusal(key: number): void {
    const { world } = this;
    const alone = [...coverage(world, key).values()].filter(cover => cover === null);
    if (alone.length < world.settings.pool.maxPending) world.fail('refused too early');
  }

  #onComplete(get: SimGet): void {
    const { callbacks } = this.world;
    if (get.state === 'waiting') this.world.fail(`get ${get.id} completed without a lease`);
    callbacks.run('complete', get.key, callbacks.blurred === 0 && !get.scoped);
  }

  #scopedEnd(get: SimGet, error: unknown): void {
    const request = get.lease?.request;
    if (request == null || request.settled !== null || error instanceof Deliberate) return;
    this.world.leases.onFailed(request, error);
  }

  /**
   * The oldest get of other keys that only the limit over all keys keeps from a dial, if it has waited too long.
   */
  starving(key: number): SimGet[] {
    const { clock, settings } = this.world;
    if (this.world.open() < settings.pool.maxConnections) return [];
    const rivals = this.waiting.filter(
      (waiting, its) => its !== key && waiting.some(({ starved }) => starved) && this.#isAlone(its),
    );
    const [oldest] = rivals.map(([get]) => get).sort((one, other) => one.id - other.id);
    return oldest !== undefined && clock.now() - oldest.since >= patience ? [oldest] : [];
  }

  #isAlone(key: number): boolean {
    const { world } = this;
    if (world.open(key) >= world.settings.pool.maxConnectionsPerHost) return false;
    return firstUncovered(coverage(world, key)) !== null;
  }
}

/** A key may go before another that waits for room only so long, in ms. */
const patience = 1_000;
