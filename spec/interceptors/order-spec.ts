import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { CookieJar } from 'tough-cookie';
import type { HTTPInterceptor, HTTPResponse } from '../../src/agent/index.js';
import {
  bearerAuth,
  cookies,
  decompress,
  followRedirects,
  rateLimit,
  retryFailures,
} from '../../src/interceptors/index.js';
import { answer, microtasks, record, VirtualClock } from '../support/index.js';
import { site, type Asked } from './site.js';

const names = ['followRedirects', 'cookies', 'retryFailures', 'bearerAuth', 'rateLimit', 'decompress'] as const;
type Name = (typeof names)[number];
type Interceptors = Record<Name, HTTPInterceptor>;

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, i) => permutations(items.filter((_, j) => j !== i)).map(rest => [item, ...rest]));
}

const redirect = (status: string, location: string, ...headers: string[]): string =>
  answer('elsewhere', { status, headers: [`Location: ${location}`, ...headers] });

/**
 * A site that asks for everything: `/start` sets a cookie and sends on, `/page` wants that cookie and a token that is
 * not the first one and sends on to another origin, where the first answer is 503 and the second one is encoded.
 */
function scenario() {
  let busy = 1;
  const body = gzipSync('done');
  return ({ origin, path, headers }: Asked): string | Buffer => {
    if (path === '/start') return redirect('302 Found', '/page', 'Set-Cookie: sid=1; Path=/');
    if (path === '/page') {
      if (headers.cookie !== 'sid=1') return answer('no cookie', { status: '403 Forbidden' });
      if (headers.authorization !== 'Bearer new') return answer('no token', { status: '401 Unauthorized' });
      return redirect('307 Temporary Redirect', 'http://b.test/final');
    }
    if (origin !== 'http://b.test' || headers.cookie !== undefined || headers.authorization !== undefined) {
      return answer('leaked', { status: '400 Bad Request' });
    }
    if (busy-- > 0) return answer('busy', { status: '503 Service Unavailable' });
    if (headers['accept-encoding']?.includes('gzip') !== true) return answer('not asked for', { status: '406 No' });
    const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head), body]);
  };
}

async function outcome(order: readonly Name[]): Promise<string> {
  const clock = new VirtualClock();
  const scheduler = clock;
  const fetched = ['new', 'old'];
  const all: Interceptors = {
    followRedirects: followRedirects({ scheduler }),
    cookies: cookies(new CookieJar()),
    retryFailures: retryFailures({ scheduler }),
    bearerAuth: bearerAuth(() => [fetched.pop()!], { origins: 'http://a.test', scheduler }),
    rateLimit: rateLimit({ concurrency: 1, scheduler }),
    decompress: decompress(),
  };
  const { agent, transports } = site(scenario(), { clock });
  const client = agent.extend({ decompress: false, interceptors: order.map(name => all[name]) });
  const seen = record(client.get('http://a.test/start'));
  for (let i = 0; i < 20 && seen.terminals === 0; i++) {
    await microtasks();
    clock.advance(100);
  }
  const response = seen.values[0] as HTTPResponse | undefined;
  if (response === undefined) return String(seen.error);
  const body = record(response.text());
  await microtasks();
  const { leased, pending } = agent.pool.stats();
  return `${body.values[0] ?? String(body.error)} ${response.status} leased=${leased + pending} connections=${transports.length}`;
}

describe('interceptors in every order', () => {
  const orders = permutations(names);

  it('come to the same, if cookies stands inside of followRedirects', async () => {
    const right = orders.filter(order => order.indexOf('cookies') > order.indexOf('followRedirects'));
    expect(right).toHaveLength(360);
    const outcomes = new Map<string, string>();
    for (const order of right) outcomes.set(await outcome(order), order.join());
    expect([...outcomes.keys()]).toEqual(['done 200 leased=0 connections=2']);
  });

  it('and if it stands outside, the cookie of a redirect is lost', async () => {
    const wrong = orders.filter(order => order.indexOf('cookies') < order.indexOf('followRedirects'));
    const outcomes = new Set<string>();
    for (const order of wrong) outcomes.add(await outcome(order));
    expect([...outcomes]).toEqual(['no cookie 403 leased=0 connections=1']);
  });

  it('retries inside of redirects repeat one request, outside of them all', async () => {
    for (const [order, starts] of [
      [['followRedirects', 'retryFailures', 'cookies', 'bearerAuth', 'rateLimit', 'decompress'], 1],
      [['retryFailures', 'followRedirects', 'cookies', 'bearerAuth', 'rateLimit', 'decompress'], 2],
    ] as const) {
      let count = 0;
      const clock = new VirtualClock();
      const answers = scenario();
      const { agent } = site(asked => (asked.path === '/start' && count++, answers(asked)), { clock });
      const all = {
        followRedirects: followRedirects({ scheduler: clock }),
        cookies: cookies(new CookieJar()),
        retryFailures: retryFailures({ scheduler: clock }),
        bearerAuth: bearerAuth('new', { origins: 'http://a.test' }),
        rateLimit: rateLimit(),
        decompress: decompress(),
      };
      const seen = record(agent.extend({ interceptors: order.map(name => all[name]) }).get('http://a.test/start'));
      for (let i = 0; i < 20; i++) {
        await microtasks();
        clock.advance(100);
      }
      expect([seen.values[0].status, count]).toEqual([200, starts]);
    }
  });
});
