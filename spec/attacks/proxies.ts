import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { lastValueFrom, mergeMap } from 'rxjs';
import type { AgentOptions, ConnectOptions, HTTPHeadersInit, HTTPInterceptor, PoolEvent } from '../../src/index.js';
import {
  ca,
  certificate,
  ForwardProxy,
  httpServer,
  httpsServer,
  refusedPort,
  SocksServer,
  tlsServer,
  type CertificateName,
} from '../loopback/index.js';
import type { Attacks, Library } from './attack.js';

const secret = /hunter2|SECRET|aHVudGVyMg|YWxpY2U6/;

interface Closable {
  close(): Promise<void>;
}

/** Servers and agents for one attack, which are closed when it is over. */
class Ground {
  readonly #open: Closable[] = [];

  constructor(private readonly library: Library) {}

  using<T extends Closable>(server: T): T {
    this.#open.push(server);
    return server;
  }

  agent(options: AgentOptions): InstanceType<Library['Agent']> {
    const agent = new this.library.Agent(options);
    this.#open.unshift({ close: () => lastValueFrom(agent.close({ gracePeriod: 0 })) });
    return agent;
  }

  /** A proxy of each kind, by name. */
  async proxies(): Promise<Record<'http' | 'https' | 'socks', { readonly url: string }>> {
    return {
      http: this.using(await ForwardProxy.start()),
      https: this.using(await ForwardProxy.start({ secure: true })),
      socks: this.using(await SocksServer.start()),
    };
  }

  /** An origin; `heard` has the header fields that came to it. */
  async origin(secure = false): Promise<{ readonly url: string; readonly port: number; readonly heard: string[] }> {
    const heard: string[] = [];
    const server = this.using(
      await (secure ? httpsServer : httpServer)((request, response) => {
        heard.push(...request.rawHeaders);
        response.end();
      }),
    );
    const { port } = server;
    return { url: `http${secure ? 's' : ''}://one.test:${port}/`, port, heard };
  }

  async close(): Promise<void> {
    for (const each of this.#open) await each.close();
  }
}

function onGround(attack: (ground: Ground, library: Library) => Promise<string[]>): Attacks[string] {
  return async library => {
    const ground = new Ground(library);
    try {
      return await attack(ground, library);
    } finally {
      await ground.close();
    }
  };
}

async function outcome(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'success',
    (error: unknown) => inspect(error, { depth: Infinity, showHidden: true }),
  );
}

/** Proxy-Authorization in every container of headers. */
const containers: Record<string, HTTPHeadersInit> = {
  object: { 'Proxy-Authorization': 'Basic SECRET' },
  'lower case': { 'proxy-authorization': 'Basic SECRET' },
  'odd case': { 'pRoXy-AuThOrIzAtIoN': 'Basic SECRET' },
  pairs: [['Proxy-Authorization', 'Basic SECRET']],
  Map: new Map([['Proxy-Authorization', 'Basic SECRET']]),
  Headers: new Headers({ 'Proxy-Authorization': 'Basic SECRET' }),
};

/** Follows one redirect, and keeps all headers: as careless as can be. */
const careless =
  (to: string): HTTPInterceptor =>
  (request, next) =>
    next(request).pipe(
      mergeMap(response => response.discard()),
      mergeMap(() => next(request.with({ url: to }))),
    );

export const proxies: Attacks = {
  'CVE-2022-32210, CVE-2026-9697 (GHSA-vmh5-mc38-953g): a bad certificate fails behind every proxy': onGround(
    async ground => {
      const findings: string[] = [];
      const all = await ground.proxies();
      const bad: readonly CertificateName[] = ['wrong-host', 'expired', 'self-signed'];
      for (const name of bad) {
        let heard = 0;
        const answer = (socket: TLSSocket): unknown =>
          socket.on('data', () => ++heard && socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
        const server = ground.using(await tlsServer(answer, certificate(name)));
        for (const [kind, { url }] of Object.entries(all)) {
          const agent = ground.agent({ proxy: { url, connect: { ca } }, connect: { ca } });
          const got = await outcome(lastValueFrom(agent.get(`https://one.test:${server.port}/`)));
          if (!/ALTNAME_INVALID|CERT_HAS_EXPIRED|SELF_SIGNED/.test(got)) findings.push(`${kind}, ${name}: ${got}`);
        }
        if (heard > 0) findings.push(`${name}: the server was asked`);
      }
      return findings;
    },
  ),

  'CVE-2026-9697 (GHSA-vmh5-mc38-953g): each TLS option reaches the server behind every proxy': onGround(
    async ground => {
      const findings: string[] = [];
      const all = await ground.proxies();
      const seen: string[] = [];
      const server = ground.using(
        await httpsServer(
          ({ socket }, response) => {
            const tls = socket as TLSSocket & { readonly servername?: string };
            seen.push([tls.servername, tls.getPeerCertificate().subject?.CN, tls.getProtocol()].join(' '));
            response.end();
          },
          { requestCert: true, rejectUnauthorized: false, ca },
        ),
      );
      const options: Record<string, [ConnectOptions, RegExp]> = {
        ca: [{ ca: certificate('self-signed').cert }, /UNABLE_TO_VERIFY|SELF_SIGNED/],
        'no ca': [{}, /UNABLE_TO_VERIFY|SELF_SIGNED/],
        servername: [{ ca, servername: 'elsewhere.test' }, /ALTNAME_INVALID/],
        checkServerIdentity: [{ ca, checkServerIdentity: () => new Error('not pinned') }, /not pinned/],
        ciphers: [{ ca, maxVersion: 'TLSv1.2', ciphers: 'NULL' }, /CIPHER|cipher/],
        all: [
          {
            ca,
            ...certificate('client'),
            servername: 'two.test',
            minVersion: 'TLSv1.2',
            maxVersion: 'TLSv1.2',
            sessionCache: false,
          },
          /^success$/,
        ],
        off: [{ rejectUnauthorized: false, servername: 'elsewhere.test' }, /^success$/],
      };
      for (const [kind, { url }] of Object.entries(all)) {
        seen.length = 0;
        for (const [name, [connect, wanted]] of Object.entries(options)) {
          const agent = ground.agent({ proxy: { url, connect: { ca } }, connect });
          const got = await outcome(lastValueFrom(agent.get(`https://one.test:${server.port}/`)));
          if (!wanted.test(got)) findings.push(`${kind}, ${name}: ${got}`);
        }
        if (!seen.includes('two.test test client TLSv1.2')) findings.push(`${kind}: ${seen.join()}`);
      }
      return findings;
    },
  ),

  "CVE-2026-44486 (GHSA-j5f8-grm9-p9fc, GHSA-p92q-9vqr-4j8v): the proxy's credentials reach no server": onGround(
    async ground => {
      const findings: string[] = [];
      for (const secure of [false, true]) {
        const origin = await ground.origin(secure);
        const direct = origin.url.replace('one.test', '127.0.0.1');
        for (const start of [{}, { secure: true }]) {
          const proxy = ground.using(
            await ForwardProxy.start({ ...start, authorization: 'Basic YWxpY2U6aHVudGVyMg==' }),
          );
          const url = proxy.url.replace('//', '//alice:hunter2@');
          // By the proxy, then directly, as the route changes on the way; and the other way round.
          for (const [from, to] of [
            [origin.url, direct],
            [direct, origin.url],
          ]) {
            const agent = ground.agent({
              proxy: ({ hostname }) => (hostname === 'one.test' ? { url, connect: { ca } } : null),
              interceptors: [careless(to)],
              connect: { ca },
            });
            const response = await lastValueFrom(agent.get(from));
            if (secret.test(inspect([response, response.request.headers.toJSON()], { depth: Infinity }))) {
              findings.push('it stands in the response');
            }
          }
          if (proxy.requests.length === 0) findings.push('the proxy was not asked');
        }
        const leaked = origin.heard.filter(text => secret.test(text) || /^proxy-/i.test(text));
        findings.push(...leaked.map(text => `${secure ? 'https' : 'http'}: ${text}`));
      }
      return findings;
    },
  ),

  "CVE-2024-24758 (GHSA-3787-6prv-h9w3), CVE-2024-30260 (GHSA-m4v8-wqvr-p9f7), CVE-2024-28849: the caller's own Proxy-Authorization is sent to no server":
    onGround(async ground => {
      const findings: string[] = [];
      const all: Record<string, { readonly url: string } | null> = { none: null, ...(await ground.proxies()) };
      for (const secure of [false, true]) {
        const origin = await ground.origin(secure);
        const second = await ground.origin(secure);
        for (const [kind, proxy] of Object.entries(all)) {
          const at = (url: string): string => (proxy === null ? url.replace('one.test', '127.0.0.1') : url);
          const agent = ground.agent({
            proxy: proxy && { url: proxy.url, connect: { ca } },
            interceptors: [careless(at(second.url))],
            connect: { ca },
            headers: { 'Proxy-Authorization': 'Basic SECRET' },
          });
          await lastValueFrom(agent.post(at(origin.url), 'x', { headers: { 'proxy-authorization': 'SECRET' } }));
          for (const text of [...origin.heard.splice(0), ...second.heard.splice(0)]) {
            if (secret.test(text)) findings.push(`${kind}, ${secure}: ${text}`);
          }
        }
      }
      return findings;
    }),

  'GHSA-6cv7-626c-qhqw: nor from any container of headers, nor to a proxy that it was not meant for': onGround(
    async (ground, library) => {
      const findings: string[] = [];
      const origin = await ground.origin();
      const proxy = ground.using(await ForwardProxy.start());
      const pool = new library.HTTPConnectionPool();
      for (const [name, headers] of Object.entries(containers)) {
        for (const options of [{}, { proxy: proxy.url }]) {
          const agent = ground.agent({ ...options, pool });
          await lastValueFrom(agent.get(`http://127.0.0.1:${origin.port}/`, { headers }));
        }
        const endpoint$ = library.tcp({ host: '127.0.0.1', port: origin.port });
        const lease$ = pool.use('lease', endpoint$, lease => lease.request({ path: '/', headers }));
        await lastValueFrom(lease$.pipe(mergeMap(response => response.discard())), { defaultValue: undefined });
        for (const text of origin.heard.splice(0)) if (secret.test(text)) findings.push(`${name}: ${text}`);
        for (const request of proxy.requests.splice(0)) {
          if (secret.test(JSON.stringify(request.headers))) findings.push(`${name}, to the proxy`);
        }
      }
      await lastValueFrom(pool.close({ gracePeriod: 0 }));
      return findings;
    },
  ),

  'CVE-2020-28168: the proxy is chosen anew wherever the next request leads': onGround(async ground => {
    const [first, second] = [await ground.origin(), await ground.origin(true)];
    const proxy = ground.using(await ForwardProxy.start());
    const agent = ground.agent({ proxy: proxy.url, interceptors: [careless(second.url)], connect: { ca } });
    await lastValueFrom(agent.get(first.url));
    const targets = proxy.requests.map(({ method, target }) => `${method} ${target}`);
    const wanted = [`GET ${first.url}`, `CONNECT one.test:${second.port}`];
    return targets.join() === wanted.join() ? [] : targets;
  }),

  'GHSA-hm92-r4w5-c3mj: no connection through a proxy is used for another server, or another proxy': onGround(
    async (ground, library) => {
      const findings: string[] = [];
      const origins = [
        await ground.origin(),
        await ground.origin(),
        await ground.origin(true),
        await ground.origin(true),
      ];
      const pool = new library.HTTPConnectionPool();
      const all = await ground.proxies();
      for (let round = 0; round < 2; round++) {
        for (const [kind, { url }] of Object.entries(all)) {
          for (const origin of origins) {
            const agent = ground.agent({ pool, proxy: { url, connect: { ca } }, connect: { ca } });
            const response = await lastValueFrom(agent.get(origin.url));
            const at = `one.test:${origin.port}`;
            if (response.status !== 200 || !origin.heard.includes(at)) findings.push(`${kind}, ${origin.url}`);
            const others = origins.filter(each => each !== origin && each.heard.length > 0);
            if (others.length > 0) findings.push(`${kind}: another was asked`);
            origin.heard.length = 0;
          }
        }
      }
      await lastValueFrom(pool.close({ gracePeriod: 0 }));
      return findings;
    },
  ),

  'CVE-2025-62718 (GHSA-3p68-rc4w-qgx5, GHSA-pmwg-cvhr-8vh7, GHSA-m7pr-hjqh-92cm), CVE-2026-44492: NO_PROXY, however it is written':
    library => {
      const select = library.proxyFromEnvironment({
        HTTP_PROXY: 'http://proxy.test',
        NO_PROXY: 'localhost,127.0.0.1,::1,169.254.169.254,10.0.0.0/8,internal.test',
      });
      const inside = [
        ...['localhost', 'localhost.', 'LOCALHOST', '127.0.0.1', '127.0.0.1.', '127.1', '2130706433', '0x7f000001'],
        ...['0177.0.0.1', '127.0.0.2', '127.255.255.254', '[::1]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]'],
        ...['[::ffff:7f00:1]', '１２７.０.０.１', '169.254.169.254', '2852039166', '[::ffff:a9fe:a9fe]', '10.9.8.7'],
        ...['[::ffff:10.9.8.7]', '0xa.9.8.7', '168364039', 'internal.test.', 'a.INTERNAL.test', 'a.internal.test.'],
      ];
      const outside = ['example.test', '128.0.0.1', '11.0.0.1', 'notinternal.test', 'internal.test.evil', '[::2]'];
      return [
        ...inside.filter(host => select(new URL(`http://${host}/`)) !== null).map(host => `${host} by the proxy`),
        ...outside.filter(host => select(new URL(`http://${host}/`)) === null).map(host => `${host} directly`),
      ];
    },

  'CVE-2026-48615: no error, no event and no key shows the credentials of a proxy': onGround(
    async (ground, library) => {
      const findings: string[] = [];
      const origin = await ground.origin(true);
      const authorization = 'Basic eDp5';
      const refusing = ground.using(await ForwardProxy.start({ authorization }));
      const socks = ground.using(await SocksServer.start('x:y'));
      const hosts = [
        `127.0.0.1:${refusing.server.port}`,
        `127.0.0.1:${await refusedPort()}`,
        `127.0.0.1:${socks.server.port}`,
      ];
      for (const host of hosts) {
        for (const scheme of ['http', 'https', 'socks5h']) {
          const url = `${scheme}://alice:hunter2@${host}`;
          for (const proxy of [
            url,
            new URL(url),
            { url },
            { url: `${scheme}://${host}`, authorization: 'SECRET' },
            () => url,
          ]) {
            const agent = ground.agent({ proxy, timeouts: { total: 2_000, connect: 300 } });
            const told: PoolEvent[] = [];
            agent.pool.events.subscribe(event => told.push(event));
            for (const to of [origin.url, origin.url.replace('https', 'http')]) {
              const got = await outcome(lastValueFrom(agent.get(to)));
              if (secret.test(got)) findings.push(`${scheme}: ${got}`);
            }
            const shown = inspect([told, agent, agent.pool.stats()], { depth: Infinity, showHidden: true });
            if (secret.test(shown)) findings.push(`${scheme}: ${secret.exec(shown)![0]} in the events`);
            if (told.length === 0) findings.push('no events');
          }
        }
      }
      const wrong = [
        'ftp://alice:hunter2@a',
        'http://alice:hunter2@a b',
        'socks5://alice:hunter2@',
        '//alice:hunter2@[::1',
      ];
      for (const url of wrong) {
        const values: unknown[] = [url, { url }, { url, authorization: 'SECRET' }];
        for (const proxy of values) {
          const got = await outcome(Promise.resolve().then(() => new library.Agent({ proxy: proxy as string })));
          if (got === 'success' || secret.test(got)) findings.push(`${url}: ${got}`);
        }
        const environment = Promise.resolve().then(() => library.proxyFromEnvironment({ all_proxy: url }));
        const got = await outcome(environment);
        if (got === 'success' || secret.test(got)) findings.push(`${url}: ${got}`);
      }
      return findings;
    },
  ),
};
