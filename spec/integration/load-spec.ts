import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ignoreElements, lastValueFrom, map, mergeMap, type Observable, range } from 'rxjs';
import { Agent, type AgentOptions, bytes, HTTPConnectionPool, type HTTPResponse, tcp, tls } from 'rxjs-http-pool';
import { ca, certificate, Program, turns, until } from '../loopback/index.js';
import { checksum, content } from '../loopback/programs/content.js';
import type { LoadStats } from '../loopback/programs/loadServer.js';

jest.setTimeout(60_000);

const rounds = 10;
const concurrency = 50;
// From nothing to more than two reads; each answer's bytes depend on its id.
const sizes = [0, 1, 100, 1_000, 1_460, 5_000, 300];
const sizeOf = (id: number): number => (id % 50 === 0 ? 150_000 : id % 20 === 0 ? 20_000 : sizes[id % sizes.length]);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is held now and was not: what other specs of this process have left may go meanwhile. */
function leftSince(before: readonly string[]): string[] {
  const rest = [...before];
  return process.getActiveResourcesInfo().filter(type => {
    const at = rest.indexOf(type);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

async function heap(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    await turns(3);
    collect();
  }
  return process.memoryUsage().heapUsed;
}

describe.each(['http', 'https'])('10 000 requests at concurrency 50 to node:%s', scheme => {
  let server: Program;
  let origin: string;
  let port: number;

  beforeEach(async () => {
    const { key, cert } = certificate('server');
    server = new Program('loadServer', [scheme, key, cert], { ipc: true });
    port = await server.message<number>();
    origin = `${scheme}://127.0.0.1:${port}`;
  });

  afterEach(() => server.stop());

  const tlsOptions: AgentOptions = scheme === 'https' ? { connect: { ca } } : {};

  interface Answer {
    readonly id: number;
    readonly connection: string | null;
    readonly fault: string | null;
  }

  /** What is wrong with an answer, if anything is: compared with what this side knows the bytes must be. */
  function fault(
    id: number,
    { status, headers }: Pick<HTTPResponse, 'status' | 'headers'>,
    body: Uint8Array,
  ): string | null {
    const size = sizeOf(id);
    if (status !== 200) return `${id}: status ${status}`;
    if (headers.get('x-id') !== String(id)) return `${id}: the answer to ${headers.get('x-id')}`;
    if (body.length !== size) return `${id}: ${body.length} bytes of ${size}`;
    const sum = checksum(content(id, size));
    if (headers.get('x-checksum') !== sum) return `${id}: the server made other bytes`;
    if (checksum(body) !== sum) return `${id}: other bytes came`;
    return null;
  }

  async function load(
    perRound: number,
    request: (id: number) => Observable<Answer>,
  ): Promise<{ connections: Set<string>; heaps: number[] }> {
    const connections = new Set<string>();
    const faults: string[] = [];
    const seen = new Uint8Array(rounds * perRound);
    const heaps: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await lastValueFrom(
        range(round * perRound, perRound).pipe(
          mergeMap(
            id =>
              request(id).pipe(
                map(answer => {
                  seen[answer.id]++;
                  if (answer.connection !== null) connections.add(answer.connection);
                  if (answer.fault !== null) faults.push(answer.fault);
                }),
              ),
            concurrency,
          ),
          ignoreElements(),
        ),
        { defaultValue: undefined },
      );
      heaps.push(await heap());
    }
    expect(faults).toEqual([]);
    expect(seen.every(times => times === 1)).toBe(true);
    return { connections, heaps };
  }

  function expectFlat(heaps: number[]): void {
    // The first rounds compile and fill caches. 100 bytes left by each of 1 000 requests would be 600 000 in the last six.
    const growth = heaps[rounds - 1] - heaps[3];
    console.log(
      `${scheme}: heap ${heaps.map(bytes => (bytes / 1e6).toFixed(2)).join(' ')} MB, ${growth} over 6 rounds`,
    );
    expect(growth).toBeLessThan(600_000);
  }

  it('answers each through the agent, over 50 connections, and leaves nothing behind', async () => {
    const before = process.getActiveResourcesInfo();
    const agent = new Agent({ ...tlsOptions, timeouts: { acquire: 60_000, total: 60_000 } });
    const { signal } = new AbortController();
    let mostListeners = 0;
    const { connections, heaps } = await load(1_000, id => {
      mostListeners = Math.max(mostListeners, getEventListeners(signal, 'abort').length);
      const method = id % 5 === 0 ? 'POST' : 'GET';
      const sent = method === 'POST' ? content(id + 1, 1 + (id % 3_000)) : null;
      let head: HTTPResponse;
      return agent.request({ method, url: `${origin}/${id}/${sizeOf(id)}`, body: sent, signal }).pipe(
        map(response => (head = response)),
        bytes(),
        map(body => ({
          id,
          connection: head.headers.get('x-connection'),
          fault:
            fault(id, head, body) ??
            (sent !== null && head.headers.get('x-received') !== checksum(sent) ? `${id}: other bytes went` : null),
        })),
      );
    });
    const counted = await server.ask<LoadStats>('stats');
    expect(counted).toMatchObject({ requests: 10_000, connections: connections.size });
    expect(counted.connections).toBeLessThanOrEqual(concurrency);
    expect(agent.pool.stats()).toMatchObject({
      leased: 0,
      pending: 0,
      connecting: 0,
      idle: counted.connections,
      opened: counted.connections,
      leases: 10_000,
      retries: 0,
    });
    expectFlat(heaps);
    // Node warns of a leak from the 11th on.
    expect(mostListeners).toBeGreaterThan(0);
    expect(mostListeners).toBeLessThanOrEqual(10);
    expect(getEventListeners(signal, 'abort')).toEqual([]);

    await lastValueFrom(agent.close());
    await until(() => process.getActiveResourcesInfo().length <= before.length, 'no socket or timer left');
    expect(leftSince(before)).toEqual([]);
  });

  it('answers each through the pool, and leaves nothing behind', async () => {
    const before = process.getActiveResourcesInfo();
    const pool = new HTTPConnectionPool({ maxConnectionsPerHost: concurrency });
    const endpoint$ = scheme === 'https' ? tls({ host: '127.0.0.1', port, ca }) : tcp({ host: '127.0.0.1', port });
    const { connections, heaps } = await load(150, id =>
      pool.get('key', endpoint$, { acquireTimeout: 60_000 }).pipe(
        mergeMap(lease => lease.request({ path: `/${id}/${sizeOf(id)}` })),
        mergeMap(response =>
          response
            .bytes()
            .pipe(
              map(body => ({ id, connection: response.headers.get('x-connection'), fault: fault(id, response, body) })),
            ),
        ),
      ),
    );
    const counted = await server.ask<LoadStats>('stats');
    expect(counted).toMatchObject({ requests: 1_500, connections: connections.size });
    expect(counted.connections).toBeLessThanOrEqual(concurrency);
    expect(pool.stats()).toMatchObject({
      leased: 0,
      pending: 0,
      connecting: 0,
      opened: counted.connections,
      retries: 0,
    });
    expectFlat(heaps);

    await lastValueFrom(pool.close());
    await until(() => process.getActiveResourcesInfo().length <= before.length, 'no socket or timer left');
    expect(leftSince(before)).toEqual([]);
  });
});
