import { of } from 'rxjs';
import type { ProtocolRequest } from '../../../src/protocol/index.js';

/** A request, whose headers are pairs: every other form that headers can be given in is derived from them. */
export interface Asked extends Omit<ProtocolRequest, 'path' | 'headers'> {
  /** Default `/a?b=c`. */
  readonly path?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** What goes on the wire: the request line, the Host, the other field lines, the body in its framing. */
export interface Sent {
  readonly line?: string;
  readonly host?: string;
  readonly fields?: readonly string[];
  readonly body?: string;
}

/**
 * `sent`; or `refused`, naming the field at fault, with nothing written; or `broken`: the head is out and the body is not
 * what it announces, so that the connection is destroyed before the server can take it for whole.
 */
export type Outcome =
  { readonly sent: Sent } | { readonly refused: string } | { readonly broken: 'BodyLengthMismatchError' };

export type RequestRow = readonly [rule: string, what: string, request: Asked, expected: Outcome];

const refused = (field: string): Outcome => ({ refused: field });
const sent = (...fields: readonly string[]): Outcome => ({ sent: { fields } });
const header = (name: string, value: unknown) => ({ headers: [[name, value as string]] as const });
const stream = (...parts: string[]) => ({ method: 'POST', body: () => of(...parts) });
const each = <T>(values: readonly T[], row: (value: T) => RequestRow): RequestRow[] => values.map(row);
const quote = (text: unknown): string => JSON.stringify(text) ?? String(text);
const objects = [undefined, 1, { toString: () => 'a' }] as unknown as string[];

/** What undici was seen to refuse, or to take. */
const injections: readonly RequestRow[] = [
  ['CR in a value', '', header('X', 'a\rb'), refused('X')],
  ['LF in a value', '', header('X', 'a\nb'), refused('X')],
  ['CRLF in a value', '', header('X', 'a\r\nY: b'), refused('X')],
  ['NUL in a value', '', header('X', 'a\0b'), refused('X')],
  ['U+010D in a value', '', header('X', 'a\u010db'), refused('X')],
  ['space in a name', '', header('X Y', 'a'), refused('X Y')],
  ['colon in a name', '', header('X:', 'a'), refused('X:')],
  ['empty name', '', header('', 'a'), refused('')],
  ['U+0130 in a name', '', header('X\u0130', 'a'), refused('X\u0130')],
  ['CRLF in the path', '', { path: '/a\r\nX: y' }, refused('path')],
  ['space in the path', '', { path: '/a b' }, refused('path')],
  ['U+010A in the path', '', { path: '/a\u010ab' }, refused('path')],
  ['empty path', '', { path: '' }, refused('path')],
  ['CRLF in the method', '', { method: 'GET\r\nX: y' }, refused('method')],
  ['space in the method', '', { method: 'GE T' }, refused('method')],
  ['CRLF in Host', '', header('Host', 'a\r\nX: y'), refused('Host')],
  ['CRLF in upgrade', '', header('Upgrade', 'a\r\nX: y'), refused('Upgrade')],
  [
    'duplicate Host',
    '',
    {
      headers: [
        ['Host', 'a'],
        ['host', 'a'],
      ],
    },
    refused('host'),
  ],
  [
    'duplicate CL',
    '',
    {
      method: 'POST',
      body: 'hello',
      headers: [
        ['Content-Length', '5'],
        ['content-length', '5'],
      ],
    },
    refused('content-length'),
  ],
  [
    'duplicate CL',
    'of one case',
    {
      method: 'POST',
      body: 'hello',
      headers: [
        ['content-length', '5'],
        ['content-length', '5'],
      ],
    },
    refused('content-length'),
  ],
  [
    'transfer-encoding header',
    '',
    { ...stream('a'), ...header('Transfer-Encoding', 'chunked') },
    refused('transfer-encoding'),
  ],
  ['keep-alive header', '', header('keep-alive', 'timeout=5'), refused('keep-alive')],
  // undici refuses it as a header; here it is how an upgrade is offered.
  ['upgrade header', '', header('Upgrade', 'websocket'), sent('Upgrade: websocket', 'Connection: upgrade')],
  ...each(objects, (value): RequestRow => ['object header value', typeof value, header('X', value), refused('X')]),
  ['expect header', '', { ...stream('a'), ...header('Expect', '100-continue') }, refused('expect')],
  [
    'CL is not the body',
    '',
    { method: 'POST', body: 'hello', ...header('Content-Length', '4') },
    refused('content-length'),
  ],
  // These undici takes, and sends as they are or drops in silence.
  ['#fragment in the path', '', { path: '/a#b' }, refused('path')],
  [
    '//evil.com/x as the path',
    'is a path like any other',
    { path: '//evil.com/x' },
    { sent: { line: 'GET //evil.com/x' } },
  ],
  ['http://evil.com/x as the path', '', { path: 'http://evil.com/x' }, refused('path')],
  ['method get', 'case matters', { method: 'get' }, { sent: { line: 'get /a?b=c' } }],
  ['arbitrary Host', '', header('Host', 'evil.com:1'), { sent: { host: 'evil.com:1' } }],
  ['arbitrary Host', 'but a host', header('Host', 'a@evil.com'), refused('host')],
  ['Connection: x-foo', 'is sent', header('Connection', 'x-foo'), sent('Connection: x-foo')],
  ['content-length: 5 without a body', '', header('content-length', '5'), refused('content-length')],
];

const framings: readonly RequestRow[] = [
  ['S2', 'GET', {}, sent()],
  ['S2', 'DELETE', { method: 'DELETE' }, { sent: { line: 'DELETE /a?b=c' } }],
  ...each(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'QUERY', 'X'], (method): RequestRow => [
    'S2',
    `${method} with a body`,
    { method, body: 'hello' },
    { sent: { line: `${method} /a?b=c`, fields: ['Content-Length: 5'], body: 'hello' } },
  ]),
  ['S2', 'GET with an empty body', { body: '' }, sent('Content-Length: 0')],
  [
    'S2',
    'a stream',
    stream('hello', '', 'you'),
    {
      sent: {
        line: 'POST /a?b=c',
        fields: ['Transfer-Encoding: chunked'],
        body: '5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n',
      },
    },
  ],
  [
    'S2',
    'an empty stream',
    stream(),
    { sent: { line: 'POST /a?b=c', fields: ['Transfer-Encoding: chunked'], body: '0\r\n\r\n' } },
  ],
  ['S2', 'CONNECT with a body', { method: 'CONNECT', path: 'a:1', body: 'x' }, refused('body')],
  ['S2', 'TRACE with a body', { method: 'TRACE', body: 'x' }, refused('body')],
  [
    'S3',
    'a stream that declares its length is not chunked',
    { ...stream('hello'), ...header('Content-Length', '5') },
    { sent: { line: 'POST /a?b=c', fields: ['Content-Length: 5'], body: 'hello' } },
  ],
  [
    'S3',
    'a header of each',
    {
      method: 'POST',
      body: 'hello',
      headers: [
        ['Content-Length', '5'],
        ['Transfer-Encoding', 'chunked'],
      ],
    },
    refused('transfer-encoding'),
  ],
  ...each(
    ['', '+5', '-1', '-5', '5.0', '0x5', '5_0', '"5"', '5;', '5,5', '5 5', '1e1', 'abc', '9007199254740992', '\xb2'],
    (value): RequestRow => [
      'S4',
      quote(value),
      { method: 'POST', body: 'hello', ...header('content-length', value) },
      refused('content-length'),
    ],
  ),
  [
    'S4',
    'zeros and white space',
    { body: 'hello', ...header('content-length', ' 005 ') },
    { sent: { fields: ['Content-Length: 5'], body: 'hello' } },
  ],
  ['S4', '0 without a body', header('content-length', '0'), sent('Content-Length: 0')],
  ['S4', 'CONNECT', { method: 'CONNECT', path: 'a:1', ...header('content-length', '0') }, refused('content-length')],
  ['S6', 'bytes, not characters', { body: 'h\xe9' }, { sent: { fields: ['Content-Length: 3'], body: 'h\xc3\xa9' } }],
  [
    'S6',
    'a shorter stream',
    { ...stream('hell'), ...header('Content-Length', '5') },
    { broken: 'BodyLengthMismatchError' },
  ],
  [
    'S6',
    'a longer stream',
    { ...stream('hello', '!'), ...header('Content-Length', '5') },
    { broken: 'BodyLengthMismatchError' },
  ],
  [
    'S6',
    'a longer chunk',
    { ...stream('hello!'), ...header('Content-Length', '5') },
    { broken: 'BodyLengthMismatchError' },
  ],
  ['S6', 'an empty stream', { ...stream(), ...header('Content-Length', '5') }, { broken: 'BodyLengthMismatchError' }],
  ...each(['chunked', 'gzip', 'gzip, chunked', 'identity', ''], (value): RequestRow => [
    'S7',
    quote(value),
    { ...stream('a'), ...header('Transfer-Encoding', value) },
    refused('transfer-encoding'),
  ]),
  ['S7', 'TE: gzip', header('TE', 'gzip'), refused('te')],
  ['S7', 'TE: trailers, gzip', header('TE', 'trailers, gzip'), refused('te')],
  ['S7', 'TE: trailers;q=1', header('TE', 'trailers;q=1'), refused('te')],
  ['S7', 'Trailer', { ...stream('a'), ...header('Trailer', 'x') }, refused('trailer')],
  ...each(['POST', 'PUT', 'PATCH'], (method): RequestRow => [
    'S9',
    method,
    { method },
    { sent: { line: `${method} /a?b=c`, fields: ['Content-Length: 0'] } },
  ]),
];

const heads: readonly RequestRow[] = [
  [
    'S1',
    'in order and as given',
    {
      headers: [
        ['accept', 'a'],
        ['X-Y', '1'],
        ['X-Y', '2'],
      ],
    },
    sent('accept: a', 'X-Y: 1', 'X-Y: 2'),
  ],
  ...each(['GET', 'get', 'M-SEARCH', "!#$%&'*+-.^_`|~09"], (method): RequestRow => [
    'S1',
    `method ${method}`,
    { method },
    { sent: { line: `${method} /a?b=c` } },
  ]),
  ...each(['', ' ', 'GET ', 'G\xc9T', 'GET\u010a', 'GET/', 'GET:', ...objects.slice(1)], (method): RequestRow => [
    'S1',
    `method ${quote(method)}`,
    { method },
    refused('method'),
  ]),
  ...each(['/', '//a', '/?', '/a%20b', `/!"$%&'()*+,-./:;<=>?@[\\]^_\`{|}~`], (path): RequestRow => [
    'S1',
    `path ${path}`,
    { path },
    { sent: { line: `GET ${path}` } },
  ]),
  ...each(
    ['a', '*', '?a', '/#', '/\t', '/\x7f', '/\xe9', '/\u{1f600}', 'a:80', '\\\\evil', ...objects.slice(1)],
    (path): RequestRow => ['S1', `path ${quote(path)}`, { path }, refused('path')],
  ),
  ['S1', '* of OPTIONS', { method: 'OPTIONS', path: '*' }, { sent: { line: 'OPTIONS *' } }],
  ['S1', '*/ of OPTIONS', { method: 'OPTIONS', path: '*/' }, refused('path')],
  ...each(['a:443', '[::1]:443'], (path): RequestRow => [
    'S1',
    `CONNECT ${path}`,
    { method: 'CONNECT', path },
    { sent: { line: `CONNECT ${path}` } },
  ]),
  ...each(['/', 'a', 'a:', 'a:b', 'u@a:1', 'a:1/', 'http://a:1', 'a:1\r\n'], (path): RequestRow => [
    'S1',
    `CONNECT ${quote(path)}`,
    { method: 'CONNECT', path },
    refused('path'),
  ]),
  ...each(
    ['a', 'a:80', '127.0.0.1:8080', '[::1]', '[::1]:443', 'xn--bcher-kva.example', 'a_b', 'a.', 'a:'],
    (host): RequestRow => ['S5', host, header('hOsT', host), { sent: { host } }],
  ),
  ...each(
    [
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
    ],
    (host): RequestRow => ['S5', quote(host), header('Host', host), refused('host')],
  ),
  ['S7', 'Proxy-Connection is no field of HTTP', header('PROXY-connection', 'close'), refused('proxy-connection')],
  ['S8', 'obs-text stays what it is', header('X', '\x80\xff'), sent('X: \x80\xff')],
  ...each(['\u010a', '\u0120', '\u2028', '\ud83d\ude00', '\ud800'], (text): RequestRow => [
    'S8',
    quote(text),
    header('X', `a${text}b`),
    refused('X'),
  ]),
  ['S8', 'outer white space is cut off, and no other', header('X', ' \t\xa0a\xa0 '), sent('X: \xa0a\xa0')],
  [
    'S10',
    'the last of many headers',
    {
      headers: [
        ['A', 'a'],
        ['B', 'b'],
        ['C', 'c\r'],
      ],
    },
    refused('C'),
  ],
  ['S10', 'a header beside a stream', { ...stream('a'), ...header('X', '\n') }, refused('X')],
  ['S11', 'close', header('connection', 'Close'), sent('Connection: close')],
  ['S11', 'close beside keep-alive', header('Connection', 'keep-alive, close'), sent('Connection: close')],
  ['S11', 'keep-alive', header('Connection', 'keep-alive'), sent('Connection: keep-alive')],
  [
    'S11',
    'in several fields',
    {
      headers: [
        ['Connection', 'a,, b'],
        ['Connection', 'A ,\tc'],
      ],
    },
    sent('Connection: a, b, c'),
  ],
  ['S11', 'empty', header('Connection', ''), sent()],
  [
    'S11',
    'an upgrade that names itself',
    {
      headers: [
        ['Upgrade', 'websocket'],
        ['Connection', 'Upgrade'],
      ],
    },
    sent('Upgrade: websocket', 'Connection: upgrade'),
  ],
  ['S11', 'TE: trailers', header('TE', 'trailers'), sent('TE: trailers', 'Connection: te')],
  ...each(['a b', 'a;b', 'a=b', '"close"', '\xe9'], (value): RequestRow => [
    'S11',
    quote(value),
    header('Connection', value),
    refused('connection'),
  ]),
];

export const requests: readonly RequestRow[] = [...injections, ...framings, ...heads];
