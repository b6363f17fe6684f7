import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { lastValueFrom, mergeMap, of } from 'rxjs';
import {
  Agent,
  ConnectError,
  ConnectTimeoutError,
  HTTPConnectionPool,
  InvalidOptionError,
  isHTTPClientError,
  ProxyError,
  tcp,
  text,
  type AgentOptions,
  type HTTPInterceptor,
  type HTTPRequestInit,
  type HTTPResponse,
  type PoolEvent,
  type ProxyInit,
} from '../../src/index.js';
import {
  ca,
  certificate,
  ForwardProxy,
  httpServer,
  httpsServer,
  rawServer,
  refusedPort,
  socketResources,
  SocksServer,
  until,
  type Loopback,
} from '../loopback/index.js';

let before: number;
const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString('base64')}`;

/** The origins: each answers with the request line and the headers that it saw. */
let plain: Loopback;
let secure: Loopback;
let proxy: ForwardProxy;
const others: { close(): Promise<void> }[] = [];
const agents: Agent[] = [];

function using<T extends { close(): Promise<void> }>(server: T): T {
  others.push(server);
  return server;
}

function agentOf(options: AgentOptions): Agent {
  const agent = new Agent({ ...options, connect: { ca, ...options.connect } });
  agents.push(agent);
  return agent;
}

interface Seen {
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function ask(agent: Agent, init: HTTPRequestInit | string): Promise<Seen> {
  const request = typeof init === 'string' ? { url: init } : init;
  return JSON.parse(await lastValueFrom(agent.request(request).pipe(text()))) as Seen;
}

async function errorOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => new Error('no error'),
    (error: unknown) => error as Error,
  );
}

beforeEach(async () => {
  before = socketResources();
  const answer = (request: { url?: string; headers: object }, response: { end(text: string): unknown }): unknown =>
    response.end(JSON.stringify({ target: request.url, headers: request.headers }));
  plain = await httpServer(answer);
  secure = await httpsServer(answer);
  proxy = await ForwardProxy.start({ authorization: basic('al ice:p@ss') });
});

afterEach(async () => {
  for (const agent of agents.splice(0)) await lastValueFrom(agent.close({ gracePeriod: 0 }));
  for (const server of [plain, secure, proxy, ...others.splice(0)]) await server.close();
  await until(() => socketResources() <= before, 'all sockets to be gone');
});

const http = (path = '/', host = 'one.test'): string => `http://${host}:${plain.port}${path}`;
const https = (path = '/', host = 'one.test'): string => `https://${host}:${secure.port}${path}`;
const withCredentials = (credentials = 'al%20ice:p%40ss'): string => proxy.url.replace('//', `//${credentials}@`);

describe('an HTTP proxy', () => {
  it('is asked for http: URLs as a whole, with Proxy-Authorization', async () => {
    const agent = agentOf({ proxy: withCredentials() });
    const seen = await ask(agent, { url: http('/a?b=c#d'), headers: { 'X-Own': '1' } });
    expect(proxy.requests).toMatchObject([
      {
        method: 'GET',
        target: http('/a?b=c'),
        headers: { host: `one.test:${plain.port}`, 'x-own': '1', 'proxy-authorization': basic('al ice:p@ss') },
      },
    ]);
    expect(seen).toMatchObject({ target: '/a?b=c', headers: { host: `one.test:${plain.port}` } });
    expect(seen.headers).not.toHaveProperty('proxy-authorization');
  });

  it('is asked for a tunnel for https: URLs, with TLS to the server inside', async () => {
    const agent = agentOf({ proxy: withCredentials() });
    const seen = await ask(agent, https('/a?b=c'));
    expect(proxy.requests).toMatchObject([
      {
        method: 'CONNECT',
        target: `one.test:${secure.port}`,
        headers: { host: `one.test:${secure.port}`, 'proxy-authorization': basic('al ice:p@ss') },
      },
    ]);
    expect(seen).toMatchObject({ target: '/a?b=c', headers: { host: `one.test:${secure.port}` } });
    expect(seen.headers).not.toHaveProperty('proxy-authorization');
  });

  it('shares its connections between http: servers, and each https: server has tunnels of its own', async () => {
    const agent = agentOf({ proxy: withCredentials() });
    for (const host of ['one.test', 'two.test', 'three.test']) await ask(agent, http('/', host));
    expect(new Set(proxy.requests.map(({ connection }) => connection)).size).toBe(1);
    for (const host of ['one.test', 'two.test', 'one.test', 'two.test']) await ask(agent, https('/', host));
    expect(proxy.tunnels).toBe(2);
    expect(agent.pool.stats()).toMatchObject({ opened: 3 });
  });

  it('sends uploads through', async () => {
    const echo = using(await httpServer((request, response) => request.pipe(response)));
    const agent = agentOf({ proxy: withCredentials() });
    const body = 'x'.repeat(200_000);
    const url = `http://one.test:${echo.port}/`;
    expect(await lastValueFrom(agent.post(url, body).pipe(text()))).toBe(body);
    expect(await lastValueFrom(agent.post(url, () => of(Buffer.from(body))).pipe(text()))).toBe(body);
  });

  it('may speak TLS itself, of options of its own', async () => {
    const hidden = using(await ForwardProxy.start({ secure: true, authorization: basic('u:') }));
    const url = hidden.url.replace('//', '//u@');
    const agent = agentOf({ proxy: { url, connect: { ca } } });
    expect((await ask(agent, http())).target).toBe('/');
    expect((await ask(agent, https())).target).toBe('/');
    expect(hidden.requests.map(({ method }) => method)).toEqual(['GET', 'CONNECT']);
    // The CA of the agent is for servers.
    const error = await errorOf(ask(agentOf({ proxy: url }), http()));
    expect(error.cause).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  it('is given headers of its own, and another authorization', async () => {
    const open = using(await ForwardProxy.start());
    const options = { url: open.url, headers: { 'X-Session': '7' }, authorization: 'Bearer t' };
    const agent = agentOf({ proxy: options });
    await ask(agent, http());
    const { headers } = await ask(agent, https());
    for (const request of open.requests) {
      expect(request.headers).toMatchObject({ 'x-session': '7', 'proxy-authorization': 'Bearer t' });
    }
    expect(headers).not.toHaveProperty('x-session');
  });

  it('takes a URL without a scheme, and a host in capital letters', async () => {
    const open = using(await ForwardProxy.start());
    expect(
      (await ask(agentOf({ proxy: `LOCALHOST:${open.server.port}`, connect: { family: 4 } }), http())).target,
    ).toBe('/');
    expect((await ask(agentOf({ proxy: new URL(open.url) }), http())).target).toBe('/');
  });

  it('keeps the Host that the caller gave', async () => {
    const agent = agentOf({ proxy: withCredentials() });
    await ask(agent, { url: http(), headers: { Host: 'other.test' } });
    expect(proxy.requests[0]).toMatchObject({ target: http(), headers: { host: 'other.test' } });
  });

  it('that refuses a tunnel is an error with its status; what it answers to a whole URL is a response', async () => {
    const agent = agentOf({ proxy: withCredentials('alice:hunter2') });
    const error = await errorOf(ask(agent, https()));
    expect(error).toBeInstanceOf(ProxyError);
    expect(error).toMatchObject({ status: 407, request: { method: 'GET', url: https() } });
    expect(error.message).toBe(
      `GET ${https()}: The proxy answered CONNECT one.test:${secure.port} with 407 (it does not accept the credentials)`,
    );
    const response = await lastValueFrom(agent.get(http()));
    expect(response.status).toBe(407);
    await lastValueFrom(response.discard(), { defaultValue: undefined });
  });

  it('that is not there is a ConnectError that names it', async () => {
    const port = await refusedPort();
    const agent = agentOf({ proxy: `http://alice:hunter2@127.0.0.1:${port}` });
    for (const url of [http(), https()]) {
      const error = await errorOf(ask(agent, url));
      expect(error).toBeInstanceOf(ConnectError);
      expect(error.message).toContain(`Could not connect to 127.0.0.1:${port}: connect ECONNREFUSED`);
      expect(inspect(error, { depth: Infinity })).not.toMatch(/alice|hunter2/);
    }
  });

  it('shares one budget of time with the server behind it', async () => {
    const silent = using(await rawServer(socket => socket.resume().on('end', () => socket.end())));
    // The proxy agrees, and the server says nothing.
    const agent = agentOf({ proxy: withCredentials(), timeouts: { connect: 150 } });
    const error = await errorOf(ask(agent, `https://one.test:${silent.port}/`));
    expect(error).toBeInstanceOf(ConnectTimeoutError);
    expect(error.message).toContain(`No connection to one.test:${silent.port} within connectTimeout = 150 ms`);
    expect(proxy.tunnels).toBe(1);
    await silent.quiet();
    // The proxy says nothing.
    const mute = agentOf({ proxy: `http://127.0.0.1:${silent.port}`, timeouts: { connect: 150 } });
    expect(await errorOf(ask(mute, https()))).toBeInstanceOf(ConnectTimeoutError);
    await silent.quiet();
  });

  it('is left at once when the request is, in the handshake with it and in that with the server', async () => {
    const silent = using(await rawServer(socket => socket.resume().on('end', () => socket.end())));
    const through = (url: string, to: ProxyInit): (() => void) => {
      const subscription = agentOf({ proxy: to }).get(url).subscribe();
      return () => subscription.unsubscribe();
    };
    const leave = through(https(), `http://127.0.0.1:${silent.port}`);
    await until(() => silent.open.size === 1);
    leave();
    await silent.quiet();
    const leaveLater = through(`https://one.test:${silent.port}/`, withCredentials());
    await until(() => silent.open.size === 1);
    leaveLater();
    await silent.quiet();
    await proxy.server.quiet();
  });

  it('may be lost under a request, which is retried if its connection had been used', async () => {
    const agent = agentOf({ proxy: withCredentials() });
    for (const url of [http(), https()]) {
      await ask(agent, url);
      for (const socket of proxy.server.open) socket.destroy();
      expect((await ask(agent, url)).target).toBe('/');
    }
  });
});

describe('a SOCKS proxy', () => {
  it.each(['socks5h', 'socks5', 'socks'])('carries http: and https:, %s:', async scheme => {
    const socks = using(await SocksServer.start('al ice:p@ss'));
    const url = `${scheme}://al%20ice:p%40ss@127.0.0.1:${socks.server.port}`;
    const agent = agentOf({ proxy: url });
    expect((await ask(agent, http('/a'))).target).toBe('/a');
    expect((await ask(agent, https('/b'))).target).toBe('/b');
    await ask(agent, http());
    const login = 'al ice:p@ss';
    expect(socks.seen).toEqual([login, `one.test:${plain.port}`, login, `one.test:${secure.port}`]);
    await ask(agent, http('/', 'two.test'));
    expect(socks.seen.at(-1)).toBe(`two.test:${plain.port}`);
  });

  it('that refuses is a ProxyError, which tells no password', async () => {
    const socks = using(await SocksServer.start('a:b'));
    const agent = agentOf({ proxy: `socks5://alice:hunter2@127.0.0.1:${socks.server.port}` });
    for (const url of [http(), https()]) {
      const error = await errorOf(ask(agent, url));
      expect(error).toBeInstanceOf(ProxyError);
      expect(inspect(error, { depth: Infinity, showHidden: true })).not.toMatch(/alice|hunter2/);
    }
  });

  it('shares the one budget of time', async () => {
    const silent = using(await rawServer(socket => socket.resume().on('end', () => socket.end())));
    const agent = agentOf({ proxy: `socks5://127.0.0.1:${silent.port}`, timeouts: { connect: 100 } });
    for (const url of [http(), https()]) expect(await errorOf(ask(agent, url))).toBeInstanceOf(ConnectTimeoutError);
    await silent.quiet();
  });
});

describe('a function', () => {
  it('is asked for each exchange, and null is no proxy', async () => {
    const asked: string[] = [];
    const agent = agentOf({
      proxy: url => {
        asked.push(url.href);
        url.hostname = 'evil.test'; // it is a copy
        return url.pathname === '/direct' ? null : withCredentials();
      },
    });
    await ask(agent, http('/direct', '127.0.0.1'));
    await ask(agent, http('/a'));
    await ask(agent, http('/direct', '127.0.0.1'));
    expect(asked).toEqual([http('/direct', '127.0.0.1'), http('/a'), http('/direct', '127.0.0.1')]);
    expect(proxy.requests).toHaveLength(1);
  });

  it('is asked again when an interceptor asks elsewhere', async () => {
    const second = using(await ForwardProxy.start({ authorization: basic('b:2') }));
    const elsewhere: HTTPInterceptor = (request, next) =>
      next(request).pipe(
        mergeMap(response => response.discard()),
        mergeMap(() => next(request.with({ url: http('/b', 'two.test') }))),
      );
    const agent = agentOf({
      interceptors: [elsewhere],
      proxy: ({ hostname }) => (hostname === 'two.test' ? second.url.replace('//', '//b:2@') : withCredentials()),
    });
    const body$ = agent.get(http('/a')).pipe(mergeMap((response: HTTPResponse) => response.text()));
    expect(JSON.parse(await lastValueFrom(body$))).toMatchObject({ target: '/b' });
    expect(proxy.requests).toMatchObject([{ target: http('/a') }]);
    expect(second.requests).toMatchObject([
      { target: http('/b', 'two.test'), headers: { 'proxy-authorization': basic('b:2') } },
    ]);
  });

  it('that throws, or returns what is no proxy, fails the request', async () => {
    const broken = new Error('broken');
    const agent = agentOf({
      proxy: () => {
        throw broken;
      },
    });
    expect(await errorOf(ask(agent, http()))).toBe(broken);
    for (const bad of ['ftp://a', 1, {}, Promise.resolve('http://a'), true]) {
      const error = await errorOf(ask(agentOf({ proxy: () => bad as string }), http()));
      expect(error).toBeInstanceOf(InvalidOptionError);
    }
    // With what may end a request from outside there is more in between.
    const late = agentOf({ proxy: () => 'ftp://a', timeouts: { total: 1_000 } });
    expect(await errorOf(ask(late, http()))).toBeInstanceOf(InvalidOptionError);
  });

  it('may return one object of options again and again, which is read once', async () => {
    let reads = 0;
    const options = {
      get url() {
        reads++;
        return withCredentials();
      },
    };
    const agent = agentOf({ proxy: () => options });
    for (let i = 0; i < 3; i++) await ask(agent, http());
    expect(reads).toBe(1);
  });
});

describe('the key', () => {
  const keysOf = async (pool: HTTPConnectionPool, work: () => Promise<unknown>): Promise<string[]> => {
    const keys = new Set<string>();
    const subscription = pool.events.subscribe((event: PoolEvent) => keys.add(event.key));
    await work();
    subscription.unsubscribe();
    return [...keys];
  };

  it('tells proxies, credentials, headers and TLS apart, and shows none of them', async () => {
    const pool = new HTTPConnectionPool();
    const url = `127.0.0.1:${await refusedPort()}`;
    const variants: ProxyInit[] = [
      `http://${url}`,
      `https://${url}`,
      `socks5://${url}`,
      `http://alice:hunter2@${url}`,
      `http://alice:hunter3@${url}`,
      { url, headers: { 'X-Secret': 'hunter4' } },
      { url, authorization: 'Bearer hunter5' },
      { url: `https://${url}`, connect: { ca: certificate('self-signed').cert } },
      { url: `https://${url}`, connect: { ca } },
      { url, connect: { family: 4 } },
    ];
    for (const to of [http(), https()]) {
      const keys = await keysOf(pool, async () => {
        for (const variant of [null, ...variants]) {
          // Twice: what is the same has the same key.
          for (let i = 0; i < 2; i++)
            await errorOf(ask(agentOf({ pool, proxy: variant, timeouts: { connect: 500 } }), to));
        }
      });
      expect(keys).toHaveLength(variants.length + 1);
      expect(keys.join()).not.toMatch(/alice|hunter|YWxpY2/);
    }
    await lastValueFrom(pool.close({ gracePeriod: 0 }));
  });

  it('is marked beside one of the caller', async () => {
    const pool = new HTTPConnectionPool();
    const options = { pool, key: () => 'mine' };
    const second = using(await ForwardProxy.start());
    await ask(agentOf({ ...options, proxy: withCredentials() }), http());
    await ask(agentOf({ ...options, proxy: second.url }), http());
    await ask(agentOf(options), http('/', '127.0.0.1'));
    await ask(agentOf({ ...options, proxy: second.url }), https());
    expect(second.requests.map(({ method }) => method)).toEqual(['GET', 'CONNECT']);
    await lastValueFrom(pool.close({ gracePeriod: 0 }));
  });

  it('is not that of a direct connection to the proxy itself', async () => {
    const agent = agentOf({ proxy: url => (url.port === String(proxy.server.port) ? null : withCredentials()) });
    await ask(agent, http());
    await lastValueFrom(agent.get(`${proxy.url}/`));
    expect(agent.pool.stats()).toMatchObject({ opened: 2 });
  });
});

describe('the option', () => {
  it('is carried by extend, and undone by null', async () => {
    const agent = agentOf({ proxy: { url: withCredentials() } });
    await ask(agent.extend({ headers: { a: '1' } }), http());
    expect(proxy.requests).toHaveLength(1);
    await ask(agent.extend({ proxy: null }), http('/', '127.0.0.1'));
    expect(proxy.requests).toHaveLength(1);
    const second = using(await ForwardProxy.start());
    await ask(agent.extend({ proxy: () => second.url }).extend({}), http());
    expect(second.requests).toHaveLength(1);
  });

  it.each<[unknown]>([
    [''],
    ['http://'],
    ['ftp://proxy.test'],
    ['socks4://proxy.test'],
    ['http://alice:hunter2@pro xy.test'],
    ['http://proxy.test:0'],
    [1],
    [true],
    [[]],
    [{}],
    [{ url: null }],
    [{ url: 'http://proxy.test', authorization: { secret: 'hunter2' } }],
    [{ url: 'http://proxy.test', connect: { over: tcp({ host: 'a', port: 1 }) } }],
    [{ url: 'https://proxy.test', connect: { servername: 'a b' } }],
    [Object.create({ url: 'http://proxy.test' })],
  ])('is refused if it is %j', given => {
    let error: unknown;
    try {
      new Agent({ proxy: given as string });
    } catch (thrown) {
      error = thrown;
    }
    expect(isHTTPClientError(error, 'ERR_INVALID_OPTION')).toBe(true);
    expect(inspect(error)).not.toMatch(/alice|hunter2/);
  });

  it('stands not beside `endpoint`, which says how a server is reached', () => {
    const endpoint = (): ReturnType<typeof tcp> => tcp({ host: 'a', port: 1 });
    expect(() => new Agent({ proxy: 'http://a', endpoint })).toThrow(/proxy must be left out/);
    expect(() => new Agent({ endpoint }).extend({ proxy: 'http://a' })).toThrow(InvalidOptionError);
  });

  it('does not concern a request without one', async () => {
    expect((await ask(agentOf({}), http('/', '127.0.0.1'))).target).toBe('/');
    expect((await ask(agentOf({ proxy: null }), https('/', '127.0.0.1'))).target).toBe('/');
    expect(proxy.requests).toEqual([]);
  });
});
