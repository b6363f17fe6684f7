import { mergeMap, type OperatorFunction } from 'rxjs';
import { ResponseFailedError } from '../errors/index.js';
import type { ProtocolResponse } from '../protocol/index.js';
import { explained } from './explained.js';
import { LineReader, linesOptions, type LinesOptions } from './LineReader.js';
import { readChunks } from './readChunks.js';

/**
 * Reads each response's body as JSON values, one a line (NDJSON, JSON Lines), as it comes. Empty lines are skipped.
 *
 * ```
 *   body       ──{"a"───:1}⏎⏎{"a":2}──|
 *   ndjson()   ─────────(x)────────(y|)
 * ```
 *
 * A line that is no JSON is a `ResponseFailedError` that says which line it was, and nothing of what was in it; its
 * connection is let go first. A line that is too long is what it is to `lines`.
 *
 * Gotcha: the type is what you say it is; nothing checks it.
 *
 * @throws InvalidOptionError
 *
 * @example
 * agent.get('/events.ndjson').pipe(throwIfNotOk(), ndjson<Entry>()).subscribe(entry => console.log(entry.id));
 */
export function ndjson<T = unknown>(options: LinesOptions = {}): OperatorFunction<ProtocolResponse, T> {
  const settings = linesOptions(options);
  return mergeMap(response =>
    readChunks<Uint8Array, T>(
      response.body,
      subscriber =>
        new LineReader(response, settings, (line, number) => {
          if (!isBlank.test(line)) subscriber.next(parse<T>(line, number));
        }),
      error => explained(response, error),
    ),
  );
}

const isBlank = /^[ \t\r]*$/;

function parse<T>(line: string, number: number): T {
  try {
    return JSON.parse(line) as T;
  } catch {
    // Without its cause, which quotes the text: it may be a token.
    throw new ResponseFailedError(`Line ${number} of the response body is not JSON`);
  }
}
