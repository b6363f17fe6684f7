import { range, lastValueFrom, mergeMap, ignoreElements } from 'rxjs';
import { Agent, HTTPConnectionPool, tcp, text, type PoolStats } from 'rxjs-http-pool';

// keys pool|agent COUNT PORT: uses so many keys once each, waits until their connections have gone, prints what is left.

export interface KeysResult {
  /** Bytes of heap after a collection: when the first keys had been used and had gone, and when all had. */
  readonly before: number;
  readonly after: number;
  readonly external: number;
  readonly stats: PoolStats;
  readonly keys: number;
  readonly ms: number;
}

const [kind, countText, portText] = process.argv.slice(2);
const count = Number(countText);
const port = Number(portText);

const pool = new HTTPConnectionPool({ cachedConnectionTimeout: 50, maxConnections: 64, maxPersistent: 32 });
const agent = new Agent({
  pool,
  connect: {
    // As many hosts as there are keys, all of them here.
    lookup: (_host, options, done) =>
      options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4),
  },
});

function request(key: string) {
  return kind === 'agent'
    ? agent.get(`http://${key}.test:${port}/${key}`).pipe(text())
    : pool.get(key, tcp({ host: '127.0.0.1', port })).pipe(
        mergeMap(lease => lease.request({ path: `/${key}` })),
        text(),
      );
}

async function use(from: number, keys: number): Promise<void> {
  await lastValueFrom(
    range(from, keys).pipe(
      mergeMap(i => request(`host-${i}`), 50),
      ignoreElements(),
    ),
    { defaultValue: undefined },
  );
  while (pool.stats().idle > 0) await new Promise(resolve => setTimeout(resolve, 10));
}

async function heap(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < 5; i++) {
    await new Promise(resolve => setTimeout(resolve, 20));
    globalThis.gc!();
  }
  return process.memoryUsage();
}

async function main(): Promise<void> {
  const warm = 1_500; // enough to fill what is bounded on purpose: the agent's caches of 1 000 URLs and endpoints
  const started = performance.now();
  await use(0, warm);
  const before = await heap();
  await use(warm, count);
  const after = await heap();
  const result: KeysResult = {
    before: before.heapUsed,
    after: after.heapUsed,
    external: after.external - before.external,
    stats: pool.stats(),
    keys: count,
    ms: performance.now() - started,
  };
  console.log(JSON.stringify(result));
}

void main();
