import { describe, expect, it } from '@jest/globals';
import { chunkHead, lastChunk } from '../../src/wire/index.js';
import { verdict } from './verdict.js';

describe('The chunked coding, written', () => {
  it('is what the parser reads', () => {
    const parts = ['a', 'b'.repeat(16), 'c'.repeat(300)];
    const body = parts.map(part => `${chunkHead(part.length)}${part}\r\n`).join('') + lastChunk;
    const bytes = Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
    expect(verdict(bytes, [])).toMatchObject({ outcome: 'end', body: parts.join(''), surplus: '' });
  });

  it.each([0, -1, 1.5, NaN, Infinity])('chunkHead(%s) would break the framing', length => {
    expect(() => chunkHead(length)).toThrow(expect.objectContaining({ field: 'body' }));
  });
});
