// What a pool holds and has done, as text that Prometheus reads. Copy it; `npx tsx examples/prometheus.ts` prints a sample.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { concatMap, lastValueFrom, range } from 'rxjs';
import { Agent, discard, type HTTPConnectionPool, type PoolStats } from 'rxjs-http-pool';

const gauges: readonly (keyof PoolStats)[] = ['leased', 'idle', 'connecting', 'validating', 'pending'];

/** The statistics of a pool in Prometheus' text format; `pool` names it among others of the process. */
export function prometheus(stats: PoolStats, pool = 'default'): string {
  const label = `{pool="${pool.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"}`;
  return (Object.keys(stats) as (keyof PoolStats)[])
    .filter(name => name !== 'open') // the sum of others
    .map(name => {
      const isGauge = gauges.includes(name);
      const snake = name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
      const metric = `http_pool_${snake}${isGauge ? '' : '_total'}`;
      return `# TYPE ${metric} ${isGauge ? 'gauge' : 'counter'}\n${metric}${label} ${stats[name]}\n`;
    })
    .join('');
}

/** Serves `/metrics`. */
export function metricsServer(pool: HTTPConnectionPool): Server {
  return createServer((_, response) => {
    response.setHeader('Content-Type', 'text/plain; version=0.0.4');
    response.end(prometheus(pool.stats()));
  });
}

/** Asks its own metrics a few times, and gives the last of them. */
export async function sample(requests = 3): Promise<string> {
  const agent = new Agent();
  const server = metricsServer(agent.pool).listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  await lastValueFrom(range(0, requests).pipe(concatMap(() => agent.get(url).pipe(discard()))));
  const text = prometheus(agent.pool.stats());
  await lastValueFrom(agent.close());
  server.close();
  return text;
}

if (process.argv[1]?.endsWith('prometheus.ts')) {
  sample().then(console.log, (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
