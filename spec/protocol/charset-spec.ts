import { describe, expect, it } from '@jest/globals';
import { byteOrderMarkOf, charsetOf, essenceOf } from '../../src/protocol/index.js';
import { HTTPHeaders } from '../../src/wire/index.js';

describe('byteOrderMarkOf', () => {
  it.each<[number[], string | undefined]>([
    [[0xef, 0xbb, 0xbf], 'utf-8'],
    [[0xef, 0xbb, 0xbf, 0x61], 'utf-8'],
    [[0xfe, 0xff], 'utf-16be'],
    [[0xff, 0xfe], 'utf-16le'],
    [[0xff, 0xfe, 0x61, 0], 'utf-16le'],
    [[0xef, 0xbb], undefined],
    [[0xef, 0xbb, 0xbe], undefined],
    [[0xef, 0xba, 0xbf], undefined],
    [[0xee, 0xbb, 0xbf], undefined],
    [[0xfe], undefined],
    [[0xff], undefined],
    [[0xfe, 0xfe], undefined],
    [[0xff, 0xff], undefined],
    [[0x61, 0xff], undefined],
    [[0x61, 0xfe], undefined],
    [[], undefined],
  ])('%j: %s, wherever it lies', (bytes, mark) => {
    expect(byteOrderMarkOf(Uint8Array.from(bytes), 0, bytes.length)).toBe(mark);
    // What is around it is no part of it.
    const around = Uint8Array.from([0xff, 0xfe, ...bytes, 0xff, 0xfe, 0xbf]);
    expect(byteOrderMarkOf(around, 2, 2 + bytes.length)).toBe(mark);
  });
});

describe('the type of a body', () => {
  it.each<[string | null, string | null]>([
    [null, null],
    ['text/plain', 'text/plain'],
    [' Text/HTML ; charset=x', 'text/html'],
    ['application/json;charset=utf-8', 'application/json'],
  ])('%s is of %s', (type, essence) => expect(essenceOf(type)).toBe(essence));

  it.each<[string | undefined, string]>([
    [undefined, 'utf-8'],
    ['text/plain', 'utf-8'],
    ['text/plain; charset=UTF-8', 'utf-8'],
    ['text/plain; charset=utf8', 'utf-8'],
    ['text/plain; charset=ISO-8859-1', 'windows-1252'],
    ['text/plain; charset="utf-16le"', 'utf-16le'],
    ['text/plain; Charset = x; charset=utf-16be', 'utf-16be'],
    ['text/plain; charset=xutf-8', 'utf-8'],
    ['text/plain; charset=utf-8x', 'utf-8'],
    ['text/plain; charset=none-such', 'utf-8'],
  ])('%s is in %s', (type, charset) => {
    expect(charsetOf(HTTPHeaders.from(type === undefined ? {} : { 'Content-Type': type }))).toBe(charset);
  });
});
