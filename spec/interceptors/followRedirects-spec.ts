import { describe, expect, it } from '@jest/globals';
import { config, NEVER, Observable, of, Subject, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import type { HTTPHandler, HTTPRequestInit, HTTPResponse } from '../../src/agent/index.js';
import { RedirectError, TooManyRedirectsError } from '../../src/errors/index.js';
import { followRedirects, type FollowRedirectsOptions } from '../../src/interceptors/index.js';
import { text } from '../../src/operators/index.js';
import { until } from '../loopback/index.js';
import { answer, chunk, chunkedHead, microtasks, record } from '../support/index.js';
import { endless, made, requestTo, site, type Asked } from './site.js';

const to = (location: string, status = 302, body = 'moved'): string =>
  answer(body, { status: `${status} Found`, headers: [`Location: ${location}`] });

/** Servers that answer by the table: a Location, a whole answer, or `hello`. */
function redirecting(table: Record<string, string>, options: FollowRedirectsOptions = {}) {
  const stage = site(({ origin, path }) => {
    const found = table[origin + path] ?? table[path];
    if (found === undefined) return answer('hello');
    return found.startsWith('HTTP/') ? found : to(found);
  });
  const scheduler = stage.clock;
  const agent = stage.agent.extend({ interceptors: [followRedirects({ scheduler, ...options })] });
  return { ...stage, agent };
}
const linesOf = (asked: readonly Asked[]): string[] => asked.map(({ line }) => line);

describe('followRedirects', () => {
  it.each<[number, string, string, string]>([
    [301, 'GET', 'GET', ''],
    [301, 'HEAD', 'HEAD', ''],
    [301, 'POST', 'GET', ''],
    [301, 'PUT', 'PUT', 'a=b'],
    [302, 'GET', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [302, 'DELETE', 'DELETE', ''],
    [302, 'PATCH', 'PATCH', 'a=b'],
    [303, 'GET', 'GET', ''],
    [303, 'HEAD', 'HEAD', ''],
    [303, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [303, 'DELETE', 'GET', ''],
    [307, 'POST', 'POST', 'a=b'],
    [307, 'GET', 'GET', ''],
    [308, 'POST', 'POST', 'a=b'],
    [308, 'PUT', 'PUT', 'a=b'],
  ])('%i of a %s: a %s', async (status, method, becomes, body) => {
    const { agent, asked, run } = redirecting({ '/a': to('/b', status, method === 'HEAD' ? '' : 'moved') });
    const form = ['POST', 'PUT', 'PATCH'].includes(method) ? { form: { a: 'b' } } : {};
    const { values } = await run(agent.request({ url: 'http://a.test/a', method, ...form }));
    expect([asked[1].method, asked[1].path, asked[1].body]).toEqual([becomes, '/b', body]);
    const ofBody = Object.keys(asked[1].headers).filter(name => name.startsWith('content-'));
    expect(ofBody.filter(name => name !== 'content-length')).toEqual(body === '' ? [] : ['content-type']);
    expect([values[0].status, values[0].url]).toEqual([200, 'http://a.test/b']);
  });

  it('strict: a POST stays one', async () => {
    for (const status of [301, 302]) {
      const { agent, asked, run } = redirecting({ '/a': to('/b', status) }, { strict: true });
      await run(agent.post('http://a.test/a', 'x'));
      expect([asked[1].method, asked[1].body, asked[1].headers['content-type']]).toEqual([
        'POST',
        'x',
        'text/plain;charset=UTF-8',
      ]);
    }
  });

  it.each([200, 204, 300, 304, 305, 306, 399, 401, 500])('delivers a %i', async status => {
    const { agent, asked, run } = redirecting({ '/a': to('/b', status, status === 204 || status === 304 ? '' : 'x') });
    const { values } = await run(agent.get('http://a.test/a'));
    expect([values[0].status, values[0].history, asked.length]).toEqual([status, [], 1]);
  });

  it('delivers a redirect that leads nowhere, its body to be read', async () => {
    const { agent, run } = redirecting({ '/a': answer('choose', { status: '302 Found' }) });
    expect((await run(agent.get('http://a.test/a').pipe(text()))).values).toEqual(['choose']);
  });

  it('resolves each Location against the URL that gave it', async () => {
    const { agent, asked, run } = redirecting({
      'http://a.test/x/y/z?q=1': 'w',
      'http://a.test/x/y/w': '../v?r=2#there',
      'http://a.test/x/v?r=2': '//b.test/p/q#there',
      'http://b.test/p/q': '?s',
      'http://b.test/p/q?s': '/t',
      'http://b.test/t': 'HTTP://C.test:80/%7Eu/./\xc3\xa9', // as UTF-8
      'http://c.test/%7Eu/%C3%A9': '/\xe9', // as latin1
    });
    const { values } = await run(agent.get('http://a.test/x/y/z?q=1#here'));
    expect(linesOf(asked)).toEqual([
      'GET http://a.test/x/y/z?q=1',
      'GET http://a.test/x/y/w',
      'GET http://a.test/x/v?r=2',
      'GET http://b.test/p/q',
      'GET http://b.test/p/q?s',
      'GET http://b.test/t',
      'GET http://c.test/%7Eu/%C3%A9',
      'GET http://c.test/%C3%A9',
    ]);
    expect(values[0].history.map(({ status, url }) => `${status} ${url}`)).toEqual(
      linesOf(asked)
        .slice(0, -1)
        .map(line => line.replace('GET', '302')),
    );
    expect(values[0].history.every(({ body }) => body.used)).toBe(true);
  });

  it.each([
    ['http://', 'is no URL'],
    ['http://[::1', 'is no URL'],
    [`//${'é'.repeat(8_000)}/`, 'is no URL'],
    ['ftp://a.test/', 'neither http nor https'],
    ['file:///etc/passwd', 'neither http nor https'],
    ['javascript:alert(1)', 'neither http nor https'],
    ['unix:/var/run/docker.sock', 'neither http nor https'],
  ])('fails for a Location of %.40s', async (location, message) => {
    const { agent, asked, run } = redirecting({ '/a?secret': to(location) });
    const { error } = await run(agent.get('http://a.test/a?secret'));
    expect(error).toBeInstanceOf(RedirectError);
    expect(error).toMatchObject({ code: 'ERR_REDIRECT', phase: 'receive', request: { url: 'http://a.test/a?…' } });
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain('secret');
    expect(asked).toHaveLength(1);
    const { response } = error as { response: HTTPResponse };
    expect(record(response.text()).values).toEqual(['moved']);
  });

  it('fails for two Locations that differ, and for none that are alike', async () => {
    const two = (other: string): string =>
      answer('', { status: '302 Found', headers: ['Location: /b', `Location: ${other}`] });
    const { agent, run } = redirecting({ '/a': two('/c'), '/d': two('/b') });
    expect((await run(agent.get('http://a.test/a'))).error).toMatchObject({ code: 'ERR_REDIRECT' });
    expect((await run(agent.get('http://a.test/d'))).values[0].url).toBe('http://a.test/b');
  });

  it.each([0, 1, 3])('fails after maxRedirects = %i, with the responses', async maxRedirects => {
    const { agent, asked, run } = redirecting({ '/a': '/a' }, { maxRedirects });
    const { error } = await run(agent.get('http://a.test/a'));
    expect(error).toBeInstanceOf(TooManyRedirectsError);
    expect(error).toMatchObject({ code: 'ERR_TOO_MANY_REDIRECTS', limit: maxRedirects, request: { method: 'GET' } });
    const { response } = error as { response: HTTPResponse };
    expect([response.status, response.history.length, asked.length]).toEqual([302, maxRedirects, maxRedirects + 1]);
    expect(record(response.text()).values).toEqual(['moved']);
  });

  it('20 by default', async () => {
    const { agent, asked, run } = redirecting({ '/a': '/a' });
    expect((await run(agent.get('http://a.test/a'))).error).toMatchObject({ limit: 20 });
    expect(asked).toHaveLength(21);
  });

  describe('credentials', () => {
    const headers = {
      Accept: 'a/b',
      'Accept-Encoding': 'br',
      'User-Agent': 'me',
      Range: 'bytes=0-1',
      Authorization: 'Basic secret',
      Cookie: 'a=secret',
      'Proxy-Authorization': 'secret',
      'X-API-Key': 'secret',
      Host: 'virtual.test',
      Origin: 'http://a.test',
      Referer: 'http://a.test/secret',
    };
    const kept = ['accept', 'accept-encoding', 'range', 'user-agent'];

    it.each([
      ['another host', 'http://a.test/a', 'http://b.test/b'],
      ['a subdomain', 'http://a.test/a', 'http://www.a.test/b'],
      ['another port', 'http://a.test/a', 'http://a.test:81/b'],
      ['another scheme', 'http://a.test/a', 'https://a.test/b'],
    ])('do not go to %s, nor back', async (_, from, there) => {
      const { agent, asked, run } = redirecting(
        { [from]: there, [there]: 'http://a.test/c' },
        { allowDowngrade: true },
      );
      await run(agent.get(from, { headers }));
      expect(asked[0].headers).toMatchObject({ authorization: 'Basic secret', 'x-api-key': 'secret' });
      for (const { headers: seen, origin } of asked.slice(1)) {
        expect(
          Object.keys(seen)
            .filter(name => name !== 'host')
            .sort(),
        ).toEqual(kept);
        expect(seen.host).toBe(new URL(origin).host);
      }
      expect(asked).toHaveLength(3);
    });

    it('stay with their origin, however it is spelled', async () => {
      const { agent, asked, run } = redirecting({ '/a': 'HTTP://A.TEST:80/b' });
      await run(agent.get('http://a.test/a', { headers }));
      expect(asked[1].headers).toMatchObject({
        authorization: 'Basic secret',
        cookie: 'a=secret',
        host: 'virtual.test',
      });
    });

    it('of the URL stay with their origin too, also where something may end the request', async () => {
      for (const timeouts of [{}, { total: 1_000 }]) {
        const { agent, asked, run } = redirecting({ '/a': '/b', '/b': 'http://b.test/c' });
        const { values } = await run(agent.get('http://me:secret@a.test/a', { timeouts }));
        expect(asked.map(({ headers: seen }) => seen.authorization)).toEqual([
          'Basic bWU6c2VjcmV0',
          'Basic bWU6c2VjcmV0',
          undefined,
        ]);
        expect(values[0].url).toBe('http://b.test/c');
      }
    });

    it('in a Location are not used', async () => {
      const { agent, asked, run } = redirecting({
        '/a': 'http://you:there@a.test/b',
        '/b': 'http://you:there@b.test/c',
      });
      await run(agent.get('http://a.test/a'));
      expect(asked.map(({ headers: seen }) => seen.authorization)).toEqual([undefined, undefined, undefined]);
    });

    it('go where keepHeaders says', async () => {
      const { agent, asked, run } = redirecting({ '/a': 'http://b.test/' }, { keepHeaders: ['x-api-key'] });
      await run(agent.get('http://a.test/a', { headers }));
      expect(asked[1].headers).toMatchObject({ 'x-api-key': 'secret' });
      expect(asked[1].headers).not.toHaveProperty('authorization');
    });

    it('a body that is kept has its type there', async () => {
      const { agent, asked, run } = redirecting({ '/a': to('http://b.test/', 307) });
      await run(agent.request({ url: 'http://a.test/a', method: 'POST', json: [1], headers: { 'X-CSRF': 'secret' } }));
      expect([asked[1].body, asked[1].headers['content-type'], asked[1].headers['x-csrf']]).toEqual([
        '[1]',
        'application/json',
        undefined,
      ]);
    });

    it('from https to http nothing goes, unless that is allowed', async () => {
      const table = { 'https://a.test/a': 'http://a.test/b' };
      const { agent, asked, run } = redirecting(table);
      expect((await run(agent.get('https://a.test/a'))).error).toMatchObject({ code: 'ERR_REDIRECT' });
      expect(asked).toHaveLength(1);
      const allowed = redirecting(table, { allowDowngrade: true });
      await allowed.run(allowed.agent.get('https://a.test/a'));
      expect(linesOf(allowed.asked)).toEqual(['GET https://a.test/a', 'GET http://a.test/b']);
    });
  });

  it('may lead out of the baseURL', async () => {
    const { agent, asked, run } = redirecting({ 'http://a.test/base/a': 'http://b.test/elsewhere' });
    await run(agent.extend({ baseURL: 'http://a.test/base' }).get('/a'));
    expect(linesOf(asked)[1]).toBe('GET http://b.test/elsewhere');
  });

  describe('the body of the request', () => {
    it('that a function makes is made again', async () => {
      let opened = 0;
      const { agent, asked, run } = redirecting({ '/a': to('/b', 307) });
      const body = () => of(`body ${++opened}`);
      await run(agent.request({ url: 'http://a.test/a', method: 'POST', body }));
      expect(asked.map(seen => seen.body)).toEqual(['body 1', 'body 2']);
    });

    it('that can be read only once: the redirect is delivered', async () => {
      for (const [status, lines] of [
        [307, 1],
        [303, 2],
      ]) {
        const { agent, asked, run } = redirecting({ '/a': to('/b', status) });
        const seen = await run(agent.request({ url: 'http://a.test/a', method: 'POST', body: of('x') }).pipe(text()));
        expect([seen.values, asked.length]).toEqual([[lines === 1 ? 'moved' : 'hello'], lines]);
      }
    });
  });

  describe('the body of the redirect', () => {
    it.each([
      ['with a length', to('/b')],
      ['in chunks', `${chunkedHead.replace('200 OK', '302 Found\r\nLocation: /b')}${chunk('moved')}0\r\n\r\n`],
      ['of 60 kB', to('/b', 302, 'x'.repeat(60_000))],
    ])('%s is read, and the connection used again', async (_, redirect) => {
      const { agent, transports, run } = redirecting({ '/a': redirect });
      const { values } = await run(agent.get('http://a.test/a'));
      expect([values[0].status, transports.length]).toEqual([200, 1]);
      expect(agent.pool.stats()).toMatchObject({ leased: 0, idle: 1 });
    });

    it.each([
      ['longer than 64 KiB', to('/b', 302, 'x'.repeat(200_000)).slice(0, 5_000)],
      [
        'that goes beyond it',
        `${chunkedHead.replace('200 OK', '302 Found\r\nLocation: /b')}${chunk('x'.repeat(70_000))}`,
      ],
    ])('%s is not read, and its connection is closed', async (_, redirect) => {
      const { agent, transports, run } = redirecting({ '/a': redirect });
      const { values } = await run(agent.get('http://a.test/a'));
      expect([values[0].status, transports.map(({ destroyed }) => destroyed)]).toEqual([200, [true, false]]);
    });

    it('that does not come is waited for a second', async () => {
      const { agent, clock, asked, transports, run } = redirecting({ '/a': to('/b').slice(0, -2) });
      const { values } = await run(agent.get('http://a.test/a'));
      clock.advance(999);
      await microtasks();
      expect(asked).toHaveLength(1);
      clock.advance(1);
      for (let i = 0; i < 5; i++) await microtasks();
      expect([values[0].status, transports.length]).toEqual([200, 2]);
    });

    it('that breaks off is of no consequence', async () => {
      const { agent, transports, run } = redirecting({ '/a': to('/b').slice(0, -2) });
      const { values } = await run(agent.get('http://a.test/a'));
      transports[0].reset();
      for (let i = 0; i < 5; i++) await microtasks();
      expect(values[0].status).toBe(200);
    });
  });

  describe('given up', () => {
    const stalls: [string, string | undefined, string | undefined][] = [
      ['at the first request', undefined, undefined],
      ['while the body of the redirect comes', to('/b').slice(0, -2), undefined],
      ['at the second request', to('/b'), undefined],
    ];

    it.each(stalls)('by unsubscribing %s: nothing is left', async (_, first) => {
      const stage = site(({ path }) => (path === '/a' ? first : undefined));
      const agent = stage.agent.extend({ interceptors: [followRedirects({ scheduler: stage.clock })] });
      const seen = await stage.run(agent.get('http://a.test/a'));
      const { length } = stage.asked;
      seen.subscription.unsubscribe();
      await microtasks();
      stage.clock.advance(2_000);
      await microtasks();
      expect(seen.outcome).toBe('nothing');
      expect(agent.pool.stats()).toMatchObject({ leased: 0, connecting: 0, pending: 0 });
      expect(stage.asked).toHaveLength(length);
    });

    it.each(stalls)('by its signal, its total or its events %s', async (_, first) => {
      const controller = new AbortController();
      for (const [options, end, code] of [
        [{ signal: controller.signal }, () => controller.abort(), 'ERR_ABORTED'],
        [{ timeouts: { total: 500 } }, () => undefined, 'ERR_TOTAL_TIMEOUT'],
      ] as const) {
        const stage = site(({ path }) => (path === '/a' ? first : undefined));
        const agent = stage.agent.extend({ interceptors: [followRedirects({ scheduler: stage.clock })] });
        const seen = await stage.run(agent.get('http://a.test/a', options));
        end();
        stage.clock.advance(600);
        await microtasks();
        expect([seen.error, seen.terminals]).toMatchObject([{ code }, 1]);
        expect(agent.pool.stats()).toMatchObject({ leased: 0, connecting: 0, pending: 0 });
      }
    });

    it('by total, in the body at the end', async () => {
      const { agent, clock, run } = redirecting({ '/a': '/b', '/b': to('/x', 200).slice(0, -2) });
      const seen = await run(agent.get('http://a.test/a', { timeouts: { total: 500 } }).pipe(text()));
      clock.advance(501);
      await microtasks();
      expect(seen.error).toMatchObject({ code: 'ERR_TOTAL_TIMEOUT' });
      expect(agent.pool.stats()).toMatchObject({ leased: 0 });
    });
  });

  it('is told as it happens', async () => {
    const { agent, run } = redirecting({ '/a': '/b' });
    const { values } = await run(agent.requestEvents({ url: 'http://a.test/a' }));
    expect(values.map(({ type }) => type).filter(type => type !== 'downloadProgress')).toEqual([
      'sent',
      'sent',
      'response',
      'done',
    ]);
  });

  it('makes one request after the other', () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
      const request = requestTo('http://a.test/');
      const redirect = made(request, { status: 302, headers: { location: '/b' }, body: cold<string>('---|') });
      const first = cold('  --r|', { r: redirect });
      const second = cold('      -----s|', { s: made(requestTo('http://a.test/b')) });
      const handler: HTTPHandler = ({ path }) => (path === '/' ? first : second);
      const shown = followRedirects()(request, handler);
      expectObservable(
        new Observable<number>(s => shown.subscribe({ next: r => s.next(r.status), complete: () => s.complete() })),
      ).toBe('               ----------s|', { s: 200 });
      expectSubscriptions(first.subscriptions).toBe(' ^-!');
      expectSubscriptions(second.subscriptions).toBe('-----^-----!');
    });
  });

  it('left while it waits for the body, lets that go', () => {
    const log: string[] = [];
    const response = made(requestTo(), { status: 302, headers: { location: '/b' }, body: endless(log) });
    const seen = record(followRedirects()(requestTo(), () => of(response)));
    seen.subscription.unsubscribe();
    expect(log).toEqual(['body read', 'body let go']);
  });

  it('answers that come at once do not grow the stack', () => {
    const redirect: HTTPHandler = request =>
      of(
        request.path === '/10000'
          ? made(request)
          : made(request, { status: 302, headers: { location: `${+request.path.slice(1) + 1}` } }),
      );
    const seen = record(followRedirects({ maxRedirects: Infinity })(requestTo('http://a.test/0'), redirect));
    expect([seen.error, seen.values[0].url, seen.values[0].history.length]).toEqual([
      undefined,
      'http://a.test/10000',
      10_000,
    ]);
  });

  it('hears no more of an attempt whose answer it has followed', () => {
    const redirect = made(requestTo(), { status: 302, headers: { location: '/b' } });
    const atOnce = new Observable<HTTPResponse>(subscriber => {
      subscriber.next(redirect);
      subscriber.error(new Error('late'));
    });
    const later = new Subject<HTTPResponse>();
    for (const first of [atOnce, later]) {
      const handler: HTTPHandler = request => (request.path === '/' ? first : of(made(request)));
      const seen = record(followRedirects()(requestTo(), handler));
      if (first === later) {
        later.next(made(requestTo(), { status: 302, headers: { location: '/b' } }));
        expect(later.observed).toBe(false);
      }
      expect([seen.values.length, seen.completed, seen.error]).toEqual([1, true, undefined]);
    }
  });

  it('goes on if the finalizer of an attempt throws', async () => {
    const reported: unknown[] = [];
    config.onUnhandledError = error => reported.push(error);
    const later = new Subject<HTTPResponse>();
    const first = new Observable<HTTPResponse>(subscriber => {
      later.subscribe(subscriber);
      return () => {
        throw new Error('a finalizer that throws');
      };
    });
    const handler: HTTPHandler = request => (request.path === '/' ? first : of(made(request)));
    const seen = record(followRedirects()(requestTo(), handler));
    later.next(made(requestTo(), { status: 302, headers: { location: '/b' } }));
    await until(() => reported.length > 0, 'the report');
    config.onUnhandledError = null;
    expect([seen.values.length, seen.completed, reported.length]).toEqual([1, true, 1]);
  });

  it('fails with what a later request does', () => {
    const boom = new Error('boom');
    const fails: HTTPHandler[] = [
      () => throwError(() => boom),
      () => {
        throw boom;
      },
    ];
    for (const second of fails) {
      const handler: HTTPHandler = request =>
        request.path === '/' ? of(made(request, { status: 302, headers: { location: '/b' } })) : second(request);
      expect(record(followRedirects()(requestTo(), handler)).error).toBe(boom);
    }
  });

  it('left from within the response: nothing more is made', () => {
    let made2 = 0;
    const handler: HTTPHandler = () => {
      made2++;
      return NEVER;
    };
    record(followRedirects()(requestTo(), handler)).subscription.unsubscribe();
    expect(made2).toBe(1);
  });

  it.each<[string, object]>([
    ['maxRedirects', { maxRedirects: -1 }],
    ['strict', { strict: 'yes' }],
    ['keepHeaders', { keepHeaders: 'x-api-key' }],
    ['allowDowngrade', { allowDowngrade: 1 }],
  ])('refuses %s that makes no sense', (option, options) => {
    expect(() => followRedirects(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }));
  });

  it('reads no option from a prototype', async () => {
    Object.assign(Object.prototype, { maxRedirects: 0, allowDowngrade: true, keepHeaders: ['x-secret'] });
    try {
      const { agent, asked, run } = redirecting({ '/a': 'http://b.test/b' });
      const init: HTTPRequestInit = { url: 'http://a.test/a', headers: { 'X-Secret': 'secret' } };
      await run(agent.request(init));
      expect(asked[1].headers).not.toHaveProperty('x-secret');
    } finally {
      for (const name of ['maxRedirects', 'allowDowngrade', 'keepHeaders']) {
        delete (Object.prototype as unknown as Record<string, unknown>)[name];
      }
    }
  });
});
