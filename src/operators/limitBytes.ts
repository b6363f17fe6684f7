import type { MonoTypeOperatorFunction } from 'rxjs';
import { BodyTooLargeError, count } from '../errors/index.js';
import { readChunks } from './readChunks.js';

/**
 * Passes on at most `maxBytes` bytes. If more come it lets the source go, and with it the connection of a body, and
 * errors with `BodyTooLargeError`; of the chunk that went over nothing is passed on.
 *
 * ```
 *   source          ──3──3──3──|
 *   limitBytes(8)   ──3──3──#
 *   subscription    ^───────!
 * ```
 *
 * Gotcha: `text`, `json` and `bytes` have a `maxBytes` of their own.
 *
 * @throws InvalidOptionError if `maxBytes` is no number of bytes.
 *
 * @example
 * agent.get('/feed').pipe(mergeMap(response => response.body.pipe(limitBytes(1_000_000))));
 */
export function limitBytes(maxBytes: number): MonoTypeOperatorFunction<Uint8Array> {
  const limit = count({ maxBytes }, 'maxBytes', Infinity);
  return body$ =>
    readChunks<Uint8Array, Uint8Array>(body$, subscriber => {
      let length = 0;
      return {
        chunk: bytes => {
          length += bytes.length;
          if (length > limit) throw new BodyTooLargeError(limit);
          subscriber.next(bytes);
        },
        end: () => undefined,
      };
    });
}
