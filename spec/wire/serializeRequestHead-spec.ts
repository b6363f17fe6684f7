import { describe, expect, it } from '@jest/globals';
import { InvalidRequestError } from '../../src/errors/index.js';
import {
  HTTPHeaders,
  declaredLength,
  serializeRequestHead,
  wantsClose,
  wantsUpgrade,
  type HeadersInit,
  type RequestFraming,
  type RequestHead,
} from '../../src/wire/index.js';

type Part = Partial<Omit<RequestHead, 'headers'>> & { readonly headers?: HeadersInit };

const head = ({ headers, ...rest }: Part): RequestHead => ({
  method: 'GET',
  path: '/a?b=c',
  host: 'example.org',
  persistent: true,
  framing: { kind: 'none' },
  headers: HTTPHeaders.from(headers),
  ...rest,
});
const write = (part: Part) => serializeRequestHead(head(part));
const lines = (part: Part) => {
  const text = write(part);
  expect(text.endsWith('\r\n\r\n')).toBe(true);
  return text.slice(0, -4).split('\r\n');
};
const fields = (part: Part) => lines(part).slice(2);
const refusal = (part: Part): string => {
  try {
    write(part);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidRequestError);
    return (error as InvalidRequestError).field;
  }
  throw new Error('was accepted');
};
const length = (octets: number): RequestFraming => ({ kind: 'length', length: octets });
const chunked: RequestFraming = { kind: 'chunked' };

describe('serializeRequestHead', () => {
  it('writes the head, Host first, headers as given', () => {
    expect(write({ headers: { accept: 'a', 'X-Y': ['1', '2'] } })).toBe(
      'GET /a?b=c HTTP/1.1\r\nHost: example.org\r\naccept: a\r\nX-Y: 1\r\nX-Y: 2\r\n\r\n',
    );
  });

  it('writes the same from reused headers', () => {
    const headers = HTTPHeaders.from({ host: 'b', connection: 'x', accept: 'a' });
    expect(write({ headers })).toBe(write({ headers }));
    expect(write({ headers, persistent: false })).not.toBe(write({ headers }));
  });

  it.each<[string, Part, string[]]>([
    ['GET', {}, []],
    ['DELETE', { method: 'DELETE' }, []],
    ['POST without a body', { method: 'POST' }, ['Content-Length: 0']],
    ['PUT without a body', { method: 'PUT' }, ['Content-Length: 0']],
    ['PATCH without a body', { method: 'PATCH' }, ['Content-Length: 0']],
    ['a length', { method: 'POST', framing: length(5) }, ['Content-Length: 5']],
    ['GET with a body', { framing: length(5) }, ['Content-Length: 5']],
    ['GET with an empty body', { framing: length(0) }, ['Content-Length: 0']],
    ['chunks', { method: 'POST', framing: chunked }, ['Transfer-Encoding: chunked']],
    ['a Content-Length that fits', { framing: length(5), headers: { 'content-length': '5' } }, ['Content-Length: 5']],
    [
      'a Content-Length with zeros',
      { framing: length(5), headers: { 'content-length': ' 005 ' } },
      ['Content-Length: 5'],
    ],
    ['Content-Length 0 and no body', { headers: { 'content-length': '0' } }, ['Content-Length: 0']],
    ['close', { persistent: false }, ['Connection: close']],
    ['close by the user', { headers: { connection: 'Close' } }, ['Connection: close']],
    ['close by both', { persistent: false, headers: { Connection: 'close, CLOSE' } }, ['Connection: close']],
    ['close against keep-alive', { persistent: false, headers: { Connection: 'keep-alive' } }, ['Connection: close']],
    ['both by the user', { headers: { Connection: 'keep-alive, close' } }, ['Connection: close']],
    [
      'close beside others',
      { persistent: false, headers: { Connection: 'x-foo, keep-alive, y' } },
      ['Connection: close, x-foo, y'],
    ],
    ['keep-alive', { headers: { Connection: 'keep-alive' } }, ['Connection: keep-alive']],
    ['options in several fields', { headers: { Connection: ['a,, b', 'A ,\tc'] } }, ['Connection: a, b, c']],
    ['an empty Connection', { headers: { Connection: '' } }, []],
    [
      'an upgrade',
      { headers: { Upgrade: 'websocket', Connection: 'Upgrade' } },
      ['Upgrade: websocket', 'Connection: upgrade'],
    ],
    [
      'an upgrade without its option',
      { headers: { Upgrade: 'websocket' } },
      ['Upgrade: websocket', 'Connection: upgrade'],
    ],
    ['TE: trailers', { headers: { TE: 'trailers' } }, ['TE: trailers', 'Connection: te']],
  ])('frames and keeps alive: %s', (_what, part, expected) => {
    expect(fields(part)).toEqual(expected);
  });

  describe('Host', () => {
    it.each(['a', 'a:80', '127.0.0.1:8080', '[::1]', '[::1]:443', 'xn--bcher-kva.example', 'a_b', 'a.', 'a:'])(
      'may be %s',
      host => {
        expect(lines({ host })[1]).toBe(`Host: ${host}`);
        expect(lines({ headers: { hOsT: host } }).slice(1)).toEqual([`Host: ${host}`]);
      },
    );

    it.each([
      '',
      'a b',
      'a@b',
      'a/b',
      'a\\b',
      'a?b',
      'a#b',
      'a:b',
      'a:1:2',
      '[::1',
      '::1',
      '[a]b',
      'b\xfccher',
      'a,\tb',
      '<a>',
      '"a"',
    ])('may not be %j', host => {
      expect(refusal({ host })).toBe('host');
      expect(refusal({ headers: { Host: host } })).toBe('host');
    });

    it.each(['a\r\nX: y', 'a\n', 'a\0', 'a\u010a', undefined, { toString: () => 'a' }])('may not be %j', host => {
      expect(refusal({ host: host as string })).toBe('host');
    });

    it('is there once', () => {
      expect(
        refusal({
          headers: [
            ['Host', 'a'],
            ['host', 'a'],
          ],
        }),
      ).toBe('host');
    });
  });

  it.each<[string, Part, string]>([
    ['Transfer-Encoding', { headers: { 'Transfer-Encoding': 'chunked' }, framing: chunked }, 'transfer-encoding'],
    ['Keep-Alive', { headers: { 'keep-alive': 'timeout=5' } }, 'keep-alive'],
    ['Proxy-Connection', { headers: { 'PROXY-connection': 'close' } }, 'proxy-connection'],
    ['Expect', { headers: { Expect: '100-continue' } }, 'expect'],
    ['Trailer', { headers: { Trailer: 'x' }, framing: chunked }, 'trailer'],
    ['TE: gzip', { headers: { TE: 'gzip' } }, 'te'],
    ['TE: trailers, gzip', { headers: { TE: 'trailers, gzip' } }, 'te'],
    ['TE: trailers;q=1', { headers: { TE: 'trailers;q=1' } }, 'te'],
    ['two Content-Length', { headers: { 'content-length': ['5', '5'] }, framing: length(5) }, 'content-length'],
    ['Content-Length and chunks', { headers: { 'content-length': '5' }, framing: chunked }, 'content-length'],
    ['a wrong Content-Length', { headers: { 'content-length': '4' }, framing: length(5) }, 'content-length'],
    ['a Content-Length without a body', { headers: { 'content-length': '5' } }, 'content-length'],
    [
      'a Content-Length for CONNECT',
      { method: 'CONNECT', path: 'a:1', headers: { 'content-length': '0' } },
      'content-length',
    ],
    ...['', '+5', '-5', '5.0', '0x5', '5_0', '"5"', '5;', '5,5', '5 5', '1e1', 'abc', '9007199254740992', '\xb2'].map(
      (value): [string, Part, string] => [
        `Content-Length ${value}`,
        { headers: { 'content-length': value }, framing: length(5) },
        'content-length',
      ],
    ),
    ...['a b', 'a;b', 'a=b', '"close"', '\xe9'].map((value): [string, Part, string] => [
      `Connection ${value}`,
      { headers: { Connection: value } },
      'connection',
    ]),
    ...[-1, 1.5, NaN, Infinity, 2 ** 53].map((octets): [string, Part, string] => [
      `a length of ${octets}`,
      { framing: length(octets) },
      'body',
    ]),
    ['CONNECT with a body', { method: 'CONNECT', path: 'a:1', framing: length(1) }, 'body'],
    ['TRACE with a body', { method: 'TRACE', framing: chunked }, 'body'],
  ])('refuses %s', (_what, part, field) => {
    expect(refusal(part)).toBe(field);
  });

  describe('method', () => {
    it.each(['GET', 'get', 'M-SEARCH', 'PROPFIND', "!#$%&'*+-.^_`|~09"])('may be %s', method => {
      expect(lines({ method })[0]).toBe(`${method} /a?b=c HTTP/1.1`);
    });

    it.each([
      '',
      ' ',
      'GET ',
      'GE T',
      'GET\r\nX: y',
      'GET\0',
      'G\xc9T',
      'GET\u010a',
      'GET/',
      'GET:',
      undefined,
      { toString: () => 'GET' },
    ])('may not be %j', method => {
      expect(refusal({ method: method as string })).toBe('method');
    });
  });

  describe('target', () => {
    it.each(['/', '//a', '/?', '/a%20b', `/!"$%&'()*+,-./:;<=>?@[\\]^_\`{|}~`])('may be %s', path => {
      expect(lines({ path })[0]).toBe(`GET ${path} HTTP/1.1`);
    });

    it.each([
      '',
      'a',
      '*',
      '?a',
      '/a b',
      '/a#b',
      '/#',
      '/\r\n',
      '/\t',
      '/\0',
      '/\x7f',
      '/\xe9',
      '/\u010a',
      '/\u{1f600}',
      'http://a/',
      'a:80',
      undefined,
      ['/'],
    ])('may not be %j', path => {
      expect(refusal({ path: path as string })).toBe('path');
    });

    it('is * for OPTIONS only', () => {
      expect(lines({ method: 'OPTIONS', path: '*' })[0]).toBe('OPTIONS * HTTP/1.1');
      expect(refusal({ method: 'OPTIONS', path: '*/' })).toBe('path');
    });

    it('is host:port for CONNECT', () => {
      for (const path of ['a:443', '[::1]:443']) {
        expect(lines({ method: 'CONNECT', path })[0]).toBe(`CONNECT ${path} HTTP/1.1`);
      }
      for (const path of ['/', 'a', 'a:', 'a:b', 'u@a:1', 'a:1/', 'http://a:1', 'a:1\r\n']) {
        expect(refusal({ method: 'CONNECT', path })).toBe('path');
      }
    });

    it('is a URL only for proxies', () => {
      for (const path of ['http://a', 'HTTPS://a:1/b?c', 'http://[::1]/', 'http://a?b']) {
        expect(lines({ path, absoluteForm: true })[0]).toBe(`GET ${path} HTTP/1.1`);
      }
      for (const path of [
        'ftp://a/',
        'http:/a',
        'http://',
        'http:///a',
        'http://u:p@a/',
        'http://a/#b',
        'http://a/ b',
        'http://a\r\n',
        'a',
      ]) {
        expect(refusal({ path, absoluteForm: true })).toBe('path');
      }
    });
  });

  it('tells what the user declared', () => {
    const of = (init: HeadersInit) => {
      const headers = HTTPHeaders.from(init);
      return [declaredLength(headers), wantsClose(headers), wantsUpgrade(headers)];
    };
    expect(of({ accept: 'a' })).toEqual([undefined, false, false]);
    expect(of({ 'CONTENT-length': '7', connection: 'x, close', upgrade: 'h' })).toEqual([7, true, true]);
    expect(of({ connection: 'xclose, upgrade' })).toEqual([undefined, false, false]);
    expect(() => declaredLength(HTTPHeaders.from({ 'content-length': 'x' }))).toThrow(InvalidRequestError);
  });
});
