import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { concat, EMPTY, forkJoin, lastValueFrom, map, mergeMap, NEVER, of, tap, throwError, toArray } from 'rxjs';
import {
  Agent,
  type HTTPInterceptor,
  HTTPContext,
  HTTPContextToken,
  HTTPHeaders,
  type HTTPRequestInit,
  type HTTPResponse,
  text,
} from 'rxjs-http-pool';
import { httpServer, type Loopback, until } from '../loopback/index.js';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

describe('the interceptors of an agent', () => {
  let server: Loopback;
  let url: string;
  let agents: Agent[];

  beforeEach(async () => {
    server = await httpServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        const { method, url: path, headers } = request;
        response.end(JSON.stringify({ method, url: path, headers, body }));
      });
    });
    url = `http://${server.host}:${server.port}/path`;
    agents = [];
  });

  afterEach(async () => {
    await Promise.all(agents.map(agent => lastValueFrom(agent.close({ gracePeriod: 0 }))));
    await server.close();
  });

  function agentWith(...interceptors: HTTPInterceptor[]): Agent {
    const agent = new Agent({ interceptors });
    agents.push(agent);
    return agent;
  }

  const get = (agent: Agent, init: Partial<HTTPRequestInit> = {}): Promise<Seen> =>
    lastValueFrom(
      agent.request({ url, ...init }).pipe(
        text(),
        map(body => JSON.parse(body) as Seen),
      ),
    );

  const add =
    (name: string, log: string[]): HTTPInterceptor =>
    (request, next) => {
      log.push(`> ${name}`);
      return next(request.with({ headers: { 'X-Trail': `${request.headers.get('x-trail') ?? ''}${name}` } })).pipe(
        tap({ next: () => log.push(`< ${name}`), complete: () => log.push(`| ${name}`) }),
      );
    };

  it('see the request first to last, and the response last to first', async () => {
    const log: string[] = [];
    const seen = await get(agentWith(add('a', log), add('b', log), add('c', log)));
    expect(seen.headers['x-trail']).toBe('abc');
    expect(log).toEqual(['> a', '> b', '> c', '< c', '< b', '< a', '| c', '| b', '| a']);
  });

  it('are called by each subscription, and by none before', async () => {
    const log: string[] = [];
    const request$ = agentWith(add('a', log)).get(url);
    expect(log).toEqual([]);
    for (let i = 0; i < 2; i++) await lastValueFrom(request$.pipe(text()));
    expect(log.filter(entry => entry === '> a')).toHaveLength(2);
  });

  it('are not changed by who gave them', async () => {
    const interceptors: HTTPInterceptor[] = [];
    const agent = new Agent({ interceptors });
    agents.push(agent);
    interceptors.push(() => EMPTY);
    expect(await get(agent)).toMatchObject({ url: '/path' });
  });

  it('can change all of a request', async () => {
    const agent = agentWith((request, next) =>
      next(
        request.with({
          method: 'PUT',
          url: `${url}/other?a=1`,
          query: { b: 2 },
          headers: { 'X-One': '1', Accept: 'b' },
          json: { changed: true },
        }),
      ),
    );
    const seen = await get(agent, { method: 'POST', body: 'a much longer body than before', headers: { Accept: 'a' } });
    expect(seen).toMatchObject({ method: 'PUT', url: '/path/other?a=1&b=2', body: '{"changed":true}' });
    expect(seen.headers).toMatchObject({ 'x-one': '1', accept: 'b', 'content-length': '16' });
  });

  it('keep the body if they change something else', async () => {
    const body = new FormData();
    body.append('a', new Blob(['b']));
    const agent = agentWith((request, next) => next(request.with({ headers: { 'X-One': '1' } }).with({})));
    const seen = await get(agent, { method: 'POST', body });
    expect(seen.body).toContain('name="a"; filename="blob"');
    expect(seen.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(await get(agent, { method: 'POST', json: [1] })).toMatchObject({
      body: '[1]',
      headers: { 'content-type': 'application/json', 'x-one': '1' },
    });
  });

  it('can take the body away', async () => {
    const agent = agentWith((request, next) => next(request.with({ method: 'GET', body: null })));
    const seen = await get(agent, { method: 'POST', json: 1 });
    expect(seen).toMatchObject({ method: 'GET', body: '' });
    expect(seen.headers['content-length'] ?? '0').toBe('0');
  });

  it('leave the request as it was for everyone else', async () => {
    const urls: string[] = [];
    const agent = agentWith(
      (request, next) => next(request).pipe(tap(() => urls.push(`outer ${request.headers.get('x-a')}`))),
      (request, next) => next(request.with({ headers: { 'X-A': 'inner' } })),
    );
    const response = await lastValueFrom(agent.get(url, { headers: { 'X-A': 'given' } }));
    expect(urls).toEqual(['outer given']);
    expect(response.request.headers.get('x-a')).toBe('inner');
    await lastValueFrom(response.discard());
  });

  it('can answer themselves, and change an answer', async () => {
    const made = { status: 418, headers: HTTPHeaders.from({ a: 'b' }), text: () => of('a teapot') };
    const cached = agentWith(() => of(made as unknown as HTTPResponse));
    expect(await lastValueFrom(cached.get(url).pipe(text()))).toBe('a teapot');
    expect(server.connections).toBe(0);

    const changed = agentWith((request, next) =>
      next(request).pipe(map(response => Object.create(response, { status: { value: 299 } }) as HTTPResponse)),
    );
    expect((await lastValueFrom(changed.get(url))).status).toBe(299);
  });

  it('fail the request with what they throw, at any time', async () => {
    const boom = new Error('boom');
    for (const interceptor of [
      () => {
        throw boom;
      },
      () => throwError(() => boom),
      (request, next) =>
        next(request).pipe(
          map(() => {
            throw boom;
          }),
        ),
    ] as HTTPInterceptor[]) {
      const agent = agentWith(interceptor);
      await expect(lastValueFrom(agent.get(url))).rejects.toBe(boom);
      await expect(lastValueFrom(agent.get(url, { timeouts: { total: 10_000 } }))).rejects.toBe(boom);
      await expect(lastValueFrom(agent.requestEvents({ url }))).rejects.toBe(boom);
      await until(() => agent.pool.stats().leased === 0, 'nothing in use');
    }
  });

  it('can call next twice, in turn and at once', async () => {
    const twice = agentWith((request, next) => concat(next(request), next(request.with({ method: 'DELETE' }))));
    const bodies = await lastValueFrom(twice.get(url).pipe(text(), toArray()));
    expect(bodies.map(body => (JSON.parse(body) as Seen).method)).toEqual(['GET', 'DELETE']);

    const race = agentWith((request, next) =>
      forkJoin([next(request), next(request)]).pipe(
        mergeMap(([first, second]) => second.discard().pipe(map(() => first))),
      ),
    );
    expect(await get(race)).toMatchObject({ method: 'GET' });
    expect(race.pool.stats()).toMatchObject({ leases: 2, leased: 0, opened: 2, idle: 2 });
  });

  it('get of next what is cold', async () => {
    const agent = agentWith((request, next) => {
      const response$ = next(request);
      next(request); // of no consequence: nobody subscribes
      return concat(
        response$.pipe(
          mergeMap(response => response.discard()),
          mergeMap(() => EMPTY),
        ),
        response$,
      );
    });
    await get(agent);
    expect(agent.pool.stats()).toMatchObject({ leases: 2, opened: 1 });
  });

  it('may never call next', async () => {
    const empty = agentWith(() => EMPTY);
    expect(await lastValueFrom(empty.get(url), { defaultValue: 'nothing' })).toBe('nothing');
    expect(await lastValueFrom(empty.get(url).pipe(text()), { defaultValue: 'nothing' })).toBe('nothing');
    const { signal } = new AbortController();
    expect(await lastValueFrom(empty.get(url, { signal }), { defaultValue: 'nothing' })).toBe('nothing');

    const never = agentWith(() => NEVER);
    await expect(lastValueFrom(never.get(url, { timeouts: { total: 30 } }))).rejects.toMatchObject({
      code: 'ERR_TOTAL_TIMEOUT',
      phase: 'acquire',
      request: { method: 'GET', url },
    });
    expect(never.pool.stats()).toMatchObject({ leases: 0 });
    expect(server.connections).toBe(0);
  });

  it('see what is wrong with a request only if it is one', async () => {
    const log: string[] = [];
    await expect(lastValueFrom(agentWith(add('a', log)).get('nonsense'))).rejects.toMatchObject({
      code: 'ERR_INVALID_REQUEST',
    });
    expect(log).toEqual([]);
    const spoiling = agentWith((request, next) => next(request.with({ method: 'BAD METHOD' })));
    await expect(get(spoiling)).rejects.toMatchObject({ code: 'ERR_INVALID_REQUEST', field: 'method' });
    // Nothing was sent, and no connection made for it.
    expect(spoiling.pool.stats()).toMatchObject({ leased: 0, opened: 0 });
  });

  it('are told by the context', async () => {
    const token = new HTTPContextToken(() => 'nobody');
    const agent = agentWith((request, next) =>
      next(request.with({ headers: { 'X-User': request.context.get(token) } })),
    );
    expect((await get(agent)).headers['x-user']).toBe('nobody');
    const context = new HTTPContext().with(token, 'me');
    expect((await get(agent, { context })).headers['x-user']).toBe('me');
  });
});
