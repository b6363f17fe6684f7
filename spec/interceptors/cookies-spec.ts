import { describe, expect, it } from '@jest/globals';
import { Observable, of, Subject } from 'rxjs';
import { CookieJar } from 'tough-cookie';
import type { HTTPHandler } from '../../src/agent/index.js';
import { cookies, followRedirects, type CookieJarLike } from '../../src/interceptors/index.js';
import { text } from '../../src/operators/index.js';
import { answer, microtasks, record } from '../support/index.js';
import { endless, made, requestTo, site, type Asked } from './site.js';

const setting = (...values: string[]): string =>
  answer('hello', { headers: values.map(value => `Set-Cookie: ${value}`) });

/** A jar that has only what is asked for, and answers by promises. */
function promised(jar = new CookieJar()): CookieJarLike {
  return {
    getCookieString: url => jar.getCookieString(url),
    setCookie: (cookie, url, options) => jar.setCookie(cookie, url, options),
  };
}
/** One that answers at once, by the two methods alone. */
function simple(): CookieJarLike & { readonly calls: string[] } {
  const all: string[] = [];
  const calls: string[] = [];
  return {
    calls,
    getCookieString: url => {
      calls.push(`get ${url}`);
      return all.join('; ');
    },
    setCookie: (cookie, url) => {
      calls.push(`set ${cookie} ${url}`);
      all.push(cookie.split(';')[0]);
    },
  };
}

const jars: Record<string, () => CookieJarLike> = {
  'in memory, of tough-cookie': () => new CookieJar(),
  'with promises': () => promised(),
  'of two methods': () => simple(),
};
const cookiesOf = (asked: readonly Asked[]): (string | undefined)[] => asked.map(({ headers }) => headers.cookie);

describe.each(Object.entries(jars))('cookies in a jar %s', (_, jarOf) => {
  it('are sent once they are set, each of them', async () => {
    const { agent, asked, run } = site(() => setting('a=1; Path=/', 'b=2; Expires=Wed, 09 Jun 2100 10:18:14 GMT'));
    const client = agent.extend({ interceptors: [cookies(jarOf())] });
    expect((await run(client.get('http://a.test/').pipe(text()))).values).toEqual(['hello']);
    await run(client.get('http://a.test/').pipe(text()));
    expect(cookiesOf(asked)).toEqual([undefined, 'a=1; b=2']);
  });

  it('are left alone where the caller has its own, and stored all the same', async () => {
    const { agent, asked, run } = site(({ headers }) => setting(`a=${headers.cookie?.length ?? 0}`));
    const client = agent.extend({ interceptors: [cookies(jarOf())] });
    await run(client.get('http://a.test/', { headers: { Cookie: 'mine=1' } }));
    await run(client.get('http://a.test/'));
    expect(cookiesOf(asked)).toEqual(['mine=1', 'a=6']);
  });

  it('of a redirect are stored, and sent on', async () => {
    const { agent, asked, run } = site(({ path }) =>
      path === '/a'
        ? answer('', { status: '302 Found', headers: ['Location: /b', 'Set-Cookie: sid=1'] })
        : answer('ok'),
    );
    const client = agent.extend({ interceptors: [followRedirects(), cookies(jarOf())] });
    expect((await run(client.get('http://a.test/a'))).values[0].status).toBe(200);
    expect(cookiesOf(asked)).toEqual([undefined, 'sid=1']);
  });
});

describe('cookies', () => {
  it('that make no sense fail no request', async () => {
    const values = ['', '=', ';', 'a', '=x', 'a=1; Domain=other.test', 'a=1; Domain=test', '__Host-a=1', 'b=\xff'];
    for (const jar of [new CookieJar(), promised()]) {
      const { agent, run } = site(() => setting(...values));
      const client = agent.extend({ interceptors: [cookies(jar)] });
      for (let i = 0; i < 2; i++)
        expect((await run(client.get('http://a.test/').pipe(text()))).values).toEqual(['hello']);
    }
  });

  it('that cannot be sent are left out', async () => {
    const jar = new CookieJar(undefined, { looseMode: true });
    for (const cookie of ['a=1', 'b=ü\u20ac', 'c=\xe9']) jar.setCookieSync(cookie, 'http://a.test/');
    const { agent, asked, run } = site(() => answer());
    await run(agent.extend({ interceptors: [cookies(jar)] }).get('http://a.test/'));
    expect(cookiesOf(asked)).toEqual(['a=1; c=\xe9']);
  });

  it('are those of the URL', async () => {
    const jar = simple();
    const { agent, run } = site(() => setting('a=1'));
    await run(agent.extend({ interceptors: [cookies(jar)] }).get('http://me:secret@a.test/x?y#z'));
    expect(jar.calls).toEqual(['get http://a.test/x?y', 'set a=1 http://a.test/x?y']);
  });

  it('do not go to other hosts, ports aside, nor from https to http if they are Secure', async () => {
    const { agent, asked, run } = site(() => setting('a=1', 's=1; Secure'));
    const client = agent.extend({ interceptors: [cookies(new CookieJar())] });
    for (const url of ['https://a.test/', 'https://a.test/', 'http://a.test/', 'https://b.test/'])
      await run(client.get(url));
    expect(cookiesOf(asked)).toEqual([undefined, 'a=1; s=1', 'a=1', undefined]);
  });

  it('in memory there is no promise in between', () => {
    const handler: HTTPHandler = request => of(made(request, { headers: { 'Set-Cookie': 'a=1' } }));
    expect(record(cookies(new CookieJar())(requestTo(), handler)).values).toHaveLength(1);
    expect(record(cookies(promised())(requestTo(), handler)).values).toHaveLength(0);
  });

  it('without any there is nothing to be made', () => {
    const sent: unknown[] = [];
    const request = requestTo();
    const handler: HTTPHandler = given => {
      sent.push(given);
      return of(made(given));
    };
    record(cookies(new CookieJar())(request, handler));
    expect(sent[0]).toBe(request);
  });

  it('an empty jar of tough-cookie is not asked; one with a cookie is, and so is any other', () => {
    const jar = new CookieJar();
    let asked = 0;
    const { getCookieStringSync } = jar;
    jar.getCookieStringSync = (...args) => {
      asked++;
      return getCookieStringSync.apply(jar, args);
    };
    const sent: (string | null)[] = [];
    const handler: HTTPHandler = given => {
      sent.push(given.headers.get('cookie'));
      return of(made(given));
    };
    record(cookies(jar)(requestTo(), handler));
    expect([asked, sent]).toEqual([0, [null]]);
    jar.setCookieSync('a=1', requestTo().url);
    record(cookies(jar)(requestTo(), handler));
    expect([asked, sent]).toEqual([1, [null, 'a=1']]);
    for (const store of [{ synchronous: true }, { synchronous: true, idx: {} }]) {
      const other = { getCookieString: () => 'b=2', setCookie: () => undefined, store };
      const both = { ...other, getCookieStringSync: () => 'b=2', setCookieSync: () => undefined };
      record(cookies(both)(requestTo(), handler));
    }
    expect(sent.slice(2)).toEqual(['b=2', 'b=2']);
  });

  describe('the error of a jar is that of the request', () => {
    const boom = new Error('boom');
    const fail = (): never => {
      throw boom;
    };
    const store = { synchronous: true };
    const ok = { getCookieString: () => '', setCookie: () => undefined };
    const okSync = { ...ok, store, getCookieStringSync: () => '', setCookieSync: () => undefined };

    it.each<[string, CookieJarLike, number]>([
      ['thrown for what it has', { ...ok, getCookieString: fail }, 0],
      ['rejected', { ...ok, getCookieString: () => Promise.reject(boom) }, 0],
      ['thrown for what it gets', { ...ok, setCookie: fail }, 1],
      ['rejected then', { ...ok, setCookie: () => Promise.reject(boom) }, 1],
      ['thrown at once for what it has', { ...okSync, getCookieStringSync: fail } as CookieJarLike, 0],
      ['thrown at once for what it gets', { ...okSync, setCookieSync: fail } as CookieJarLike, 1],
    ])('%s', async (_, jar, sent) => {
      const log: string[] = [];
      let requests = 0;
      const handler: HTTPHandler = request => {
        requests++;
        return of(made(request, { headers: { 'Set-Cookie': 'a=1' }, body: endless(log) }));
      };
      const seen = record(cookies(jar)(requestTo(), handler));
      await microtasks();
      expect([seen.error, seen.terminals, requests]).toEqual([boom, 1, sent]);
      expect(log).toEqual(sent === 0 ? [] : ['body read', 'body let go']);
    });
  });

  it('left while the jar is asked, the request is not made', async () => {
    const jar = { getCookieString: () => new Promise<string>(() => undefined), setCookie: () => undefined };
    const seen = record(cookies(jar)(requestTo(), () => new Observable()));
    seen.subscription.unsubscribe();
    await microtasks();
    expect(seen.terminals).toBe(0);
  });

  it('left while the jar takes a cookie, lets the response go', async () => {
    const log: string[] = [];
    const jar = { getCookieString: () => '', setCookie: () => new Promise(() => undefined) };
    const response = made(requestTo(), { headers: { 'Set-Cookie': 'a=1' }, body: endless(log) });
    const seen = record(cookies(jar)(requestTo(), () => of(response)));
    await microtasks();
    expect([seen.values, log]).toEqual([[], []]);
    seen.subscription.unsubscribe();
    expect(log).toEqual(['body read', 'body let go']);
  });

  it('left before the response, leaves the request', () => {
    for (const jar of [new CookieJar(), simple()]) {
      const response$ = new Subject<never>();
      const seen = record(cookies(jar)(requestTo(), () => response$));
      expect(response$.observed).toBe(true);
      seen.subscription.unsubscribe();
      expect(response$.observed).toBe(false);
    }
  });

  it.each([undefined, null, {}, { getCookieString: () => '' }, 'jar'])('refuses what is no jar: %p', jar => {
    expect(() => cookies(jar as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option: 'jar' }));
  });
});
