import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { forkJoin, lastValueFrom, toArray } from 'rxjs';
import { CookieJar } from 'tough-cookie';
import {
  Agent,
  bearerAuth,
  cookies,
  followRedirects,
  rateLimit,
  retryFailures,
  text,
  type AgentOptions,
  type HTTPInterceptor,
} from 'rxjs-http-pool';
import { httpServer, type Loopback, until } from '../loopback/index.js';

/** Over real sockets: what of the interceptors has to do with connections. */
describe('interceptors on the loopback', () => {
  let home: Loopback;
  let other: Loopback;
  let agent: Agent;
  let seen: string[];
  let busy: number;
  let atOnce: number;
  let most: number;

  const agentWith = (interceptors: HTTPInterceptor[], options: AgentOptions = {}): Agent =>
    (agent = new Agent({ baseURL: `http://127.0.0.1:${home.port}`, interceptors, ...options }));

  beforeEach(async () => {
    seen = [];
    busy = 1;
    atOnce = most = 0;
    other = await httpServer((request, response) => {
      seen.push(`other ${request.url} ${request.headers.authorization} ${request.headers.cookie}`);
      response.end('other');
    });
    home = await httpServer((request, response) => {
      const { url = '' } = request;
      seen.push(`home ${url} ${request.headers.authorization} ${request.headers.cookie}`);
      most = Math.max(most, ++atOnce);
      response.on('close', () => atOnce--);
      const [, kind, length] = /^\/(\w+)\/(\d+)$/.exec(url) ?? [];
      if (kind === 'plain') {
        response.writeHead(302, { Location: '/end', 'Content-Length': length });
        response.end('x'.repeat(Number(length)));
      } else if (kind === 'chunked') {
        response.writeHead(307, { Location: '../end' }).write('x');
        response.end('x'.repeat(Number(length)));
      } else if (url === '/away') {
        response.writeHead(302, { Location: `http://127.0.0.1:${other.port}/there`, 'Set-Cookie': 'sid=1' }).end();
      } else if (url === '/stalled') {
        response.writeHead(302, { Location: '/end' }).write('x'); // and no end of the chunks
      } else if (url === '/busy' && busy-- > 0) {
        response.writeHead(503, { 'Retry-After': '0' }).end('busy');
      } else response.end(`end of ${request.method}`);
    });
  });

  afterEach(async () => {
    await lastValueFrom(agent.close({ gracePeriod: 0 }));
    await Promise.all([home.close(), other.close()]);
  });

  it.each(['/plain/0', '/plain/60000', '/chunked/10', '/chunked/40000'])('%s: one connection for both', async url => {
    expect(await lastValueFrom(agentWith([followRedirects()]).get(url).pipe(text()))).toBe('end of GET');
    expect(home.connections).toBe(1);
    expect(agent.pool.stats()).toMatchObject({ leased: 0, idle: 1, opened: 1 });
  });

  it.each(['/plain/5000000', '/chunked/5000000'])('%s: too long to be worth one', async url => {
    expect(await lastValueFrom(agentWith([followRedirects()]).get(url).pipe(text()))).toBe('end of GET');
    await until(() => home.open.size === 1, 'the first one to be closed');
    expect(agent.pool.stats()).toMatchObject({ leased: 0, idle: 1, opened: 2 });
  });

  it('left while the body of a redirect does not come: nothing is left', async () => {
    const subscription = agentWith([followRedirects()]).get('/stalled').subscribe();
    await until(() => seen.length === 1 && agent.pool.stats().leased === 1, 'the redirect');
    subscription.unsubscribe();
    await until(() => agent.pool.stats().leased === 0, 'the end of the lease');
    expect(seen).toEqual(['home /stalled undefined undefined']);
  });

  it('to another server goes nothing of this one', async () => {
    const origins = `http://127.0.0.1:${home.port}`;
    const jar = new CookieJar();
    agentWith([followRedirects(), cookies(jar), bearerAuth(() => Promise.resolve('t'), { origins })]);
    const response = await lastValueFrom(agent.get('/away', { headers: { Cookie: 'mine=1' } }));
    expect(await lastValueFrom(response.text())).toBe('other');
    expect(response.history.map(({ status }) => status)).toEqual([302]);
    // A cookie has no port: the jar gives that of the redirect to the other one of the same host, as browsers do.
    expect(seen).toEqual(['home /away Bearer t mine=1', 'other /there undefined sid=1']);
  });

  it('a retry has the connection of what it repeats', async () => {
    expect(
      await lastValueFrom(
        agentWith([retryFailures({ baseDelay: 1 })])
          .get('/busy')
          .pipe(text()),
      ),
    ).toBe('end of GET');
    expect([home.connections, seen.length]).toEqual([1, 2]);
  });

  it('never more at once than rateLimit says, redirects and retries included', async () => {
    agentWith([followRedirects(), retryFailures({ baseDelay: 1 }), rateLimit({ concurrency: 2 })]);
    const urls = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? '/plain/100' : '/busy'));
    const all = await lastValueFrom(forkJoin(urls.map(url => agent.get(url).pipe(text()))).pipe(toArray()));
    expect(all[0]).toEqual(Array(20).fill('end of GET'));
    expect(most).toBeLessThanOrEqual(2);
    expect(agent.pool.stats()).toMatchObject({ leased: 0, pending: 0 });
  });
});
