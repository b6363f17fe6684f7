import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { lastValueFrom, type Observable } from 'rxjs';
import {
  Agent,
  type AgentOptions,
  type ConnectOptions,
  type HTTPClientError,
  HTTPConnectionPool,
  type HTTPRequestInit,
  isHTTPClientError,
  type QueryInit,
  text,
} from 'rxjs-http-pool';
import { ca, httpServer, httpsServer, type Loopback, refusedPort } from '../loopback/index.js';

async function failureOf(work$: Observable<unknown>): Promise<HTTPClientError> {
  const outcome: unknown = await lastValueFrom(work$).catch((error: unknown) => error);
  if (isHTTPClientError(outcome)) return outcome;
  throw new Error(`It did not fail as it should: ${String(outcome)}`);
}

describe('URLs of an agent', () => {
  let server: Loopback;
  let origin: string;
  let pool: HTTPConnectionPool;

  beforeEach(async () => {
    server = await httpServer((request, response) =>
      response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers })),
    );
    origin = `http://${server.host}:${server.port}`;
    pool = new HTTPConnectionPool();
  });

  afterEach(async () => {
    await lastValueFrom(pool.close({ gracePeriod: 0 }));
    await server.close();
  });

  interface Seen {
    readonly method: string;
    readonly url: string;
    readonly headers: Record<string, string>;
  }

  async function seen(agent: Agent, init: HTTPRequestInit): Promise<Seen> {
    return JSON.parse(await lastValueFrom(agent.request(init).pipe(text()))) as Seen;
  }

  describe('with a baseURL (CVE-2024-39338, CVE-2025-27152)', () => {
    const agentAt = (base: string, options: AgentOptions = {}): Agent => new Agent({ pool, baseURL: base, ...options });

    it.each([
      ['users', '/api/v1/users'],
      ['/users', '/api/v1/users'],
      ['users/../teams', '/api/v1/teams'],
      ['./users', '/api/v1/users'],
      ['', '/api/v1'],
      ['?q=1', '/api/v1?q=1'],
      ['#part', '/api/v1'],
      ['/users?next=//evil.test/#x', '/api/v1/users?next=//evil.test/'],
      ['a:b@c', null],
      ['/a:b@c', '/api/v1/a:b@c'],
      ['@evil.test', '/api/v1/@evil.test'],
      [':80@evil.test', '/api/v1/:80@evil.test'],
      ['.evil.test', '/api/v1/.evil.test'],
      ['%2fevil', '/api/v1/%2fevil'],
      ['/%00', '/api/v1/%00'],
      ['/ä b', '/api/v1/%C3%A4%20b'],
      ['ABSOLUTE/users', '/api/v1/users'],
      ['ABSOLUTE', '/api/v1'],
      ['ABSOLUTE/?q=1', '/api/v1/?q=1'],
      ['ABSOLUTE-evil', null],
      ['ABSOLUTE/../v2', null],
      ['ORIGIN/', null],
      ['ORIGIN/api/v11', null],
      ['ORIGIN@evil.test/api/v1/', null],
      ['//evil.test', null],
      ['//evil.test/api/v1/x', null],
      ['///evil.test', null],
      ['http://evil.test', null],
      ['http:evil.test', null],
      ['http:/evil.test', null],
      ['HTTP://evil.test/api/v1/', null],
      ['https://127.0.0.1/api/v1/', null],
      ['\\\\evil.test', null],
      ['\\evil.test', null],
      ['/\\evil.test', null],
      ['/\\/evil.test', null],
      ['http:\\\\evil.test', null],
      ['../../', null],
      ['..', null],
      ['/..', null],
      ['../v1evil', null],
      ['users/../../..', null],
      ['%2e%2e/', null],
      ['%2E%2e/%2e%2E', null],
      ['.%2e/.%2E/x', null],
      ['\t//evil.test', null],
      ['/\t/evil.test', null],
      ['/\n/evil.test', null],
      ['.\t./x', null],
      ['.\r./x', null],
      ['ht\ntp://evil.test', null],
      [' //evil.test', null],
      ['\0//evil.test', null],
      ['file:///etc/passwd', null],
      ['javascript:alert(1)', null],
      ['data:,x', null],
    ])('%j leads to %j', async (given, path) => {
      const base = `${origin}/api/v1`;
      const url = given.replace('ABSOLUTE', base).replace('ORIGIN', origin);
      // With a slash at its end a base means the same.
      for (const agent of [agentAt(base), agentAt(`${base}/`)]) {
        if (path === null) {
          const error = await failureOf(agent.get(url));
          expect(error).toMatchObject({ code: 'ERR_INVALID_REQUEST', field: 'url', phase: 'transmit' });
        } else {
          const { url: got } = await seen(agent, { url });
          // What names the base itself keeps the slash that the base has, or has not.
          expect(path === '/api/v1' || path === '/api/v1?q=1' ? got.replace('/v1/', '/v1') : got).toBe(path);
        }
      }
      if (path === null) expect(server.connections).toBe(0);
    });

    it('takes a base without a path, and a URL object', async () => {
      expect((await seen(agentAt(origin), { url: 'users' })).url).toBe('/users');
      expect((await seen(agentAt(origin), { url: new URL(`${origin}/users`) })).url).toBe('/users');
      expect(await failureOf(agentAt(origin).get(new URL('http://evil.test')))).toMatchObject({ field: 'url' });
    });

    it('sends the credentials of the base', async () => {
      const agent = agentAt(origin.replace('//', '//user:pass%40word@'));
      const authorization = `Basic ${Buffer.from('user:pass@word').toString('base64')}`;
      expect((await seen(agent, { url: 'users' })).headers).toMatchObject({ authorization });
      expect((await seen(agent, { url: `${origin}/users` })).headers).toMatchObject({ authorization });
    });

    it.each(['', 'api', '/api', '//host', 'ftp://host', 'http://'])('refuses %j as a base', base => {
      expect(() => new Agent({ baseURL: base })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
    });
  });

  it.each<[string, QueryInit, string]>([
    ['/', { a: 1, b: 'x y', c: true }, '/?a=1&b=x+y&c=true'],
    ['/', { a: [1, 2], b: null, c: undefined, d: [] }, '/?a=1&a=2'],
    ['/?z=0', { a: 1 }, '/?z=0&a=1'],
    ['/?', { a: 1 }, '/?a=1'],
    ['/?z=0&', { a: 1 }, '/?z=0&a=1'],
    ['/#part', { a: 1 }, '/?a=1'],
    ['/?z=0#part?not=this', { a: 1 }, '/?z=0&a=1'],
    ['/?a=0', { a: 1 }, '/?a=0&a=1'],
    ['/', '?a=1&b=2', '/?a=1&b=2'],
    [
      '/',
      new URLSearchParams([
        ['a', '&='],
        ['a', '#'],
      ]),
      '/?a=%26%3D&a=%23',
    ],
    ['/', {}, '/'],
    ['/?x', '', '/?x'],
    ['/', { 'a&b': 'c\r\nX-Evil: 1', ä: '€' }, '/?a%26b=c%0D%0AX-Evil%3A+1&%C3%A4=%E2%82%AC'],
  ])('%j with the query %j is %j', async (url, query, expected) => {
    expect((await seen(new Agent({ pool }), { url: origin + url, query })).url).toBe(expected);
    expect((await seen(new Agent({ pool, baseURL: origin }), { url, query })).url).toBe(expected);
  });

  it.each([
    ['', 'is not an absolute URL'],
    ['users', 'is not an absolute URL'],
    ['//host/', 'is not an absolute URL'],
    ['http://', 'is not an absolute URL'],
    ['http://ho st/', 'is not an absolute URL'],
    ['http://host:99999/', 'is not an absolute URL'],
    ['ftp://host/', 'must be http or https'],
  ])('%j without a base is an error notification', async (url, message) => {
    const request$ = new Agent({ pool }).get(url);
    expect(await failureOf(request$)).toMatchObject({
      code: 'ERR_INVALID_REQUEST',
      field: 'url',
      message: expect.stringContaining(message),
    });
  });

  describe('with credentials', () => {
    it.each([
      ['user:password', 'user:password'],
      ['user', 'user:'],
      [':password', ':password'],
      ['us%65r:p%40ss%3Aw%2Frd', 'user:p@ss:w/rd'],
      ['100%:100%', '100%:100%'],
      ['%C3%A4:%E2%82%AC', 'ä:€'],
    ])('sends %j as Authorization', async (userinfo, plain) => {
      const { headers, url } = await seen(new Agent({ pool }), { url: `${origin.replace('//', `//${userinfo}@`)}/x` });
      expect(headers.authorization).toBe(`Basic ${Buffer.from(plain).toString('base64')}`);
      expect(headers.host).toBe(`${server.host}:${server.port}`);
      expect(url).toBe('/x');
    });

    it('prefers the header of the request', async () => {
      const url = origin.replace('//', '//user:password@');
      const { headers } = await seen(new Agent({ pool }), { url, headers: { Authorization: 'Bearer x' } });
      expect(headers.authorization).toBe('Bearer x');
    });

    it('shares connections between users, as credentials are in the requests', async () => {
      const agent = new Agent({ pool });
      await seen(agent, { url: origin.replace('//', '//one:1@') });
      const { headers } = await seen(agent, { url: origin });
      expect(headers.authorization).toBeUndefined();
      expect(server.connections).toBe(1);
    });

    const secrets = /hunter2|hunter%32|topsecret/;

    it.each([
      ['an address that refuses', 'http://user:hunter2@127.0.0.1:PORT/path?key=topsecret#topsecret'],
      ['an address that refuses, over TLS', 'https://user:hunter2@127.0.0.1:PORT/path?key=topsecret'],
      ['no URL', 'http://user:hunter2@ho st/?key=topsecret'],
      ['no URL, with a space in front', ' http://user:hunter2@ho st/?key=topsecret'],
      ['no URL, as the password has a slash', 'http://user:hunter2/x@host/?key=topsecret'],
      ['no URL, with backslashes', 'http:\\\\user:hunter2@ho st\\?key=topsecret'],
      ['no URL, for its port', 'http://user:hunter2@host:99999/?key=topsecret'],
      ['no scheme', 'user:hunter2@host/?key=topsecret'],
      ['another scheme', 'ftp://user:hunter2@host/?key=topsecret'],
    ])('says nothing of them in the error of %s', async (_, template) => {
      const url = template.replace('PORT', String(await refusedPort()));
      for (const agent of [
        new Agent({ pool }),
        new Agent({ pool, baseURL: `${origin.replace('//', '//a:hunter2@')}/x` }),
      ]) {
        const error = await failureOf(agent.get(url));
        expect(error.message).not.toMatch(secrets);
        expect(error.stack).not.toMatch(secrets);
        expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(secrets);
        expect(JSON.stringify(error)).not.toMatch(secrets);
      }
    });

    it('shows the rest of the URL', async () => {
      const port = await refusedPort();
      const error = await failureOf(new Agent({ pool }).get(`http://u:p@127.0.0.1:${port}/a/b@c?d=e#f`));
      expect(error.request).toEqual({ method: 'GET', url: `http://127.0.0.1:${port}/a/b@c?…` });
      expect(error.message).toMatch(`GET http://127.0.0.1:${port}/a/b@c?…: Could not connect to 127.0.0.1:${port}`);
    });
  });

  describe('and the keys of their connections', () => {
    it('are one for all spellings of a server', async () => {
      const keys = new Set<string>();
      pool.events.subscribe(({ key }) => keys.add(key));
      const here: ConnectOptions = {
        lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
      };
      const agent = new Agent({ pool, connect: here });
      for (const host of ['one.test', 'ONE.test', 'u:p@one.TEST', 'One.Test']) {
        await seen(agent, { url: `http://${host}:${server.port}/x` });
        await seen(agent, { url: `HTTP://${host}:0${server.port}/y?z#a` });
      }
      expect(server.connections).toBe(1);
      expect(keys.size).toBe(1);
    });

    it('hold the default port', async () => {
      const keys: string[] = [];
      pool.events.subscribe(event => {
        if (event.type === 'connecting') keys.push(event.key);
      });
      const nowhere: ConnectOptions = { lookup: (_host, _options, done) => done(new Error('nowhere'), '', 4) };
      const agent = new Agent({ pool, connect: nowhere });
      const urls = [
        'http://one.test',
        'http://one.test:80/',
        'https://one.test',
        'https://one.test:443',
        'https://one.test:80',
      ];
      for (const url of urls) await failureOf(agent.get(url));
      expect(keys[0]).toBe(keys[1]);
      expect(keys[2]).toBe(keys[3]);
      expect(new Set(keys).size).toBe(3);
    });

    it('tell agents with different TLS options apart', async () => {
      const secure = await httpsServer((_, response) => response.end('x'));
      const url = `https://localhost:${secure.port}`;
      const options: ConnectOptions[] = [
        { ca },
        { ca: [ca] },
        { ca, rejectUnauthorized: false },
        { ca, servername: 'one.test' },
        { ca, minVersion: 'TLSv1.3' },
        { ca, checkServerIdentity: () => undefined },
        { ca, checkServerIdentity: () => undefined },
      ];
      for (const connect of options) {
        const agent = new Agent({ pool, connect });
        for (let i = 0; i < 2; i++) await lastValueFrom(agent.get(url).pipe(text()));
      }
      expect(secure.connections).toBe(options.length);
      // And the same options, in another agent, are the same connection.
      await lastValueFrom(new Agent({ pool, connect: { ca } }).get(url).pipe(text()));
      expect(secure.connections).toBe(options.length);
      // One that trusts nobody gets no connection of one that did, not even while that is idle.
      expect(await failureOf(new Agent({ pool }).get(url))).toMatchObject({ code: 'ERR_CONNECT' });
      await secure.close();
    });

    it('tell agents with different lookup, localAddress or family apart', async () => {
      const url = `http://localhost:${server.port}`;
      const lookup: NonNullable<ConnectOptions['lookup']> = (_host, options, done) =>
        options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
      const options: ConnectOptions[] = [
        { lookup },
        { lookup: (...args) => lookup(...args) },
        { lookup, localAddress: '127.0.0.1' },
        { lookup, localAddress: '127.0.0.2' },
        { lookup, family: 4 },
      ];
      const addresses = new Set<string | undefined>();
      for (const connect of options) {
        const agent = new Agent({ pool, connect });
        for (let i = 0; i < 2; i++) await lastValueFrom(agent.get(url).pipe(text()));
      }
      for (const socket of server.open) addresses.add(socket.remoteAddress);
      expect(server.connections).toBe(options.length);
      expect(addresses).toEqual(new Set(['127.0.0.1', '127.0.0.2']));
      await lastValueFrom(new Agent({ pool, connect: { lookup } }).get(url).pipe(text()));
      expect(server.connections).toBe(options.length);
    });

    it('are what `key` says', async () => {
      const agent = new Agent({ pool, key: request => `user ${request.headers.get('x-user')}` });
      for (const user of ['one', 'two', 'one']) await seen(agent, { url: origin, headers: { 'X-User': user } });
      expect(server.connections).toBe(2);
      expect(pool.stats('user one')).toMatchObject({ idle: 1, leases: 2 });
    });
  });
});
