import { describe, expect, it } from '@jest/globals';
import { defer, EMPTY, NEVER, Observable, of, Subject, throwError, type ObservableInput } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import type { HTTPHandler, HTTPInterceptor, HTTPResponse } from '../../src/agent/index.js';
import { basicAuth, bearerAuth, followRedirects } from '../../src/interceptors/index.js';
import { text } from '../../src/operators/index.js';
import { answer, microtasks, record } from '../support/index.js';
import { endless, made, requestTo, site, type Asked } from './site.js';

const origins = 'http://a.test';
const shownTo = (asked: readonly Asked[]): string[] =>
  asked.map(({ line, headers }) => `${line} ${headers.authorization ?? '-'}`);
const denied = answer('no', { status: '401 Unauthorized' });

/** Servers that know one token, and answer with it. */
function guarded(accepted: () => string, ...interceptors: HTTPInterceptor[]) {
  const stage = site(({ headers, origin }) =>
    origin !== origins || headers.authorization === `Bearer ${accepted()}` ? answer('welcome') : denied,
  );
  return { ...stage, agent: stage.agent.extend({ interceptors }) };
}

/** Tokens that come when the spec says so. */
function tokens() {
  const waiting: Subject<string>[] = [];
  const log: string[] = [];
  const fetch = (): Observable<string> =>
    defer(() => {
      const token = new Subject<string>();
      waiting.push(token);
      log.push('fetch');
      return new Observable<string>(subscriber => {
        token.subscribe(subscriber);
        return () => log.push('left');
      });
    });
  return { fetch, waiting, log };
}

describe('basicAuth', () => {
  it.each([
    ['Aladdin', 'open sesame', 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='],
    ['test', '123£', 'Basic dGVzdDoxMjPCow=='], // RFC 7617 section 2.1
    ['', '', 'Basic Og=='],
    ['user', 'a:b', 'Basic dXNlcjphOmI='],
  ])('says %p and %p', async (user, password, value) => {
    const { agent, asked, run } = guarded(() => '', basicAuth(user, password, { origins }));
    await run(agent.get('http://a.test/'));
    expect(asked[0].headers.authorization).toBe(value);
  });

  it('to the origins that are named, and to no other', async () => {
    const named = [new URL('https://a.test/path'), 'HTTP://B.test:8080'];
    const { agent, asked, run } = guarded(() => '', basicAuth('u', 'p', { origins: named }));
    for (const url of [
      'https://a.test/x',
      'https://a.test:443/',
      'http://b.test:8080/',
      'http://a.test/',
      'https://www.a.test/',
      'http://b.test/',
    ]) {
      await run(agent.get(url));
    }
    expect(asked.map(({ headers }) => headers.authorization !== undefined)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it('and leaves what the caller says', async () => {
    const { agent, asked, run } = guarded(() => '', basicAuth('u', 'p', { origins }));
    await run(agent.get('http://a.test/', { headers: { Authorization: 'mine' } }));
    await run(agent.get('http://x:y@a.test/'));
    expect(asked.map(({ headers }) => headers.authorization)).toEqual(['mine', 'Basic eDp5']);
  });

  it.each<[string, unknown, unknown, unknown]>([
    ['username', 'a:secret', 'p', { origins }],
    ['username', 'a\nb', 'p', { origins }],
    ['username', undefined, 'p', { origins }],
    ['password', 'u', 'secret\0', { origins }],
    ['password', 'u', 12, { origins }],
    ['origins', 'u', 'p', undefined],
    ['origins', 'u', 'p', {}],
    ['origins', 'u', 'p', { origins: [] }],
    ['origins', 'u', 'p', { origins: '' }],
    ['origins', 'u', 'p', { origins: 'a.test' }],
    ['origins', 'u', 'p', { origins: ['http://a.test', 'ftp://a.test'] }],
  ])('refuses %s that makes no sense: %p, %p, %p', (option, user, password, options) => {
    const make = (): unknown => basicAuth(user as string, password as string, options as { origins: string });
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }));
    expect(make).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }));
  });
});

describe.each<[string, (token: string) => HTTPInterceptor]>([
  ['basicAuth', () => basicAuth('u', 'p', { origins })],
  ['bearerAuth', token => bearerAuth(token, { origins })],
  ['bearerAuth with a fetch', token => bearerAuth(() => [token], { origins })],
])('%s and redirects', (_, auth) => {
  it.each([
    ['outside', (one: HTTPInterceptor) => [one, followRedirects()]],
    ['inside', (one: HTTPInterceptor) => [followRedirects(), one]],
  ])('%s: does not go to another origin, and comes back only if it is inside', async (place, order) => {
    const { agent, asked, run } = site(({ origin, path }) => {
      if (path === '/back') return answer('back');
      const location = origin === origins ? 'http://b.test/b' : 'http://a.test/back';
      return answer('', { status: '302 Found', headers: [`Location: ${location}`] });
    });
    await run(agent.extend({ interceptors: order(auth('t')) }).get('http://a.test/a'));
    const shown = asked.map(({ origin, headers }) => `${origin} ${headers.authorization !== undefined}`);
    expect(shown).toEqual(['http://a.test true', 'http://b.test false', `http://a.test ${place === 'inside'}`]);
  });
});

describe('bearerAuth', () => {
  it('shows a token that is for ever, and delivers a 401', async () => {
    const { agent, asked, run } = guarded(() => 'other', bearerAuth('t', { origins }));
    const seen = await run(agent.get('http://a.test/').pipe(text()));
    await run(agent.get('http://b.test/'));
    expect([seen.values, shownTo(asked)]).toEqual([['no'], ['GET http://a.test/ Bearer t', 'GET http://b.test/ -']]);
  });

  it.each<[string, (next: () => string) => Observable<string> | (() => ObservableInput<string>)]>([
    ['an Observable', next => defer(() => of(next(), 'a second value'))],
    ['a function that gives one', next => () => of(next())],
    ['a function that gives a promise', next => () => Promise.resolve(next())],
  ])('fetches it when it is needed: %s', async (_, sourceOf) => {
    let fetched = 0;
    const { agent, asked, run } = guarded(
      () => 't1',
      bearerAuth(
        sourceOf(() => `t${++fetched}`),
        { origins },
      ),
    );
    expect(fetched).toBe(0);
    await run(agent.get('http://b.test/'));
    expect(fetched).toBe(0);
    for (let i = 0; i < 3; i++)
      expect((await run(agent.get('http://a.test/').pipe(text()))).values).toEqual(['welcome']);
    expect([fetched, shownTo(asked.slice(1))]).toEqual([1, Array(3).fill('GET http://a.test/ Bearer t1')]);
  });

  it('fetches another when a server would not have it, and makes the request again', async () => {
    let fetched = 0;
    const auth = bearerAuth(() => [`t${++fetched}`], { origins });
    const { agent, asked, transports, run } = guarded(() => 't2', auth);
    const seen = await run(agent.post('http://a.test/', 'body').pipe(text()));
    expect([seen.values, shownTo(asked), asked.map(({ body }) => body)]).toEqual([
      ['welcome'],
      ['POST http://a.test/ Bearer t1', 'POST http://a.test/ Bearer t2'],
      ['body', 'body'],
    ]);
    expect(transports).toHaveLength(1); // the body of the 401 is out of the way
  });

  it('once', async () => {
    let fetched = 0;
    const { agent, asked, run } = guarded(
      () => 'none',
      bearerAuth(() => [`t${++fetched}`], { origins }),
    );
    expect((await run(agent.get('http://a.test/').pipe(text()))).values).toEqual(['no']);
    expect([fetched, asked.length]).toEqual([2, 2]);
  });

  it('for all that need it at once', async () => {
    const { fetch, waiting, log } = tokens();
    let accepted = 't1';
    const { agent, asked, run } = guarded(() => accepted, bearerAuth(fetch, { origins }));
    const first = await Promise.all([1, 2, 3].map(() => run(agent.get('http://a.test/').pipe(text()))));
    expect([log, asked.length]).toEqual([['fetch'], 0]);
    waiting[0].next('t1');
    for (let i = 0; i < 10; i++) await microtasks();
    expect(first.map(({ values }) => values)).toEqual(Array(3).fill(['welcome']));
    accepted = 't2';
    const second = await Promise.all([1, 2, 3].map(() => run(agent.get('http://a.test/').pipe(text()))));
    expect(log).toEqual(['fetch', 'left', 'fetch']);
    waiting[1].next('t2');
    for (let i = 0; i < 10; i++) await microtasks();
    expect(second.map(({ values }) => values)).toEqual(Array(3).fill(['welcome']));
    // One that had been sent with the old token hears of it late: there is a new one already.
    expect(log).toEqual(['fetch', 'left', 'fetch', 'left']);
  });

  it('a 401 to a token that is not used any more needs no other', () => {
    let fetched = 0;
    const late = new Subject<HTTPResponse>();
    const auth = bearerAuth(() => [`t${++fetched}`], { origins });
    const handler: HTTPHandler = request => {
      const shown = request.headers.get('authorization');
      if (request.path === '/late' && shown === 'Bearer t1') return late;
      return of(made(request, { status: shown === 'Bearer t1' ? 401 : 200 }));
    };
    const first = record(auth(requestTo('http://a.test/late'), handler));
    record(auth(requestTo('http://a.test/'), handler));
    late.next(made(requestTo('http://a.test/late'), { status: 401 }));
    expect([first.values[0].status, fetched]).toEqual([200, 2]);
  });

  it('delivers the 401 if the body can be read only once, and the next request has another', async () => {
    let fetched = 0;
    const { agent, run } = guarded(
      () => 't2',
      bearerAuth(() => [`t${++fetched}`], { origins }),
    );
    const seen = await run(agent.request({ url: 'http://a.test/', method: 'POST', body: of('x') }).pipe(text()));
    expect([seen.values, fetched]).toEqual([['no'], 1]);
    expect((await run(agent.get('http://a.test/').pipe(text()))).values).toEqual(['welcome']);
  });

  it('leaves the 401 of another origin alone', async () => {
    let fetched = 0;
    const auth = bearerAuth(() => [`t${++fetched}`], { origins });
    const { agent, asked, run } = site(({ origin }) =>
      origin === origins ? answer('', { status: '302 Found', headers: ['Location: http://b.test/'] }) : denied,
    );
    const client = agent.extend({ interceptors: [auth, followRedirects()] });
    expect((await run(client.get('http://a.test/').pipe(text()))).values).toEqual(['no']);
    expect([fetched, asked.length]).toEqual([1, 2]);
  });

  describe('a fetch that fails', () => {
    const boom = new Error('boom');

    it('fails all that wait for it, and the next request tries again', () => {
      const { fetch, waiting, log } = tokens();
      const auth = bearerAuth(fetch, { origins });
      const handler: HTTPHandler = request => of(made(request));
      const seen = [1, 2].map(() => record(auth(requestTo(), handler)));
      const retried = record(
        new Observable(subscriber =>
          auth(requestTo(), handler).subscribe({ error: () => auth(requestTo(), handler).subscribe(subscriber) }),
        ),
      );
      waiting[0].error(boom);
      expect([seen.map(({ error }) => error), log]).toEqual([
        [boom, boom],
        ['fetch', 'fetch', 'left'],
      ]);
      waiting[1].next('t');
      expect(retried.values).toHaveLength(1);
    });

    it.each<[string, () => ObservableInput<string>, object]>([
      [
        'by throwing',
        () => {
          throw boom;
        },
        { message: 'boom' },
      ],
      ['with nothing', () => EMPTY, { code: 'ERR_REQUEST_GENERATION_FAILED', request: { method: 'GET' } }],
      ['with what is no text', () => [12] as never, { code: 'ERR_REQUEST_GENERATION_FAILED' }],
      ['with what is no header', () => ['secret\n'], { code: 'ERR_INVALID_REQUEST' }],
      ['with what is no Observable', () => 12 as never, { name: 'TypeError' }],
    ])('%s is an error of the request', (_, fetch, error) => {
      const seen = record(bearerAuth(fetch, { origins })(requestTo(), request => of(made(request))));
      expect([seen.error, seen.terminals]).toMatchObject([error, 1]);
      expect(String(seen.error)).not.toContain('secret');
    });

    it('the second time fails the request', () => {
      let fetched = 0;
      const fetch = (): ObservableInput<string> => (fetched++ === 0 ? ['t'] : throwError(() => boom));
      const handler: HTTPHandler = request => of(made(request, { status: 401 }));
      expect(record(bearerAuth(fetch, { origins })(requestTo(), handler)).error).toBe(boom);
    });
  });

  describe('given up', () => {
    it('by one that waits, the fetch goes on; by all, it ends', () => {
      const { fetch, log } = tokens();
      const auth = bearerAuth(fetch, { origins });
      const [one, other] = [1, 2].map(() => record(auth(requestTo(), () => NEVER)));
      one.subscription.unsubscribe();
      expect(log).toEqual(['fetch']);
      other.subscription.unsubscribe();
      expect(log).toEqual(['fetch', 'left']);
      record(auth(requestTo(), () => NEVER));
      expect(log).toEqual(['fetch', 'left', 'fetch']);
    });

    it('in the second fetch', () => {
      const { fetch, waiting, log } = tokens();
      const seen = record(bearerAuth(fetch, { origins })(requestTo(), request => of(made(request, { status: 401 }))));
      waiting[0].next('t');
      expect(log).toEqual(['fetch', 'fetch', 'left']);
      seen.subscription.unsubscribe();
      expect(log).toEqual(['fetch', 'fetch', 'left', 'left']);
    });

    it('while the body of a 401 is read out of the way', () => {
      const log: string[] = [];
      const handler: HTTPHandler = request => of(made(request, { status: 401, body: endless(log) }));
      record(bearerAuth(() => ['t'], { origins })(requestTo(), handler)).subscription.unsubscribe();
      expect(log).toEqual(['body read', 'body let go']);
    });

    it('in the request', () => {
      const response$ = new Subject<HTTPResponse>();
      record(bearerAuth('t', { origins })(requestTo(), () => response$)).subscription.unsubscribe();
      expect(response$.observed).toBe(false);
    });

    it('by total, in the fetch', async () => {
      const { fetch, log } = tokens();
      const { agent, clock, run } = guarded(() => 't', bearerAuth(fetch, { origins }));
      const seen = await run(agent.get('http://a.test/', { timeouts: { total: 100 } }));
      clock.advance(101);
      expect([seen.error, log]).toMatchObject([{ code: 'ERR_TOTAL_TIMEOUT' }, ['fetch', 'left']]);
    });
  });

  it('fetches, asks, fetches and asks', () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
      const fetch = cold<string>('--t');
      const no = cold('            -r|', { r: made(requestTo(), { status: 401 }) });
      const yes = cold('              --r|', { r: made(requestTo()) });
      let count = 0;
      const response$ = bearerAuth(fetch, { origins })(requestTo(), () => (count++ === 0 ? no : yes));
      expectObservable(
        new Observable(s => response$.subscribe({ next: r => s.next(r.status), complete: () => s.complete() })),
      ).toBe('-------r|', { r: 200 });
      expectSubscriptions(fetch.subscriptions).toBe(['^-!', '---^-!']);
      expectSubscriptions(no.subscriptions).toBe('  --^!');
      expectSubscriptions(yes.subscriptions).toBe(' -----^--!');
    });
  });

  it.each<[string, unknown, object]>([
    ['token', '', { origins }],
    ['token', 'a b', { origins }],
    ['token', 'secret\n', { origins }],
    ['token', undefined, { origins }],
    ['token', Promise.resolve('t'), { origins }],
    ['origins', 't', {}],
  ])('refuses %s that makes no sense: %p', (option, token, options) => {
    const make = (): unknown => bearerAuth(token as string, options as { origins: string });
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', option }));
    expect(make).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }));
  });
});
