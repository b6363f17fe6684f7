import { describe, expect, it } from '@jest/globals';
import { map, mergeMap } from 'rxjs';
import { Agent, HTTPRequest, type HTTPInterceptor } from '../../src/agent/index.js';
import { InvalidOptionError } from '../../src/errors/index.js';
import { discard, json, text } from '../../src/operators/index.js';
import { HTTPConnectionPool } from '../../src/pool/index.js';
import { HTTP11ClientProtocol, type ProtocolFactory, type ProtocolResponse } from '../../src/protocol/index.js';
import { answer, chunkedHead, chunk, openAgent, record } from '../support/index.js';

const url = 'http://example.test/';

describe('HTTPRequest.with', () => {
  const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString('base64')}`;
  const request = new HTTPRequest({ url: 'http://alice:secret@example.test/', method: 'POST', body: 'x' });

  it('another URL: the credentials of the old one are not for it', () => {
    expect(request.headers.get('authorization')).toBe(basic('alice:secret'));
    expect(request.with({ url: 'http://other.test/' }).headers.has('authorization')).toBe(false);
    expect(request.with({ url: 'http://bob:pw@other.test/' }).headers.get('authorization')).toBe(basic('bob:pw'));
  });

  it('another URL: not for it either, if it is a copy that is asked', () => {
    const copies = [
      request.with({}),
      request.with({ method: 'PUT' }).with({ headers: { A: 'b' } }),
      request.with({ query: { a: 'b' } }),
      request.with({ url: 'http://alice:secret@example.test/' }),
      request.with({ url: 'http://bob:secret@example.test/' }).with({}),
    ];
    for (const copy of copies) {
      expect(copy.headers.get('authorization')).toMatch(/^Basic /);
      expect(copy.with({ url: 'http://other.test/' }).headers.has('authorization')).toBe(false);
    }
  });

  it('takes headers away, and then adds some', () => {
    const given = new HTTPRequest({ url, headers: { A: '1', b: '2', C: '3' } });
    expect([...given.with({ without: ['a', 'B', 'none'] }).headers]).toEqual([['C', '3']]);
    expect([...given.with({ without: ['a'], headers: { A: '4' } }).headers]).toEqual([
      ['b', '2'],
      ['C', '3'],
      ['A', '4'],
    ]);
    expect([...given.headers]).toHaveLength(3);
    expect(() => given.with({ without: 'a' as never })).toThrow(expect.objectContaining({ option: 'without' }));
  });

  it('another URL: an Authorization of its own is kept', () => {
    const explicit = new HTTPRequest({
      url: 'http://alice:secret@example.test/',
      headers: { Authorization: 'Bearer t' },
    });
    expect(explicit.with({ url: 'http://other.test/' }).headers.get('authorization')).toBe('Bearer t');
    const given = request.with({ url: 'http://other.test/', headers: { Authorization: 'Bearer t' } });
    expect(given.headers.get('authorization')).toBe('Bearer t');
  });

  it('the same URL: its credentials stay', () => {
    expect(request.with({ method: 'PUT' }).headers.get('authorization')).toBe(basic('alice:secret'));
  });

  it('what is undefined changes nothing', () => {
    const nothing = { method: undefined, url: undefined, body: undefined, json: undefined, headers: undefined };
    const copy = request.with(nothing);
    expect([copy.method, copy.url, copy.body]).toEqual([request.method, request.url, request.body]);
    expect([...copy.headers]).toEqual([...request.headers]);
  });
});

describe('An error of a body', () => {
  it('says which request it is about, be it lost before or after somebody reads', () => {
    for (const when of ['before', 'after']) {
      const { agent, transports } = openAgent();
      const { values } = record(agent.get(`${url}path`));
      transports[0].respond(answer('hello').slice(0, -1));
      const early = when === 'after' ? record(values[0].text()) : undefined;
      transports[0].reset();
      const { error } = early ?? record(values[0].text());
      const request = { method: 'GET', url: `${url}path` };
      expect(error).toMatchObject({ code: 'ERR_TRUNCATED_BODY', request });
      expect((error as Error).message).toMatch(/^GET http:\/\/example\.test\/path: /);
      expect(record(values[0].text()).error).toMatchObject({ code: 'ERR_BODY_USED', request });
    }
  });
});

describe('An error of a body that came with its head', () => {
  it('says which request it is about', () => {
    const { agent, transports } = openAgent();
    const { values } = record(agent.get(url));
    transports[0].respond(`${chunkedHead}no chunk`);
    expect(record(values[0].text()).error).toMatchObject({ code: 'ERR_PARSE', request: { method: 'GET', url } });
  });
});

describe('Agent.extend', () => {
  it('merges headers field by field', () => {
    const { agent, transports } = openAgent({ headers: { 'X-A': 'base', 'X-B': 'base' } });
    record(agent.extend({ headers: { 'x-b': 'own', 'X-C': 'own' } }).get(url));
    const fields = Object.fromEntries(transports[0].requests[0].headers);
    expect(fields).toMatchObject({ 'x-a': 'base', 'x-b': 'own', 'x-c': 'own' });
  });

  it('merges timeouts one by one', () => {
    const { agent, clock } = openAgent({ timeouts: { total: 500, headers: 400 } });
    const seen = record(agent.extend({ timeouts: { headers: 1_000 } }).get(url));
    clock.advance(499);
    expect(seen.terminals).toBe(0);
    clock.advance(10);
    expect(seen.error).toMatchObject({ code: 'ERR_TOTAL_TIMEOUT' });
  });

  it('adds interceptors inside its own', () => {
    const log: string[] = [];
    const logs =
      (name: string): HTTPInterceptor =>
      (request, next) => {
        log.push(name);
        return next(request);
      };
    const { agent } = openAgent({ interceptors: [logs('outer')] });
    record(agent.extend({ interceptors: [logs('inner')] }).get(url));
    expect(log).toEqual(['outer', 'inner']);
  });

  it('shares the pool, also where undefined is given for one, and keeps what else is given as undefined', () => {
    const { agent, transports } = openAgent({ baseURL: 'http://example.test/below/', headers: { 'X-A': 'base' } });
    const names = ['pool', 'baseURL', 'headers', 'timeouts', 'interceptors', 'connect', 'key', 'endpoint'];
    const same = agent.extend(Object.fromEntries(names.map(name => [name, undefined])));
    expect(same.pool).toBe(agent.pool);
    record(same.get('path'));
    const [{ path, headers }] = transports[0].requests;
    expect([path, Object.fromEntries(headers)]).toEqual(['/below/path', expect.objectContaining({ 'x-a': 'base' })]);
    const pool = new HTTPConnectionPool();
    expect(agent.extend({ pool }).pool).toBe(pool);
  });
});

describe('options of the wrong type', () => {
  const agents: [name: string, value: unknown][] = [
    ...[1, 'x', {}].flatMap((value): [string, unknown][] => [
      ['key', value],
      ['endpoint', value],
    ]),
    ...[5, 'x', null, true].flatMap((value): [string, unknown][] => [
      ['connect', value],
      ['timeouts', value],
      ['pool', value],
    ]),
  ];
  it.each(agents)('agent, %s: %p', (name, value) => {
    expect(() => new Agent({ [name]: value })).toThrow(InvalidOptionError);
    expect(() => new Agent().extend({ [name]: value })).toThrow(InvalidOptionError);
  });

  const pools: [name: string, value: unknown][] = [
    ['protocolFactory', 1],
    ['protocolFactory', {}],
    ['scheduler', {}],
    ['scheduler', 1],
    ['scheduler', { now: () => 0 }],
    ['limits', 5],
    ['limits', 'x'],
    ['limits', null],
  ];
  it.each(pools)('pool, %s: %p', (name, value) => {
    expect(() => new HTTPConnectionPool({ [name]: value })).toThrow(InvalidOptionError);
  });
});

describe('a protocol whose responses are plain objects', () => {
  const protocolFactory: ProtocolFactory = (transport, context) => {
    const connection = new HTTP11ClientProtocol(transport, context);
    const request = connection.request.bind(connection);
    connection.request = init =>
      request(init).pipe(
        map((response): ProtocolResponse => {
          const { status, statusText, ok, httpVersion, headers, body, trailers, timings, upgrade } = response;
          return {
            ...{ status, statusText, ok, httpVersion, headers, body, trailers, timings, upgrade },
            text: () => response.text(),
            json: <T>() => response.json<T>(),
            bytes: () => response.bytes(),
            discard: () => response.discard(),
          };
        }),
      );
    return connection;
  };

  it.each([
    ['text', text(), '[1]'],
    ['json', json(), [1]],
    ['discard', discard(), undefined],
  ] as const)('%s works', (_name, operator, value) => {
    const { agent, transports } = openAgent({ pool: { protocolFactory } });
    const seen = record(agent.get(url).pipe(operator as ReturnType<typeof json>));
    transports[0].respond(answer('[1]'));
    expect(seen.error).toBeUndefined();
    expect(seen.completed).toBe(true);
    expect(seen.values.at(-1)).toEqual(value);
  });

  it('its errors are told as they are', () => {
    const { agent, transports } = openAgent({ pool: { protocolFactory } });
    const seen = record(agent.get(url).pipe(mergeMap(response => response.body)));
    transports[0].respond(answer('hello').slice(0, -2));
    transports[0].reset();
    expect(seen.outcome).toBe('TruncatedBodyError');
    expect(seen.terminals).toBe(1);
  });
});

describe('the last chunk of a body', () => {
  it.each([
    ['of known length', answer('hello')],
    ['chunked', `${chunkedHead}${chunk('he')}${chunk('llo')}0\r\n\r\n`],
  ])('%s: a get from inside its next has the connection', (_name, all) => {
    const { agent, transports } = openAgent();
    let body = '';
    const again: unknown[] = [];
    agent
      .get(url)
      .pipe(mergeMap(response => response.body))
      .subscribe(bytes => {
        body += Buffer.from(bytes).toString('latin1');
        if (body === 'hello') again.push(record(agent.get(url)));
      });
    const split = all.indexOf('llo') - (all.includes('3\r\nllo') ? 3 : 0);
    transports[0].respond(all.slice(0, split));
    transports[0].respond(all.slice(split));
    expect(again).toHaveLength(1);
    expect(transports).toHaveLength(1);
    expect(transports[0].requests).toHaveLength(2);
  });
});
