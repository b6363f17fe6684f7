import { describe, expect, it } from '@jest/globals';
import { catchError, map, mergeMap, of, type Observable } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { Agent, HTTPConnectionPool, isHTTPClientError, text } from 'rxjs-http-pool';
import { FakeEndpoint, FakeTransport, marbleEndpoint, type MarbleEndpointOptions } from 'rxjs-http-pool/testing';
import { microtasks, record } from '../support/index.js';

const scheduled = (): TestScheduler => new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
const codes = <T>(source: Observable<T>): Observable<T | string> =>
  source.pipe(catchError((error: unknown) => of(isHTTPClientError(error) ? error.code : String(error))));

const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';
const bytes = { h: head, b: 'hi' };

describe('marbleEndpoint', () => {
  it.each<[string, MarbleEndpointOptions, string, string]>([
    ['dials and answers when it says', { dial: '--(c|)', response: '---h--b', bytes }, '-----r--(t|)', 'hi'],
    ['answers at once', { response: '(hb)', bytes }, '(rt|)', 'hi'],
    ['fails a dial', { dial: '--#', error: new Error('no') }, '--(t|)', 'ERR_CONNECT'],
    ['closes before an answer', { response: '--|' }, '--(t|)', 'ERR_RESPONSE_NEVER_RECEIVED'],
    ['closes within a body', { response: '--h--|', bytes }, '--r--(t|)', 'ERR_TRUNCATED_BODY'],
    ['resets', { response: '--h--#', bytes }, '--r--(t|)', 'ERR_TRUNCATED_BODY'],
  ])('%s', (_, options, expected, t) => {
    const scheduler = scheduled();
    scheduler.run(({ expectObservable }) => {
      const endpoint = marbleEndpoint(scheduler, options);
      const pool = new HTTPConnectionPool({ scheduler, validateIdle: of(true) });
      const agent = new Agent({ pool, endpoint: () => endpoint });
      const seen = agent.get('http://any.test/').pipe(
        mergeMap(response => of('r').pipe(mergeMap(r => [of(r), codes(response.text())]))),
        mergeMap(part => part),
      );
      expectObservable(codes(seen)).toBe(expected, { r: 'r', t });
    });
  });

  it('answers each request of a connection in the same way', () => {
    const scheduler = scheduled();
    scheduler.run(({ expectObservable, flush }) => {
      const endpoint = marbleEndpoint(scheduler, { dial: '-(c|)', response: '--h-b', bytes });
      const agent = new Agent({ endpoint: () => endpoint, pool: { scheduler, validateIdle: false } });
      const one$ = agent.get('http://any.test/').pipe(text());
      expectObservable(one$.pipe(mergeMap(() => one$))).toBe('---------(t|)', { t: 'hi' });
      flush();
      expect([endpoint.dials, endpoint.requests.length]).toEqual([1, 2]);
    });
  });

  it('a dial is given up with its request', () => {
    const scheduler = scheduled();
    scheduler.run(({ expectObservable, flush }) => {
      const endpoint = marbleEndpoint(scheduler, { dial: '-----(c|)' });
      const agent = new Agent({ endpoint: () => endpoint, pool: { scheduler, validateIdle: false } });
      expectObservable(agent.get('http://any.test/'), '--!').toBe('');
      flush();
      expect([endpoint.dials, endpoint.connections.length]).toEqual([1, 0]);
    });
  });
});

describe('FakeEndpoint', () => {
  it('gives a transport for each dial, answers by a function, and shows what was asked', async () => {
    const endpoint = new FakeEndpoint({ onRequest: ({ path }) => (path === '/1' ? `${head}it` : undefined) });
    expect(() => endpoint.last).toThrow('No connection was made, of 0 dials');
    const agent = new Agent({ endpoint: () => endpoint, pool: { validateIdle: false } });
    const first = record(agent.get('http://any.test/1').pipe(text()));
    await microtasks();
    const second = record(agent.get('http://any.test/2').pipe(map(({ status }) => status)));
    expect([first.values, second.values]).toEqual([['it'], []]);
    endpoint.last.respond('HTTP/1.1 204 No Content\r\n\r\n');
    expect(second.values).toEqual([204]);
    expect(endpoint.requests.map(({ path }) => path)).toEqual(['/1', '/2']);
    expect([endpoint.dials, endpoint.last instanceof FakeTransport]).toEqual([1, true]);
  });
});
