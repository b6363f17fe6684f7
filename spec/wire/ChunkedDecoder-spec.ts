import { describe, expect, it } from '@jest/globals';
import { chunkHead, lastChunk } from '../../src/wire/index.js';
import { judge, table, type Row } from './verdict.js';

const chunked = (body: string) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;
const size = (line: string) => chunked(`${line}\r\nok\r\n0\r\n\r\n`);

describe('ChunkedDecoder', () => {
  describe('sizes', () => {
    table([
      [
        'F18 several chunks',
        chunked('1\r\na\r\n00B\r\nbcdefghijkl\r\n0A\r\n0123456789\r\n000\r\n\r\n'),
        { outcome: 'end', body: 'abcdefghijkl0123456789', persistent: true },
      ],
      [
        'F18 hexadecimal, either case',
        chunked(`aA\r\n${'x'.repeat(170)}\r\n0\r\n\r\n`),
        { outcome: 'end', body: 'x'.repeat(170) },
      ],
      ['F18 16 digits', size('0000000000000002'), { outcome: 'end', body: 'ok' }],
      ['F18 17 digits', size('00000000000000002'), 'HeadersOverflowError'],
      ['F18 2^53-1', chunked('1fffffffffffff\r\nok'), { outcome: 'more', body: 'ok' }],
      ['F18 2^53', chunked('20000000000000\r\nok'), 'ParseError'],
      ['F18 2^64-1', chunked('ffffffffffffffff\r\nok'), 'ParseError'],
      ['F18 2^64+2', size('10000000000000002'), 'ParseError'],
      ...[
        ' 2',
        '2 ',
        '2\t',
        '\t2',
        '+2',
        '-2',
        '0x2',
        '2_0',
        '2.',
        '"2"',
        '',
        'g',
        '2,',
        '2\0',
        '2\x0b',
        '\xb2',
        '2 ;a',
        '2h',
      ].map((line): Row => [`F18 ${JSON.stringify(line)}`, size(line), 'ParseError']),
      ['F20 bare LF after the size', chunked('2\nok\r\n0\r\n\r\n'), 'ParseError'],
      ['F20 bare CR after the size', chunked('2\rok\r\n0\r\n\r\n'), 'ParseError'],
      ['F20 CR CR LF after the size', chunked('2\r\r\nok\r\n0\r\n\r\n'), 'ParseError'],
      ['F20 no CRLF after data', chunked('2\r\nok0\r\n\r\n'), 'ParseError'],
      ['F20 too much data', chunked('2\r\noks\r\n0\r\n\r\n'), 'ParseError'],
      ['F20 too little data', chunked('3\r\nok\r\n0\r\n\r\n'), 'ParseError'],
      ['F20 bare LF after data', chunked('2\r\nok\n0\r\n\r\n'), 'ParseError'],
      ['F20 bare CR after data', chunked('2\r\nok\r0\r\n\r\n'), 'ParseError'],
      ['F20 bare LF after the last chunk', chunked('0\n\r\n'), 'ParseError'],
      ['F20 bare LF at the end', chunked('0\r\n\n'), 'ParseError'],
      ['F16 cut in data', chunked('5\r\nok'), { outcome: 'TruncatedBodyError', body: 'ok' }, { eof: true }],
      [
        'F16 cut before the last chunk',
        chunked('2\r\nok\r\n'),
        { outcome: 'TruncatedBodyError', body: 'ok' },
        { eof: true },
      ],
      ['F16 cut before the end', chunked('2\r\nok\r\n0\r\n'), { outcome: 'TruncatedBodyError' }, { eof: true }],
    ]);
  });

  describe('extensions', () => {
    table([
      ...[
        ';a',
        ';a=b',
        ';a="b"',
        ';a;b',
        '; a',
        ';\ta \t= \tb',
        ';a ;b',
        ';a="x" ; b',
        ';a="\\"\\\\;\t\x80"',
        ';a=""',
        ';a="b";c=d',
        ';a=b\t;c',
      ].map((extension): Row => [
        `F19 ${JSON.stringify(extension)}`,
        size(`2${extension}`),
        { outcome: 'end', body: 'ok' },
      ]),
      ...[
        ';',
        '; ',
        ';a=',
        ';a= ',
        ';;a',
        ';a;',
        ';=b',
        ';a=b=c',
        ';a b',
        ';a="b',
        ';a="b"c',
        ';a=b c',
        ';a ',
        ';a=b ',
        ';a="b" ',
        ';a=(b)',
        ';a\0',
        ';a="\x01"',
        ';a="\\\x01"',
        ';a="\x7f"',
        ';\xe9',
        ';a=\xe9',
        ';a\rb',
        ';a="\r\n"',
      ].map((extension): Row => [`F19 ${JSON.stringify(extension)}`, size(`2${extension}`), 'ParseError']),
      ['F19 bare LF', chunked('2;a\nok\r\n0\r\n\r\n'), 'ParseError'],
      ['F19 on the last chunk', chunked('0;a=b\r\n\r\n'), { outcome: 'end', body: '' }],
    ]);
  });

  describe('trailers', () => {
    const trailer = (line: string) => chunked(`0\r\n${line}\r\n\r\n`);
    table([
      [
        'F21 kept apart',
        chunked('2\r\nok\r\n0\r\nX: a\r\nx:\tb \r\n\r\n'),
        { outcome: 'end', trailers: ['X', 'a', 'x', 'b'], headers: ['Transfer-Encoding', 'chunked'] },
      ],
      ['F21 close in a trailer changes nothing', trailer('Connection: close'), { outcome: 'end', persistent: true }],
      ['F21 Keep-Alive in a trailer', trailer('Keep-Alive: timeout=1'), { outcome: 'end', persistent: true }],
      ['F21 surplus', trailer('X: a') + 'HTTP', { outcome: 'end', surplus: 'HTTP' }],
      ...[
        'Content-Length: 2',
        'content-length: x',
        'Transfer-Encoding: chunked',
        'X : a',
        ' X: a',
        'X',
        ': a',
        'X: a\r\n b',
        'X: a\0',
        'X: a\rb',
        'X: a\nY: b',
        'X: a\r',
      ].map((line): Row => [`F21 ${JSON.stringify(line)}`, trailer(line), 'ParseError']),
    ]);

    it('has no keep-alive hint of a trailer', () => {
      expect(judge(trailer('Keep-Alive: timeout=1'))).not.toHaveProperty('keepAlive');
    });
  });

  it('reads what chunkHead and lastChunk write', () => {
    const parts = ['a', 'b'.repeat(16), 'c'.repeat(300)];
    const body = parts.map(part => `${chunkHead(part.length)}${part}\r\n`).join('') + lastChunk;
    expect(judge(chunked(body))).toMatchObject({ outcome: 'end', body: parts.join('') });
  });

  it.each([0, -1, 1.5, NaN, Infinity])('chunkHead(%s) would break the framing', length => {
    expect(() => chunkHead(length)).toThrow('A chunk must have');
  });
});
