import type { Random } from './Random.js';

// Parts of responses, and of what is nearly one. The first half of each list is in order, more or less.

export const statusLines = [
  ...['HTTP/1.1 200 OK', 'HTTP/1.1 200 OK', 'HTTP/1.1 404 ', 'HTTP/1.1 304 No', 'HTTP/1.1 206'],
  ...['HTTP/1.1 304 Not Modified', 'HTTP/1.1 404 Not Found', 'HTTP/1.1 500 ', 'HTTP/1.1 200', 'HTTP/1.1 407 Who'],
  ...['HTTP/1.1 101 Switching Protocols', 'HTTP/1.1 205 Reset', 'HTTP/1.1 999 \xe9t\xe9', 'HTTP/1.1 206 Partial'],
  ...['HTTP/1.1  200 OK', 'HTTP/2.0 200 OK', 'HTTP/0.9 200 OK', 'HTTP/1.2 200 OK', 'http/1.1 200 OK', 'ICE/1.0 200 OK'],
  ...[
    'RTSP/1.0 200 OK',
    'HTTP/1.1 099 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 200\tOK',
    'HTTP/1.1 200 O\x01K',
  ],
  ...['HTTP/1.1 000 Zero', ' HTTP/1.1 200 OK', 'HTTP/1.1\t200 OK', 'HTTP/11 200 OK', 'HTTP/1.1 200  OK ', 'ICY 200 OK'],
];

export const informationals = [
  ...[
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
    'HTTP/1.1 102 Processing\r\n\r\n',
  ],
  ...['HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n', 'HTTP/1.0 100 Continue\r\n\r\n', 'HTTP/1.1 199 \r\n\r\n'],
  ...[
    'HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n',
    'HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n',
  ],
];

export const lengthValues = [
  ...[
    '5',
    '0',
    '2',
    '05',
    '26',
    '00000000000000000005',
    '9007199254740991',
    '9007199254740992',
    '18446744073709551620',
  ],
  ...['-5', '+5', '0x5', '5.0', '5 ', '5\t', '\t5', '', '5, 5', '5;', '5 5', '\xb2', '5\x0b', '"5"', '1e1', '5,'],
];

export const codingValues = [
  ...[
    'chunked',
    'chunked',
    'Chunked',
    'chunked',
    'CHUNKED ',
    'chunked\t',
    '\tchunked',
    ' chunked',
    'gzip, chunked',
    'chunked, gzip',
  ],
  ...[
    'chunked, chunked',
    'chunked,',
    ', chunked',
    'gzip',
    'identity',
    '',
    'chunked;q=1',
    '"chunked"',
    'xchunked',
    'chunke',
  ],
  ...['chunked chunked', 'chunkedx', 'chunked\x0b', 'chun ked'],
];

export const connectionValues = [
  ...[
    'keep-alive',
    'close',
    'Keep-Alive',
    'CLOSE',
    'close, x',
    'x, close',
    'x,close',
    'keep-alive, close',
    ',close',
    'close,',
  ],
  ...[
    'Upgrade',
    'upgrade, close',
    'closed',
    'xclose',
    'close\t',
    '\tclose ,',
    '"close"',
    'close;x',
    'keep-alive\t,x',
    '',
  ],
  ...['x\tclose', 'close keep-alive', 'keep-alive=1', ' , , close'],
];

export const otherFields = [
  ...[
    'X-A: b',
    'Date: Sun, 06 Nov 1994 08:49:37 GMT',
    'Set-Cookie: a=b; c',
    'Set-Cookie: d=e',
    'Server: x',
    'ETag: "a"',
  ],
  ...[
    'Keep-Alive: timeout=5, max=9',
    'Keep-Alive: timeout=x',
    'Upgrade: websocket',
    'Proxy-Connection: close',
    'X-Empty:',
  ],
  ...[
    'Proxy-Connection: keep-alive',
    'X:\t \tb\t ',
    'Trailer: X-T',
    'X-\xe9: b',
    'X-High: \xe9\xff\x80',
    'X A: b',
    'X-A : b',
  ],
  ...[
    ' X-A: b',
    '\tfolded',
    ': b',
    'no colon',
    'X-C: a\x00b',
    'X-C: a\x7fb',
    'X-C: a\x1bb',
    'X-A: b\rc',
    'X-A: b\nc',
    'X(A): b',
  ],
  ...[
    '__proto__: x',
    'X-A: b:c,d;e="f\\""',
    'content-lengthx: 7',
    'xtransfer-encoding: chunked',
    'Content-Length\t: 5',
  ],
];

export const lineEnds = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\r\r',
    '\n\r',
    '\r\r\n',
    '\r\n\n',
    '\n\n',
    '\r\n ',
    '\r\n\t',
    '\0',
    '',
    ' \r\n',
    '\x0b\r\n',
    '\x85',
  ],
];

export const sizes = [
  ...[
    '05',
    '5 ',
    '5\t',
    ' 5',
    '+5',
    '-5',
    '0x5',
    '5_0',
    '',
    '005',
    '00000000000000005',
    '0000000000000000005',
    '5;',
    'g',
    '5g',
  ],
  ...[
    'fffffffffffffff',
    'ffffffffffffffff',
    '1fffffffffffff',
    '20000000000000',
    '10000000000000000',
    '5\r',
    '5\0',
    '5,',
    'A',
    'a',
  ],
];

export const extensions = [
  ...[
    '',
    '',
    '',
    '',
    ';a',
    ';a=b',
    ';a="b"',
    ';a=b;c',
    ';a="b\\"c";d',
    ' ;a',
    '; a',
    ';a =b',
    ';a= b',
    ';a=b ',
    ';a="b" ;c',
  ],
  ...[
    ';',
    ';;',
    ';=b',
    ';a=',
    ';a="b',
    ';a="\x01"',
    ';a=b c',
    ';\x00',
    ';a=\xe9',
    ';a="\xe9"',
    ';a=b\r',
    ';a\n',
    ';a="\r"',
    '\t;a',
  ],
  ...[';a="\\\x01"', ';a="b"c', ';a=b"c"', ';é', ' '],
];

/** What is put in anywhere, as it means something somewhere. */
export const dictionary = [
  ...[
    '\r\n',
    '\r',
    '\n',
    '\n\r',
    '\r\r',
    '\r\r\n',
    '\r\n\r\n',
    '\n\n',
    ' ',
    '\t',
    '\0',
    '\x0b',
    '\x0c',
    '\x1f',
    '\x7f',
    '\x80',
  ],
  ...[
    '\xff',
    ':',
    ';',
    ',',
    '=',
    '"',
    '\\',
    '0',
    '1',
    '5',
    '9',
    'f',
    'A',
    'g',
    '-',
    '+',
    '_',
    '0x',
    '%0d%0a',
    '/',
    '.',
    '(',
  ],
  ...[
    'HTTP/',
    'HTTP/1.1',
    'HTTP/1.0',
    'HTTP/2.0',
    'RTSP/1.0',
    'ICE/1.0',
    '100',
    '101',
    '103',
    '204',
    '304',
    '407',
    '999',
  ],
  ...[
    '0\r\n\r\n',
    '5\r\nhello\r\n',
    '0\r\n',
    'chunked',
    'close',
    'keep-alive',
    'upgrade',
    ', close',
    'Connection: close\r\n',
  ],
  ...[
    'Content-Length: 5\r\n',
    'Content-Length: 2\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip\r\n',
  ],
  ...[
    'Upgrade: x\r\n',
    'Connection: upgrade\r\n',
    'HTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
    'X-A: b\r\n',
  ],
];

/** A response put together from parts that are mostly in order. `strange`: one part in so many is not. */
export function generate(random: Random, strange: number): string {
  const part = (list: readonly string[]): string => random.pick(random.oneIn(strange) ? list : list.slice(0, 5));
  const end = (): string => (random.oneIn(strange * 4) ? random.pick(lineEnds) : '\r\n');
  let text = '';
  const before = random.oneIn(6) ? 1 + random.below(3) : random.oneIn(300) ? 15 + random.below(4) : 0;
  for (let n = before; n > 0; n--) text += part(informationals);
  const switches = random.oneIn(40);
  text += (switches ? 'HTTP/1.1 101 Switching Protocols' : part(statusLines)) + end();

  const chunked = random.oneIn(2);
  const fields: string[] = [];
  for (let n = random.below(4); n > 0; n--) fields.push(part(otherFields));
  if (random.oneIn(3))
    fields.push(`${random.pick(['Connection', 'connection'])}:${part(['', ' '])}${part(connectionValues)}`);
  if (switches) fields.push('Upgrade: x', 'Connection: Upgrade');
  const body = random.pick([
    '',
    'hello',
    'ok',
    'abcdefghijklmnopqrstuvwxyz',
    '\r\n0\r\n',
    'HTTP/1.1 200 OK\r\n\r\n',
    '\xff\0\n',
  ]);
  if (chunked) fields.push(`Transfer-Encoding: ${part(codingValues)}`);
  else if (!random.oneIn(5))
    fields.push(`Content-Length: ${random.oneIn(strange) ? random.pick(lengthValues) : body.length}`);
  if (random.oneIn(strange)) fields.push(`Content-Length: ${random.pick(lengthValues)}`);
  if (random.oneIn(strange)) fields.push(`Transfer-Encoding: ${random.pick(codingValues)}`);
  for (let i = fields.length; i > 0;) {
    // The order decides which of two contradicting fields comes first.
    const j = random.below(i--);
    text += fields[j] + end();
    fields[j] = fields[i];
  }
  text += end();

  if (!chunked) text += body;
  else {
    for (let n = random.below(4); n > 0; n--) {
      const data = random.pick(['a', 'hello', '0123456789abcdef', '\r\n', '0\r\n\r\n', 'x'.repeat(26)]);
      const digits = data.length.toString(16);
      const size = random.oneIn(strange) ? random.pick(sizes) : random.oneIn(3) ? digits.toUpperCase() : digits;
      text += size + (random.oneIn(12) ? random.pick(extensions) : '') + end() + data + end();
    }
    if (!random.oneIn(strange * 2))
      text += (random.oneIn(strange) ? random.pick(['00', '0 ', '', '0x0', '-0']) : '0') + part(extensions) + end();
    if (random.oneIn(3)) text += part([...otherFields, 'Content-Length: 5', 'Transfer-Encoding: chunked']) + end();
    text += end();
  }
  if (random.oneIn(8))
    text += random.pick(['\r\n', 'junk', 'H', 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged', '\0']);
  return text;
}
