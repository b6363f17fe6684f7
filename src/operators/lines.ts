import { mergeMap, type OperatorFunction } from 'rxjs';
import type { ProtocolResponse } from '../protocol/index.js';
import { explained } from './explained.js';
import { LineReader, linesOptions, type LinesOptions } from './LineReader.js';
import { readChunks } from './readChunks.js';

/**
 * Reads each response's body line by line, as it comes.
 *
 * ```
 *   body      ──a─────b⏎c⏎d──|
 *   lines()   ────────(ab)(c)(d|)
 * ```
 *
 * A line ends with LF or CRLF, which is taken off; a CR anywhere else, also as the very last character, is a part of the
 * line. What follows the last terminator is a line unless it is empty. The charset is found as by `text`; characters may
 * be cut anywhere.
 *
 * A line of more than `maxLength` characters is a `RecordTooLargeError`, told after its connection was let go.
 *
 * Gotchas: lines come as fast as the server sends them, as an Observable has no backpressure. A line that is kept may
 * keep in memory the chunk that it came in.
 *
 * @throws InvalidOptionError
 *
 * @example
 * agent.get('/log').pipe(throwIfNotOk(), lines()).subscribe(line => console.log(line));
 */
export function lines(options: LinesOptions = {}): OperatorFunction<ProtocolResponse, string> {
  const settings = linesOptions(options);
  return mergeMap(response =>
    readChunks<Uint8Array, string>(
      response.body,
      subscriber => new LineReader(response, settings, line => subscriber.next(line)),
      error => explained(response, error),
    ),
  );
}
