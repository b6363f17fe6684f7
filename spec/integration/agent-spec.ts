import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { lastValueFrom, map, mergeMap } from 'rxjs';
import { Agent, type AgentOptions, discard, HTTPConnectionPool, json, text, throwIfNotOk } from 'rxjs-http-pool';
import { httpServer, type Loopback, rawServer, turns, until } from '../loopback/index.js';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string | undefined>;
  readonly body: string;
}

describe('an agent', () => {
  let server: Loopback;
  let origin: string;
  let agents: Agent[];

  beforeEach(async () => {
    agents = [];
    server = await httpServer((request, response) => {
      const status = /^\/status\/(\d+)/.exec(request.url!);
      if (status !== null) {
        response.statusCode = Number(status[1]);
        response.setHeader('ETag', '"x"');
        response.end(`status ${status[1]}`);
        return;
      }
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        const { method, url, headers } = request;
        response.end(JSON.stringify({ method, url, headers, body }));
      });
    });
    origin = `http://${server.host}:${server.port}`;
  });

  afterEach(async () => {
    await Promise.all(agents.map(agent => lastValueFrom(agent.pool.close({ gracePeriod: 0 }))));
    await server.close();
  });

  function agentOf(options?: AgentOptions): Agent {
    const agent = new Agent(options);
    agents.push(agent);
    return agent;
  }

  const get = (agent: Agent, url = `${origin}/`): Promise<Seen> => lastValueFrom(agent.get(url).pipe(json<Seen>()));

  it('has a method for each of the common ones', async () => {
    const agent = agentOf();
    const methods = [
      agent.get(origin),
      agent.delete(origin),
      agent.post(origin, 'x'),
      agent.put(origin, 'x'),
      agent.patch(origin, 'x'),
      agent.request({ url: origin, method: 'REPORT' }),
      agent.request({ url: origin }),
    ];
    const seen: string[] = [];
    for (const method$ of methods) seen.push((await lastValueFrom(method$.pipe(json<Seen>()))).method);
    expect(seen).toEqual(['GET', 'DELETE', 'POST', 'PUT', 'PATCH', 'REPORT', 'GET']);
    expect(server.connections).toBe(1);
  });

  it('reads no body where there is none: HEAD, 204, 304', async () => {
    const agent = agentOf();
    const head = await lastValueFrom(agent.head(`${origin}/status/200`));
    expect(head.status).toBe(200);
    expect(head.headers.get('etag')).toBe('"x"');
    expect(await lastValueFrom(head.text())).toBe('');
    for (const status of [204, 304]) {
      const response = await lastValueFrom(agent.get(`${origin}/status/${status}`));
      expect(response.status).toBe(status);
      expect(response.ok).toBe(status === 204);
      expect(await lastValueFrom(response.bytes())).toHaveLength(0);
      expect(await lastValueFrom(agent.head(`${origin}/status/${status}`).pipe(text()))).toBe('');
    }
    // And nothing of what was not read is taken for the next answer.
    expect(await get(agent)).toMatchObject({ method: 'GET' });
    expect(server.connections).toBe(1);
  });

  it('does not wait for the body that a HEAD, 204 or 304 announces', async () => {
    const raw = await rawServer(socket => {
      socket.on('data', bytes => {
        const status = bytes.toString().startsWith('HEAD') ? '200 OK' : '304 Not Modified';
        socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 1000\r\n\r\n`);
      });
    });
    const agent = agentOf();
    const url = `http://${raw.host}:${raw.port}`;
    for (let i = 0; i < 3; i++) {
      expect(await lastValueFrom(agent.head(url).pipe(text()))).toBe('');
      expect(await lastValueFrom(agent.get(url).pipe(text()))).toBe('');
    }
    expect(raw.connections).toBe(1);
    await raw.close();
  });

  it('makes no error of a status, unless asked to', async () => {
    const agent = agentOf();
    const url = `${origin}/status/500?secret`;
    expect(await lastValueFrom(agent.get(url).pipe(text()))).toBe('status 500');
    const error: unknown = await lastValueFrom(agent.get(url).pipe(throwIfNotOk(), text())).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'ERR_STATUS', status: 500, phase: 'receive' });
    expect(String(error)).not.toContain('secret');
    await until(() => agent.pool.stats().idle === 1, 'the connection to be back');
  });

  it('says which request an unreadable body was the answer to', async () => {
    const error: unknown = await lastValueFrom(agentOf().get(`${origin}/status/200?secret`).pipe(json())).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'ERR_RESPONSE_FAILED', request: { url: `${origin}/status/200?…` } });
    expect(String(error)).not.toContain('secret');
  });

  it('says that a body was read before', async () => {
    const response = await lastValueFrom(agentOf().get(origin));
    await lastValueFrom(response.text());
    const again: unknown = await lastValueFrom(response.text()).catch((reason: unknown) => reason);
    expect(again).toMatchObject({ code: 'ERR_BODY_USED', request: { method: 'GET' } });
  });

  it('has headers for all its requests, which give way to those of one', async () => {
    const agent = agentOf({ headers: { 'X-A': 'agent', 'X-B': 'agent' } });
    const seen = await lastValueFrom(agent.get(origin, { headers: [['x-a', 'request']] }).pipe(json<Seen>()));
    expect(seen.headers).toMatchObject({ 'x-a': 'request', 'x-b': 'agent' });
  });

  it('knows how long the parts of a request took', async () => {
    const raw = await rawServer(socket => {
      socket.on('data', () => {
        const started = performance.now();
        void until(() => performance.now() > started + 50)
          .then(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na'))
          .then(() => until(() => performance.now() > started + 120))
          .then(() => socket.write('b'));
      });
    });
    const agent = agentOf();
    const started = performance.now();
    const response = await lastValueFrom(agent.get(`http://localhost:${raw.port}/`));
    expect(response.timings.receive).toBeUndefined();
    await lastValueFrom(response.text());
    const elapsed = performance.now() - started;
    const { acquire, dns, connect, send, wait, receive } = response.timings;
    expect(dns).toBeGreaterThan(0);
    expect(connect).toBeGreaterThan(0);
    expect(dns! + connect!).toBeLessThanOrEqual(acquire + 2);
    expect(wait).toBeGreaterThanOrEqual(48);
    expect(receive).toBeGreaterThanOrEqual(20);
    expect(acquire + send + wait + receive!).toBeLessThanOrEqual(elapsed + 5);
    await raw.close();
  });

  describe('that was extended', () => {
    it('shares the pool, and the options that were not given anew', async () => {
      const agent = agentOf({ headers: { 'X-A': '1' }, baseURL: `${origin}/base`, timeouts: { headers: 1_234 } });
      const extended = agent.extend({ headers: { 'X-B': '2' } });
      expect(extended.pool).toBe(agent.pool);
      expect((await get(agent, 'x')).headers).toMatchObject({ 'x-a': '1' });
      const response = await lastValueFrom(extended.get('x'));
      expect(response.request.timeouts.headers).toBe(1_234);
      const seen = await lastValueFrom(response.json<Seen>());
      expect(seen).toMatchObject({ url: '/base/x', headers: { 'x-b': '2' } });
      expect(server.connections).toBe(1);
    });

    it('leaves the agent as it was', async () => {
      const agent = agentOf({ baseURL: origin });
      agent.extend({
        baseURL: `${origin}/other`,
        interceptors: [
          () => {
            throw new Error();
          },
        ],
      });
      expect(await get(agent, 'x')).toMatchObject({ url: '/x' });
    });

    it('takes another pool', async () => {
      const agent = agentOf();
      const pool = new HTTPConnectionPool();
      const extended = agent.extend({ pool });
      agents.push(extended);
      expect(extended.pool).toBe(pool);
      const own = agent.extend({ pool: { maxConnections: 1 } });
      agents.push(own);
      expect(own.pool).not.toBe(agent.pool);
    });
  });

  describe('that is closed', () => {
    it('closes the pool that it made, after what is under way', async () => {
      const agent = agentOf();
      await get(agent);
      let asked = false;
      const slow = await rawServer(socket => {
        socket.on('data', () => {
          asked = true;
          void turns(20).then(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
        });
        socket.on('end', () => socket.end());
      });
      const last = lastValueFrom(agent.get(`http://${slow.host}:${slow.port}`).pipe(text()));
      await until(() => asked, 'the request at the server');
      const closed = lastValueFrom(agent.close());
      expect(await last).toBe('ok');
      await closed;
      await server.quiet();
      await slow.quiet();
      await expect(get(agent)).rejects.toMatchObject({
        code: 'ERR_POOL_CLOSED',
        phase: 'acquire',
        request: { method: 'GET' },
      });
      await slow.close();
    });

    it('leaves a pool that it was given', async () => {
      const pool = new HTTPConnectionPool();
      const agent = agentOf({ pool });
      await get(agent);
      await lastValueFrom(agent.close());
      await lastValueFrom(agent.extend({}).close());
      expect(await get(agent)).toMatchObject({ method: 'GET' });
      expect(pool.stats()).toMatchObject({ opened: 1, idle: 1 });
    });

    it('leaves the pool to the agent that made it', async () => {
      const agent = agentOf();
      await lastValueFrom(agent.extend({}).close());
      expect(await get(agent)).toMatchObject({ method: 'GET' });
    });
  });

  describe('when somebody has polluted Object.prototype', () => {
    const polluted = Object.prototype as Record<string, unknown>;
    const values: Record<string, unknown> = {
      pool: { maxConnections: 0 },
      interceptors: [
        () => {
          throw new Error('polluted');
        },
      ],
      baseURL: 'http://evil.test/',
      headers: { 'X-Evil': '1' },
      timeouts: { total: 1, headers: 1 },
      connect: { rejectUnauthorized: false, lookup: () => undefined },
      key: () => 'evil',
      endpoint: () => {
        throw new Error('polluted');
      },
      url: 'http://evil.test',
      method: 'EVIL',
      body: 'evil',
      json: { evil: true },
      form: { evil: 'true' },
      query: 'evil=1',
      signal: AbortSignal.abort('polluted'),
      context: 'evil',
      idempotent: true,
      observer: {
        sent: () => {
          throw new Error('polluted');
        },
      },
      operation: {
        track: () => {
          throw new Error('polluted');
        },
      },
      total: 1,
      acquire: 0,
      bodyIdle: 0,
      bodyUnclaimed: 0,
      maxConnections: 0,
      maxConnectionsPerHost: 0,
      persistent: false,
      validateIdle: 'evil',
      scheduler: {},
      protocolFactory: () => {
        throw new Error('polluted');
      },
      acquireTimeout: 0,
      gracePeriod: -1,
      lookup: () => {
        throw new Error('polluted');
      },
      localAddress: '127.0.0.3',
      family: 6,
      rejectUnauthorized: false,
      servername: 'evil.test',
      phase: 'evil',
      cause: 'evil',
    };

    afterEach(() => {
      for (const name of Object.keys(values)) delete polluted[name];
    });

    for (const [name, value] of Object.entries(values)) {
      it(`${name} has no effect`, async () => {
        const keys = new Set<string>();
        const before = agentOf();
        before.pool.events.subscribe(({ key }) => keys.add(key));
        const clean = await lastValueFrom(
          before.post(`${origin}/x`, 'body', { headers: { A: 'b' } }).pipe(json<Seen>()),
        );
        const cleanKeys = [...keys];

        Object.defineProperty(polluted, name, { value, configurable: true, writable: true, enumerable: false });
        let dirty: Seen[];
        let later: Agent;
        try {
          later = agentOf({ timeouts: { headers: 30_000 } });
          later.pool.events.subscribe(({ key }) => keys.add(key));
          const changing = later.extend({
            interceptors: [(request, next) => next(request.with({ headers: { A: 'b' } }))],
          });
          const { signal } = new AbortController();
          dirty = [
            await lastValueFrom(before.post(`${origin}/x`, 'body', { headers: { A: 'b' } }).pipe(json<Seen>())),
            await lastValueFrom(later.post(`${origin}/x`, 'body', { headers: { A: 'b' } }).pipe(json<Seen>())),
            await lastValueFrom(changing.post(`${origin}/x`, 'body', { signal }).pipe(json<Seen>())),
            await lastValueFrom(
              later.requestEvents({ url: `${origin}/x`, method: 'POST', body: 'body', headers: { A: 'b' } }).pipe(
                mergeMap(event => (event.type === 'response' ? event.response.json<Seen>() : [])),
                map(seen => seen),
              ),
            ),
          ];
          await lastValueFrom(before.get(`${origin}/status/200`).pipe(discard()));
        } finally {
          delete polluted[name];
        }
        for (const seen of dirty) expect(seen).toEqual(clean);
        expect([...keys]).toEqual(cleanKeys);
        expect(server.connections).toBe(2);
        expect(later.pool.stats()).toMatchObject({ opened: 1, idle: 1 });
      });
    }
  });
});
