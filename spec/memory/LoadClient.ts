import { from, lastValueFrom, mergeMap, range, toArray, type Observable } from 'rxjs';
import { Agent, discard, tcp, type HTTPResponse, type RequestBody } from 'rxjs-http-pool';
import type { Seen } from './programs/server.js';

export type { Seen } from './programs/server.js';

export const KiB = 1_024;
export const MiB = 1_024 * KiB;
export const GiB = 1_024 * MiB;

const many = 6_000;

/** What a row uses: an agent, and what the server has seen of it. */
export class LoadClient {
  readonly agent: Agent;

  constructor(private readonly origin: string) {
    this.agent = new Agent({
      baseURL: origin,
      // No limit but those that are measured.
      pool: {
        maxConnections: many,
        maxConnectionsPerHost: many,
        maxPersistent: many,
        maxPersistentPerHost: many,
        cachedConnectionTimeout: Infinity,
        leaseTimeout: Infinity,
      },
      timeouts: { bodyUnclaimed: Infinity },
    });
  }

  get(path: string): Observable<HTTPResponse> {
    return this.agent.get(path);
  }

  post(path: string, body: RequestBody, length: number): Observable<HTTPResponse> {
    return this.agent.post(path, body, { headers: { 'Content-Length': String(length) } });
  }

  /** The server counts from here on. */
  async begin(): Promise<void> {
    await lastValueFrom(this.get('begin').pipe(discard()));
  }

  seen(): Promise<Seen> {
    return lastValueFrom(this.get('seen').pipe(mergeMap(response => response.json<Seen>())));
  }

  /** Opens so many connections, some at a time, uses each, and lets them lie. */
  async idle(connections: number): Promise<void> {
    const { pool } = this.agent;
    const endpoint$ = tcp({ host: '127.0.0.1', port: Number(new URL(this.origin).port) });
    const leases$ = range(0, connections).pipe(
      mergeMap(() => pool.get('idle', endpoint$), 250),
      toArray(),
    );
    const used$ = leases$.pipe(
      mergeMap(leases => from(leases)),
      mergeMap(lease => lease.request({ path: '/hello' }).pipe(discard()), 250),
    );
    await lastValueFrom(used$);
  }

  async close(): Promise<void> {
    await lastValueFrom(this.agent.close({ gracePeriod: 0 }));
  }
}
