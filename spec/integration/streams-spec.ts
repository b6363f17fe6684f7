import { createHash } from 'node:crypto';
import { promises as fs } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { count, lastValueFrom, map, range, retry, take, toArray } from 'rxjs';
import {
  Agent,
  ContentTypeError,
  eventSource,
  lines,
  ndjson,
  politeMap,
  serverSentEvents,
  text,
  toFile,
  type HTTPResponse,
} from 'rxjs-http-pool';
import { httpServer, type Loopback } from '../loopback/index.js';
import { content } from '../loopback/programs/content.js';

describe('bodies on real sockets', () => {
  let server: Loopback;
  let agent: Agent;
  let handler: RequestListener;

  beforeEach(async () => {
    server = await httpServer((request, response) => handler(request, response));
    agent = new Agent({ baseURL: `http://${server.host}:${server.port}/`, pool: { maxConnectionsPerHost: 1 } });
  });

  afterEach(async () => {
    expect(agent.pool.stats()).toMatchObject({ leased: 0, pending: 0 });
    await lastValueFrom(agent.close({ gracePeriod: 0 }));
    await server.close();
  });

  it('are read line by line, several MiB of them', async () => {
    const all = Array.from({ length: 100_000 }, (_, i) => `${i} grüße, ${'€'.repeat(i % 20)}`);
    handler = (_, response) => response.end(all.join('\r\n'));
    expect(await lastValueFrom(agent.get('/').pipe(lines(), toArray()))).toEqual(all);
    handler = (_, response) => response.end(all.map((_line, id) => JSON.stringify({ id })).join('\n'));
    const sum$ = agent.get('/').pipe(
      ndjson<{ id: number }>(),
      map(({ id }, index) => id === index),
      count(same => same),
    );
    expect(await lastValueFrom(sum$)).toBe(100_000);
    expect(server.connections).toBe(1);
  });

  it('leave room for the retry that follows an error of their reader', async () => {
    let requests = 0;
    // Endless: the one connection that there may be is free only if it was let go.
    handler = (_, response) => {
      if (++requests === 3) response.end('short');
      else response.write('x'.repeat(100_000));
    };
    const read$ = agent.get('/').pipe(text({ maxBytes: 1_000 }), retry({ count: 2 }));
    expect(await lastValueFrom(read$)).toBe('short');
    requests = 0;
    const lines$ = agent.get('/').pipe(lines({ maxLength: 1_000 }), retry({ count: 2 }));
    expect(await lastValueFrom(lines$)).toBe('short');
  });

  it('are saved byte for byte', async () => {
    const directory = await fs.mkdtemp(join(tmpdir(), 'streams-'));
    try {
      const bytes = content(3, 20_000_000);
      handler = (_, response) => response.end(bytes);
      const path = join(directory, 'file');
      expect(await lastValueFrom(agent.get('/').pipe(toFile(path)))).toEqual({ path, bytes: bytes.length });
      const sha = (of: Uint8Array): string => createHash('sha256').update(of).digest('hex');
      expect(sha(await fs.readFile(path))).toBe(sha(bytes));
      expect(await fs.readdir(directory)).toEqual(['file']);
    } finally {
      await fs.rm(directory, { recursive: true });
    }
  });

  it('are event streams, one after the other', async () => {
    const asked: (string | undefined)[] = [];
    handler = (request, response) => {
      const last = request.headers['last-event-id'] as string | undefined;
      asked.push(last);
      const next = Number(last ?? 0) + 1;
      response.setHeader('Content-Type', 'text/event-stream');
      response.write(`retry: 100\nid: ${next}\ndata: ${next}\n\n`);
      // The first ends, the second breaks off, the third is refused, the fourth goes on.
      if (asked.length === 1) response.end();
      if (asked.length === 2) response.write('data: half', () => response.destroy());
    };
    const third = handler;
    handler = (request, response) => {
      if (asked.length === 2) {
        asked.push('refused');
        response.statusCode = 503;
        response.end('busy');
      } else third(request, response);
    };
    const events$ = eventSource(agent, '/', { jitter: 0 });
    const data = await lastValueFrom(
      events$.pipe(
        take(3),
        map(event => event.data),
        toArray(),
      ),
    );
    expect(data).toEqual(['1', '2', '3']);
    expect(asked).toEqual([undefined, '1', 'refused', '2']);
  });

  it('say which request their errors are about', async () => {
    handler = (_, response) => response.end('no events');
    const events$ = agent.get('/?token=secret').pipe(serverSentEvents());
    const error: unknown = await lastValueFrom(events$).catch((reason: unknown) => reason);
    if (!(error instanceof ContentTypeError)) throw error;
    expect(error.message).toMatch(/^GET http:\/\/[^?]+\/\?…: The response is not text\/event-stream/);
    expect(await lastValueFrom((error.response as HTTPResponse).text())).toBe('no events');
  });

  it('are crawled, each once', async () => {
    handler = (request, response) => response.end(request.url);
    const pages$ = range(0, 500).pipe(
      politeMap(i => agent.get(`/${i}`).pipe(text()), { key: i => i % 7, concurrency: 2, total: 5 }),
      toArray(),
    );
    const pages = await lastValueFrom(pages$);
    expect(pages.sort()).toEqual(Array.from({ length: 500 }, (_, i) => `/${i}`).sort());
  });
});
