import { Agent, type HTTPConnectionPoolOptions, type PoolEvent, isHTTPClientError } from 'rxjs-http-pool';
import type { Random } from './Random.js';

type Found = (invariant: string, detail: string) => void;

/** How many of its last events are kept, for the story of a request that went wrong. */
const kept = 400;

/** An agent whose pool is looked at all the time: what it holds, and whether that is what its events have told. */
export class WatchedAgent {
  readonly agent: Agent;
  readonly options: HTTPConnectionPoolOptions;
  /** It was told to close: what happens to its requests from here on is that. */
  closing = false;
  /** Requests that it is still to be given. */
  budget: number;
  readonly #told = {
    opened: 0,
    connectFailures: 0,
    leases: 0,
    reuses: 0,
    retries: 0,
    evictions: 0,
    refusals: 0,
    leaks: 0,
  };
  readonly #events: string[] = [];
  /** Evictions by reason. */
  readonly reasons = new Map<string, number>();

  constructor(
    random: Random,
    private readonly found: Found,
  ) {
    const perHost = random.int(4, 24);
    this.options = {
      maxConnectionsPerHost: perHost,
      maxConnections: random.int(perHost, perHost * 6),
      maxPersistentPerHost: random.chance(0.3) ? random.int(0, perHost) : perHost,
      maxPersistent: random.chance(0.3) ? random.int(0, perHost * 2) : 512,
      cachedConnectionTimeout: random.chance(0.3) ? random.int(5, 100) : 30_000,
      ...(random.chance(0.2) && { maxConnectionAge: random.spread(20, 5_000) }),
      ...(random.chance(0.2) && { maxRequestsPerConnection: random.spread(1, 200) }),
      ...(random.chance(0.1) && { maxPending: random.int(50, 400) }),
      leaseTimeout: 300,
    };
    this.budget = random.int(500, 6_000);
    this.agent = new Agent({ pool: this.options, key: ({ url }) => new URL(url).port });
    this.agent.pool.events.subscribe(event => this.#tell(event));
  }

  /** Looks at the pool; to be called where nothing of it is on the stack. */
  look(keys: readonly string[]): void {
    const { pool } = this.agent;
    const all = pool.stats();
    const { maxConnections = 0, maxConnectionsPerHost = 0 } = this.options;
    if (all.open > maxConnections) this.found('caps', `${all.open} connections of ${maxConnections}`);
    if (all.leased + all.idle + all.connecting !== all.open) this.found('stats', JSON.stringify(all));
    const sum = { open: 0, leased: 0, idle: 0, connecting: 0, pending: 0 };
    for (const key of keys) {
      const of = pool.stats(key);
      if (of === undefined) continue;
      if (of.open > maxConnectionsPerHost) this.found('caps', `${of.open} of ${maxConnectionsPerHost} to ${key}`);
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += of[name];
    }
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) {
      if (sum[name] !== all[name]) this.found('stats', `${name}: ${all[name]}, but ${sum[name]} over all keys`);
    }
    // That a connection is there is told when it is handed out, after the poll.
    const untold = all.opened - this.#told.opened;
    if (untold < 0 || untold > all.validating)
      this.found('stats', `${untold} connections of ${all.opened} are not told`);
    for (const name of counts) {
      if (all[name] !== this.#told[name]) this.found('stats', `${name}: ${all[name]}, events tell ${this.#told[name]}`);
    }
    const open = this.#told.opened + untold - this.#told.evictions;
    if (all.leased + all.idle !== open) this.found('stats', `${all.leased + all.idle} open, events tell ${open}`);
  }

  /** The events of a key, the last ones last. */
  history(key: string): readonly string[] {
    return this.#events.filter(event => event.includes(` ${key} `)).slice(-24);
  }

  /** What is leased, and what has happened to its keys. */
  held(keys: readonly string[]): string {
    const stats = (key: string): string => JSON.stringify(this.agent.pool.stats(key));
    return keys
      .filter(key => (this.agent.pool.stats(key)?.leased ?? 0) > 0)
      .map(
        key =>
          `\n  ${key} ${stats(key)}\n${this.history(key)
            .map(event => `    ${event}`)
            .join('\n')}`,
      )
      .join('');
  }

  #tell(event: PoolEvent): void {
    const told = this.#told;
    let detail = '';
    switch (event.type) {
      case 'connected':
        told.opened++;
        break;
      case 'connect-failed':
        told.connectFailures++;
        break;
      case 'leased':
        told.leases++;
        if (event.reused) told.reuses++;
        detail = event.reused ? 'reused' : 'fresh';
        break;
      case 'retried':
        told.retries++;
        break;
      case 'evicted':
        told.evictions++;
        detail = event.reason;
        this.reasons.set(event.reason, (this.reasons.get(event.reason) ?? 0) + 1);
        break;
      case 'refused':
        told.refusals++;
        break;
      case 'leaked':
        told.leaks++;
        break;
      case 'error':
        // A body that nobody came for is the caller's doing; anything else is a defect of the library.
        if (!isHTTPClientError(event.error, 'ERR_BODY_UNCLAIMED')) this.found('reports', String(event.error));
        break;
      default:
        break;
    }
    if (this.#events.length > 2 * kept) this.#events.splice(0, kept);
    this.#events.push(`${Math.round(event.at)} ${event.key} ${event.type} ${detail}`);
  }
}

const counts = ['connectFailures', 'leases', 'reuses', 'retries', 'evictions', 'refusals', 'leaks'] as const;
