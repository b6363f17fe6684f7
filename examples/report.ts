import { finalize, interval, map, type Subscription } from 'rxjs';
import type { HTTPConnectionPool, PoolEvent, PoolStats } from 'rxjs-http-pool';
import type { Page } from './crawl.js';

/** What a crawl has done, as its pool and its pages tell it. */
export class Report {
  readonly pages: Page[] = [];
  readonly failures: unknown[] = [];
  readonly total = new Tally('all');
  readonly hosts = new Map<string, Tally>();
  readonly #started = performance.now();
  #last = { at: this.#started, requests: 0 };
  #rate = 0;

  constructor(
    private readonly pool: HTTPConnectionPool,
    readonly caps: { readonly maxConnections: number; readonly maxConnectionsPerHost: number },
  ) {
    pool.events.subscribe(event => this.#event(event));
  }

  page(page: Page): void {
    this.pages.push(page);
    for (const tally of [this.#host(page.url), this.total]) {
      tally.pages++;
      tally.bytes += page.bytes;
      tally.stalls += page.stalls;
      tally.times.push(page.ms);
    }
  }

  /** The connections that are open now. */
  get open(): number {
    return openOf(this.pool.stats());
  }

  /** The most connections that any one host had open at a time. */
  get peakPerHost(): number {
    return Math.max(0, ...[...this.hosts.values()].map(host => host.peakOpen));
  }

  /** One line on a terminal, written over and over; where there is none, a line a second. */
  showProgress({ stdout } = process): Subscription {
    const { isTTY } = stdout;
    const width = stdout.columns ?? 100;
    return interval(isTTY ? 150 : 1_000)
      .pipe(
        map(() => this.line()),
        finalize(() => isTTY && stdout.write('\r\x1b[K')),
      )
      .subscribe(line => stdout.write(isTTY ? `\r\x1b[K${line.slice(0, width - 1)}` : `${line}\n`));
  }

  /** What goes on now. */
  line(): string {
    const { idle, pending, retries } = this.pool.stats();
    const now = performance.now();
    const { requests, pages, stalls } = this.total;
    if (now > this.#last.at) {
      const rate = (1_000 * (requests - this.#last.requests)) / (now - this.#last.at);
      this.#rate = this.#last.requests === 0 ? rate : 0.7 * this.#rate + 0.3 * rate; // smooth
      this.#last = { at: now, requests };
    }
    return [
      `${String(pages).padStart(4)} pages`,
      `${this.#rate.toFixed(0).padStart(5)} req/s`,
      `${String(this.open).padStart(2)} of ${this.caps.maxConnections} open`,
      `${String(idle).padStart(2)} idle`,
      `${String(pending).padStart(4)} pending`,
      `${String(retries).padStart(3)} retries`,
      `${String(stalls).padStart(2)} stalls`,
    ].join(' · ');
  }

  /** What there is to say at the end. */
  table(): string {
    const head = ['host', 'pages', 'requests', 'conns', 'reuse', 'retries', 'stalls', 'p50 ms', 'p99 ms', 'bytes'];
    const hosts = [...this.hosts.values()].sort((a, b) => a.name.localeCompare(b.name));
    const rows = [head, ...hosts.map(host => host.cells()), this.total.cells()];
    const widths = head.map((_, column) => Math.max(...rows.map(row => row[column].length)));
    const lines = rows.map(row =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('   '),
    );
    const rule = '─'.repeat(lines[0].length);
    const { caps, total, peakPerHost } = this;
    return [
      '',
      lines[0],
      rule,
      ...lines.slice(1, -1),
      rule,
      lines[lines.length - 1],
      '',
      `connections open at a time: at most ${total.peakOpen} (cap ${caps.maxConnections}), ` +
        `at most ${peakPerHost} to one host (cap ${caps.maxConnectionsPerHost})`,
      `${((performance.now() - this.#started) / 1_000).toFixed(1)} s, peak memory ` +
        size(process.resourceUsage().maxRSS * 1_024),
      ...this.failures.slice(0, 10).map(failure => `failed: ${String(failure)}`),
      ...(this.failures.length > 10 ? [`and ${this.failures.length - 10} failures more`] : []),
    ].join('\n');
  }

  #event(event: PoolEvent): void {
    if (event.type === 'closed') return; // it is of no key
    for (const tally of [this.#host(event.key), this.total]) {
      const stats = tally === this.total ? this.pool.stats() : this.pool.stats(event.key);
      tally.peakOpen = Math.max(tally.peakOpen, stats === undefined ? 0 : openOf(stats));
      if (event.type === 'connected') tally.connections++;
      if (event.type === 'leased') tally.leases++;
      if (event.type === 'retried') tally.retries++;
    }
    if (event.type === 'error') this.failures.push(event.error);
  }

  #host(url: string): Tally {
    const { hostname } = new URL(url);
    let tally = this.hosts.get(hostname);
    if (tally === undefined) this.hosts.set(hostname, (tally = new Tally(hostname)));
    return tally;
  }
}

/** The figures of one host, or of all: a line of the table. */
class Tally {
  readonly times: number[] = [];
  pages = 0;
  bytes = 0;
  stalls = 0;
  leases = 0;
  connections = 0;
  retries = 0;
  peakOpen = 0;

  constructor(readonly name: string) {}

  /** A request that was retried went out twice. */
  get requests(): number {
    return this.leases + this.retries;
  }

  cells(): string[] {
    const { name, pages, requests, connections, retries, stalls, bytes } = this;
    const reuse = requests === 0 ? '–' : `${Math.floor(100 * Math.max(0, 1 - connections / requests))} %`;
    const times = [...this.times].sort((a, b) => a - b);
    const percentile = (p: number): string => times[Math.ceil(p * times.length) - 1]?.toFixed(1) ?? '–';
    const counts = [pages, requests, connections].map(String);
    return [name, ...counts, reuse, String(retries), String(stalls), percentile(0.5), percentile(0.99), size(bytes)];
  }
}

const openOf = ({ leased, idle, connecting }: PoolStats): number => leased + idle + connecting;

function size(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
