import { describe, expect, it } from '@jest/globals';
import { InvalidRequestError } from '../../src/errors/index.js';
import {
  HTTPHeaders,
  declaredLength,
  serializeRequestHead,
  wantsClose,
  wantsUpgrade,
  type HTTPHeadersInit,
  type RequestHead,
} from '../../src/wire/index.js';

type Part = Partial<Omit<RequestHead, 'headers'>> & { readonly headers?: HTTPHeadersInit };

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

// What may be in a request, and what not, is told row by row in spec/conformance/tables/requests.ts.
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

  it.each<[string, HTTPHeadersInit, string]>([
    ['nothing', {}, 'Connection: close'],
    ['close', { Connection: 'close, CLOSE' }, 'Connection: close'],
    ['keep-alive', { Connection: 'keep-alive' }, 'Connection: close'],
    ['others', { Connection: 'x-foo, keep-alive, y' }, 'Connection: close, x-foo, y'],
  ])('says close of a connection that is not persistent, beside %s', (_what, headers, field) => {
    expect(fields({ persistent: false, headers })).toEqual([field]);
  });

  it.each(['a', '[::1]:443'])('takes the host %s where no header says one', host => {
    expect(lines({ host })[1]).toBe(`Host: ${host}`);
  });

  it.each(['', 'a b', 'a\r\nX: y', 'a\n', 'a\0', 'a\u010a', 'u@a', undefined, { toString: () => 'a' }])(
    'refuses the host %j',
    host => {
      expect(refusal({ host: host as string })).toBe('host');
    },
  );

  it.each([-1, 1.5, NaN, Infinity, 2 ** 53])('refuses a length of %s', octets => {
    expect(refusal({ framing: { kind: 'length', length: octets } })).toBe('body');
  });

  it('refuses a method and a path that are missing', () => {
    expect(refusal({ method: undefined })).toBe('method');
    expect(refusal({ path: undefined })).toBe('path');
    // It could be one thing to the check and another to the wire.
    expect(refusal({ path: { toString: () => '/' } as unknown as string })).toBe('path');
  });

  it.each(['CONNECT', 'TRACE'])('refuses a body of %s', method => {
    const path = method === 'CONNECT' ? 'a:1' : '/';
    expect(lines({ method, path })[0]).toBe(`${method} ${path} HTTP/1.1`);
    expect(refusal({ method, path, framing: { kind: 'chunked' } })).toBe('body');
    expect(refusal({ method, path, framing: { kind: 'length', length: 0 } })).toBe('body');
  });

  it('refuses a Content-Length that is not the length of the body, or beside chunks', () => {
    const headers = { 'Content-Length': '5' };
    expect(refusal({ method: 'POST', headers, framing: { kind: 'chunked' } })).toBe('content-length');
    expect(refusal({ method: 'POST', headers, framing: { kind: 'length', length: 4 } })).toBe('content-length');
    expect(fields({ method: 'POST', headers, framing: { kind: 'length', length: 5 } })).toEqual(['Content-Length: 5']);
  });

  it('takes a URL as the target for proxies only', () => {
    for (const path of ['http://a', 'HTTPS://a:1/b?c', 'http://[::1]/', 'http://a?b']) {
      expect(lines({ path, absoluteForm: true })[0]).toBe(`GET ${path} HTTP/1.1`);
      expect(refusal({ path })).toBe('path');
    }
    const wrong = ['ftp://a/', 'http:/a', 'http://', 'http:///a', 'http://u:p@a/', 'http://a/#b', 'http://a/ b', 'a'];
    for (const path of [...wrong, 'http://a\r\n']) expect(refusal({ path, absoluteForm: true })).toBe('path');
  });

  it('sends Proxy-Authorization to proxies only, however it is spelt', () => {
    for (const name of ['Proxy-Authorization', 'proxy-authorization', 'PROXY-AUTHORIZATION']) {
      const headers = HTTPHeaders.from({ A: '1', [name]: 'Basic dTpw' });
      expect(lines({ headers })).toEqual(lines({ headers: headers.without(name) }));
      expect(lines({ headers, absoluteForm: true })).not.toContain(`${name}: Basic dTpw`);
      expect(lines({ headers, path: '*', method: 'OPTIONS', absoluteForm: true })).not.toContain(`${name}: Basic dTpw`);
      expect(lines({ headers, path: 'http://a/', absoluteForm: true })).toContain(`${name}: Basic dTpw`);
      expect(lines({ headers, path: 'a:1', method: 'CONNECT' })).toContain(`${name}: Basic dTpw`);
    }
  });

  it('tells what the user declared', () => {
    const of = (init: HTTPHeadersInit) => {
      const headers = HTTPHeaders.from(init);
      return [declaredLength(headers), wantsClose(headers), wantsUpgrade(headers)];
    };
    expect(of({ accept: 'a' })).toEqual([undefined, false, false]);
    expect(of({ 'CONTENT-length': '7', connection: 'x, close', upgrade: 'h' })).toEqual([7, true, true]);
    expect(of({ connection: 'xclose, upgrade' })).toEqual([undefined, false, false]);
    expect(() => declaredLength(HTTPHeaders.from({ 'content-length': 'x' }))).toThrow(InvalidRequestError);
  });
});
