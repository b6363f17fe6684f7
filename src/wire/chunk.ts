import { InvalidRequestError } from '../errors/index.js';

/**
 * The line before the data of a chunk (RFC 9112 section 7.1); `\r\n` comes after the data.
 *
 * @throws InvalidRequestError unless `length` is an integer from 1: a chunk of no bytes would end the body.
 */
export function chunkHead(length: number): string {
  if (!Number.isSafeInteger(length) || length < 1) {
    throw new InvalidRequestError('body', `A chunk must have at least one byte, but has ${length}`);
  }
  return `${length.toString(16)}\r\n`;
}

/** What ends a chunked body: the last chunk and an empty trailer section. */
export const lastChunk = '0\r\n\r\n';
