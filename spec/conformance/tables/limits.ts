import { broken, chunked, kept, ok, plain, refused, type Row } from '../Case.js';

const overflow = (): Row[3] => refused('HeadersOverflowError');
const bodyOverflow = (body: string): Row[3] => broken(body, 'HeadersOverflowError');

/** A head of `size` octets in all, padded by `pad` in the place of `?`. */
const headOf = (size: number, template: string, pad = 'a'): string =>
  template.replace('?', pad.repeat(size - template.length + 1));

const early = 'HTTP/1.1 103 E\r\n\r\n';
const hints = `HTTP/1.1 103 E\r\nLink: ${'a'.repeat(2_000)}\r\n\r\n`;
const extended = chunked('1;abc\r\nx\r\n1;d\r\ny\r\n0\r\nX: y\r\nZ:\r\n\r\n');
const small = ok('X: y\r\nContent-Length: 0\r\n');

/** By default, as users have it: one at the limit, one beyond it. */
const byDefault: readonly Row[] = [
  ['head size', '16 384 octets', headOf(16_384, ok('X: ?\r\nContent-Length: 0\r\n')), kept()],
  ['head size', '16 385 octets', headOf(16_385, ok('X: ?\r\nContent-Length: 0\r\n')), overflow(), { node: 'accepts' }],
  ['head size', 'a name', headOf(17_000, ok('?: y\r\nContent-Length: 0\r\n')), overflow()],
  ['head size', 'no end', `${ok('')}`.slice(0, -2) + 'X: ' + 'a'.repeat(17_000), overflow()],
  ['field count', '1 000', ok('Content-Length: 0\r\n' + 'X:\r\n'.repeat(999)), kept()],
  ['field count', '1 001', ok('Content-Length: 0\r\n' + 'X:\r\n'.repeat(1_000)), overflow(), { node: 'accepts' }],
  ['reason', '16 384 octets', headOf(16_384, small.replace('OK', '?')), kept()],
  [
    'reason',
    '16 385 octets',
    headOf(16_385, small.replace('OK', '?')),
    overflow(),
    { node: 'accepts', undici: 'accepts' },
  ],
  ['leading CR/LF', 'one CR', `\r${plain}`, refused(), { node: 'accepts', undici: 'accepts' }],
  ['leading CR/LF', 'one LF', `\n${plain}`, refused(), { node: 'accepts', undici: 'accepts' }],
  ['leading CR/LF', 'without end', '\r\n'.repeat(20_000), refused(), { node: 'waits' }],
  ['OWS', '16 384 octets', headOf(16_384, ok('X:?y\r\nContent-Length: 0\r\n'), ' '), kept()],
  ['OWS', '16 385 octets', headOf(16_385, ok('X:?y\r\nContent-Length: 0\r\n'), '\t'), overflow(), { node: 'accepts' }],
  ['1xx per exchange', '16', early.repeat(16) + plain, kept({ informational: Array(16).fill(103) as number[] })],
  ['1xx per exchange', '17', early.repeat(17) + plain, overflow(), { node: 'accepts', undici: 'accepts' }],
  [
    '1xx per exchange',
    'one head budget for all',
    hints.repeat(9) + plain,
    overflow(),
    { node: 'accepts', undici: 'accepts' },
  ],
  ['chunk-size digits', '16', chunked(`${'2'.padStart(16, '0')}\r\nok\r\n0\r\n\r\n`), kept({ body: 'ok' })],
  [
    'chunk-size digits',
    '17',
    chunked(`${'2'.padStart(17, '0')}\r\nok\r\n0\r\n\r\n`),
    bodyOverflow(''),
    { node: 'accepts', undici: 'accepts' },
  ],
  [
    'chunk-size digits',
    '17 of the last chunk',
    chunked(`2\r\nok\r\n${'0'.repeat(17)}\r\n\r\n`),
    bodyOverflow('ok'),
    { node: 'accepts', undici: 'accepts' },
  ],
  ['chunk-ext', '16 384 octets', chunked(`2;${'a'.repeat(16_383)}\r\nok\r\n0\r\n\r\n`), kept({ body: 'ok' })],
  [
    'chunk-ext',
    '16 385 octets',
    chunked(`2;${'a'.repeat(16_384)}\r\nok\r\n0\r\n\r\n`),
    bodyOverflow(''),
    { node: 'accepts', undici: 'accepts' },
  ],
  ['chunk-ext', 'quoted', chunked(`2;a="${'a'.repeat(17_000)}`), bodyOverflow('')],
  [
    'chunk-ext',
    'over many chunks',
    chunked(`1;${'a'.repeat(99)}\r\nx\r\n`.repeat(164)),
    bodyOverflow('x'.repeat(163)),
    { node: 'waits' },
  ],
  ['trailers', '16 384 octets', chunked(`0\r\nX: ${'a'.repeat(16_379)}\r\n\r\n`), kept()],
  [
    'trailers',
    '16 385 octets',
    chunked(`0\r\nX: ${'a'.repeat(16_380)}\r\n\r\n`),
    bodyOverflow(''),
    { node: 'accepts' },
  ],
  ['trailers', '1 001 fields', chunked(`0\r\n${'X:\r\n'.repeat(1_001)}\r\n`), bodyOverflow(''), { node: 'accepts' }],
];

/** To the octet, with limits so small that every cut can be looked at. */
const exact = (
  rule: string,
  what: string,
  sent: string,
  limit: 'maxHeadSize' | 'maxHeaderCount' | 'maxInformational' | 'maxChunkExtensions' | 'maxTrailerSize',
  value: number,
  over: Row[3],
): readonly Row[] => [
  [rule, `${what}, ${limit} = ${value}`, sent, kept(), { limits: { [limit]: value } }],
  [rule, `${what}, ${limit} = ${value - 1}`, sent, over, { limits: { [limit]: value - 1 } }],
];

export const limits: readonly Row[] = [
  ...byDefault,
  ...exact('head size', 'a head', small, 'maxHeadSize', small.length, overflow()),
  ...exact('head size', 'two 1xx', early + early + small, 'maxHeadSize', 2 * early.length + small.length, overflow()),
  ...exact('reason', 'none', small.replace('OK', ''), 'maxHeadSize', small.length - 2, overflow()),
  ...exact('OWS', 'three', small.replace('X: y', 'X:   '), 'maxHeadSize', small.length + 1, overflow()),
  ...exact('field count', 'a head', small, 'maxHeaderCount', 2, overflow()),
  ...exact('field count', 'trailers', extended, 'maxHeaderCount', 2, bodyOverflow('xy')),
  ...exact('1xx per exchange', 'two', early + early + small, 'maxInformational', 2, overflow()),
  ...exact('chunk-ext', 'two chunks', extended, 'maxChunkExtensions', 6, bodyOverflow('x')),
  ...exact('trailers', 'two', extended, 'maxTrailerSize', 10, bodyOverflow('xy')),
  [
    'trailers',
    'none at all are always allowed',
    chunked('1\r\nx\r\n0\r\n\r\n'),
    kept({ body: 'x' }),
    { limits: { maxInformational: 0, maxChunkExtensions: 0, maxTrailerSize: 0 } },
  ],
  // An error before the limit is what it is, in whatever pieces.
  ['head size', 'a fault before it', 'HTTP/1.1 200 OK\r\nX \r\n', refused(), { limits: { maxHeadSize: 20 } }],
  ['head size', 'a fault behind it', 'HTTP/1.1 200 OK\r\nXYZA ', overflow(), { limits: { maxHeadSize: 20 } }],
];
