import type { HTTPHeadersInit } from '../../src/wire/index.js';
import type { Random } from './Random.js';

/** A request as somebody may ask for it, in order or not. */
export interface RequestPlay {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly persistent: boolean;
  readonly absoluteForm: boolean;
  /** Pairs, whatever shape they are given in. Names and values that are no strings are a caller's mistake. */
  readonly fields: readonly (readonly [name: string, value: unknown])[];
  readonly shape: 'pairs' | 'record' | 'map' | 'fetch' | 'HTTPHeaders';
  readonly body: PlayedBody;
}

export interface PlayedBody {
  readonly kind: 'none' | 'bytes' | 'factory' | 'iterable' | 'observable' | 'junk';
  /** One character an octet. */
  readonly chunks: readonly string[];
}

const letters = [
  ...[
    'a',
    'Z',
    '0',
    '/',
    '?',
    '=',
    '&',
    '.',
    '-',
    '_',
    '~',
    '!',
    '*',
    '(',
    "'",
    '%',
    '%0d%0a',
    '@',
    ':',
    '[',
    ']',
    '{',
    '|',
  ],
  ...[
    '"',
    '\\',
    '^',
    '`',
    '<',
    '#',
    ' ',
    '\t',
    '\r',
    '\n',
    '\r\n',
    '\0',
    '\x0b',
    '\x1f',
    '\x7f',
    '\x80',
    '\xa0',
    '\xff',
    '\u010a',
  ],
  ...[
    '\u010d',
    '\u0120',
    '\u2028',
    '\ud83d\ude00',
    '\ud800',
    ',',
    ';',
    'X: y',
    'GET / HTTP/1.1',
    '\r\n\r\n',
    'Host: b',
  ],
];
const harmless = letters.slice(0, 22);

const methods = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PATCH',
  'QUERY',
  'PROPFIND',
  'X-OWN',
  'get',
];
const paths = [
  '/',
  '/a?b=c',
  '/%20',
  '*',
  'example.test:443',
  'http://example.test/a',
  'https://[::1]:8/?x',
  '//a',
  '/"<>\\^`{|}',
  '/a#b',
];
const hosts = [
  'example.test',
  'example.test:8080',
  '[::1]:80',
  '127.0.0.1',
  'a_b',
  'a:',
  '',
  'a b',
  'a/b',
  'u@a',
  '[::1',
  'é',
  'a:80x',
  'a\r\nX: y',
];
const names = [
  ...[
    'X-A',
    'Accept',
    'accept',
    'Cookie',
    'x_b',
    '5',
    "!#$%&'*+-.^_`|~",
    '__proto__',
    'constructor',
    'Set-Cookie',
    'Date',
  ],
  ...[
    'Host',
    'host',
    'Content-Length',
    'content-length',
    'Transfer-Encoding',
    'Connection',
    'connection',
    'TE',
    'Upgrade',
  ],
  ...[
    'Keep-Alive',
    'Proxy-Connection',
    'Expect',
    'Trailer',
    'X A',
    'X:',
    '',
    ' X',
    'X\t',
    'X\0',
    'X\r\nY',
    'é',
    '(',
    'X-\u010a',
  ],
];
const values = [
  ...[
    '',
    'b',
    ' b ',
    '\tb\t',
    'a, b',
    '"q\\""',
    '\xe9\xff',
    'trailers',
    'gzip',
    'close',
    'keep-alive',
    'Close, x',
    'x, X',
    ',',
    'a b',
  ],
  ...[
    'upgrade',
    'websocket',
    '0',
    '5',
    '05',
    '5, 5',
    '-1',
    '1e1',
    '9007199254740993',
    'example.test',
    'chunked',
    '100-continue',
    '\xa0',
  ],
  ...['a\r\nb: c', 'a\rb', 'a\nb', 'a\0b', '\x7f', '\u010a', '\u2028', undefined, null, 5, {}, ['b', 'c']],
];
const pieces = ['', 'a', 'hello', '\0\xff', '\r\n0\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', 'x'.repeat(300)];
const shapes = ['pairs', 'record', 'map', 'fetch', 'HTTPHeaders'] as const;
const kinds = ['none', 'none', 'bytes', 'bytes', 'factory', 'iterable', 'observable'] as const;

/** A request in which mostly everything is in order, and often one thing is not. */
export function randomRequest(random: Random): RequestPlay {
  const wrong = random.pick([4, 30, 1_000]);
  const noise = (): string => {
    const list = random.oneIn(3) ? letters : harmless;
    return Array.from({ length: random.below(6) }, () => random.pick(list)).join('');
  };
  const part = (list: readonly string[], fine: number, begin = ''): string => {
    if (!random.oneIn(wrong))
      return random.oneIn(4) ? begin + noise().replace(/[^!"$-~]/g, '') : random.pick(list.slice(0, fine));
    return random.oneIn(2) ? random.pick(list) : (random.oneIn(2) ? begin : '') + noise();
  };
  const method = random.oneIn(wrong) ? noise() : random.pick(methods);
  const kind: PlayedBody['kind'] = random.oneIn(wrong * 4) ? 'junk' : random.pick(kinds);
  const count = kind === 'none' || kind === 'junk' ? 0 : random.below(4);
  const body = { kind, chunks: Array.from({ length: count }, () => random.pick(pieces)) };
  const fields: [string, unknown][] = [];
  for (let n = random.below(5); n > 0; n--) {
    const name = random.oneIn(wrong)
      ? random.oneIn(2)
        ? random.pick(names)
        : noise()
      : random.pick(names.slice(0, 11));
    const value = random.oneIn(wrong)
      ? random.oneIn(2)
        ? random.pick(values)
        : noise()
      : random.pick(values.slice(0, 7));
    fields.push([name, value]);
  }
  if (random.oneIn(4)) {
    const off = random.oneIn(8) ? random.pick([1, -1]) : 0;
    fields.push(['Content-Length', String(body.chunks.join('').length + off)]);
  }
  if (random.oneIn(4))
    fields.push([random.pick(['Connection', 'TE', 'Upgrade', 'Host']), random.pick(values.slice(0, 18))]);
  if (fields.length > 0 && random.oneIn(12)) fields.push(random.pick(fields));
  return {
    method,
    path: method === 'CONNECT' && !random.oneIn(wrong) ? 'example.test:443' : part(paths, 3, '/'),
    host: random.oneIn(wrong) ? (random.oneIn(2) ? noise() : random.pick(hosts)) : random.pick(hosts.slice(0, 6)),
    persistent: !random.oneIn(4),
    absoluteForm: random.oneIn(4),
    fields,
    shape: random.pick(shapes),
    body,
  };
}

/** The fields in their shape; null if that shape itself refuses them. */
export function headersIn(
  { shape, fields }: RequestPlay,
  from: (init: HTTPHeadersInit) => HTTPHeadersInit,
): HTTPHeadersInit | null {
  switch (shape) {
    case 'pairs':
      return fields as HTTPHeadersInit;
    case 'map':
      return new Map(fields) as unknown as HTTPHeadersInit;
    case 'record':
      return Object.fromEntries(fields) as HTTPHeadersInit;
    case 'HTTPHeaders':
      return from(fields as HTTPHeadersInit);
    case 'fetch':
      try {
        return new Headers(fields as [string, string][]);
      } catch {
        return null;
      }
  }
}

/** What is asked for once it is in its shape: a Map keeps the last of a name, a record sorts numbers, fetch joins. */
export function pairsOf(headers: HTTPHeadersInit): [unknown, unknown][] {
  if (Symbol.iterator in headers) return [...(headers as Iterable<[unknown, unknown]>)];
  return Object.entries(headers as Record<string, unknown>).flatMap(([name, value]): [unknown, unknown][] =>
    Array.isArray(value) ? value.map(each => [name, each]) : value === undefined ? [] : [[name, value]],
  );
}
