import { describe, expect, it } from '@jest/globals';
import { HeadersOverflowError, InvalidOptionError } from '../../src/errors/index.js';
import { ResponseParser, defaultResponseLimits, responseLimits } from '../../src/wire/index.js';

const chunkedHead = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Feeds `unit` for ever. Gives the limit that ended it and how many bytes of the flood were taken. */
function flood(prefix: string, unit: string, segment = unit.length): { limit: string; taken: number } {
  const parser = new ResponseParser();
  parser.start({ method: 'GET', upgrade: false });
  const bytes = Buffer.from(unit.repeat(Math.ceil(segment / unit.length)), 'latin1');
  let taken = -prefix.length;
  try {
    for (let chunk = Buffer.from(prefix, 'latin1'); taken < 1_000_000; chunk = bytes) {
      taken += chunk.length;
      parser.feed(chunk);
      while (parser.read() !== 'more');
    }
  } catch (error) {
    if (error instanceof HeadersOverflowError) {
      return { limit: error.limit, taken };
    }
    throw error;
  }
  return { limit: 'none', taken };
}

// Each limit to the octet is a row of spec/conformance/tables/limits.ts.
describe('ResponseLimits', () => {
  it.each([
    ['reason', 'HTTP/1.1 200 ', 'a', 'maxHeadSize', 16_384],
    ['value', 'HTTP/1.1 200 OK\r\nX: ', 'a', 'maxHeadSize', 16_384],
    ['outer white space', 'HTTP/1.1 200 OK\r\nX:', ' ', 'maxHeadSize', 16_384],
    ['name', 'HTTP/1.1 200 OK\r\n', 'a', 'maxHeadSize', 16_384],
    ['fields', 'HTTP/1.1 200 OK\r\n', 'X: aaaaaaaaaaaaaaaa\r\n', 'maxHeadSize', 16_384],
    ['small fields', 'HTTP/1.1 200 OK\r\n', 'X:\r\n', 'maxHeaderCount', 4_004],
    ['small 1xx', '', 'HTTP/1.1 100 Continue\r\n\r\n', 'maxInformational', 17 * 25],
    ['large 1xx', '', `HTTP/1.1 103 Hints\r\nLink: ${'a'.repeat(2_000)}\r\n\r\n`, 'maxHeadSize', 18_400],
    ['zeros of a chunk size', chunkedHead, '0', 'digits of a chunk size', 17],
    ['one chunk extension', `${chunkedHead}1`, ';a', 'maxChunkExtensions', 16_386],
    ['a quoted chunk extension', `${chunkedHead}1;a="`, 'a', 'maxChunkExtensions', 16_384],
    ['extensions of many chunks', chunkedHead, `1;${'a'.repeat(99)}\r\nx\r\n`, 'maxChunkExtensions', 164 * 106],
    ['trailers', `${chunkedHead}0\r\n`, 'X: aaaaaaaaaaaaaaaa\r\n', 'maxTrailerSize', 16_405],
    ['a trailer value', `${chunkedHead}0\r\nX: `, 'a', 'maxTrailerSize', 16_384],
    ['small trailers', `${chunkedHead}0\r\n`, 'X:\r\n', 'maxHeaderCount', 4_004],
  ])('ends a flood of %s', (_what, prefix, unit, limit, most) => {
    for (const segment of [1, 4096]) {
      const ended = flood(prefix, unit, segment);
      expect(ended.limit).toBe(limit);
      expect(ended.taken).toBeLessThanOrEqual(most + segment);
    }
  });

  it('fills in the defaults, from own properties only', () => {
    expect(responseLimits()).toEqual(defaultResponseLimits);
    expect(responseLimits({ maxHeadSize: 1, maxTrailerSize: undefined })).toEqual({
      ...defaultResponseLimits,
      maxHeadSize: 1,
    });
    expect(responseLimits(Object.create({ maxHeadSize: 1e9 }) as object)).toEqual(defaultResponseLimits);
  });

  it.each([0, -1, 1.5, NaN, Infinity, '16384', null, 2 ** 53])('refuses maxHeadSize = %s', value => {
    expect(() => responseLimits({ maxHeadSize: value as number })).toThrow(InvalidOptionError);
  });
});
