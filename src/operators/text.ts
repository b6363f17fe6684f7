import type { OperatorFunction } from 'rxjs';
import { collectText, readOptions, type ProtocolResponse, type TextOptions } from '../protocol/index.js';
import { readBody } from './readBody.js';

/**
 * Reads each response's body as text. The lease is back in the pool before the text is emitted.
 *
 * ```
 *   source    ──r────────|
 *   body        ─d─d|
 *   text()    ──────t────|
 * ```
 *
 * The charset is that of the byte order mark, which is taken off, else `encoding`, else that of the Content-Type, else
 * UTF-8, also where the Content-Type names one that nobody knows. What is malformed becomes U+FFFD.
 *
 * `maxBytes` is the most bytes that the body may have. More are a `BodyTooLargeError`, which if the head announces them
 * is told with the first.
 *
 * @example
 * agent.get('http://localhost/').pipe(text({ maxBytes: 1_000_000 })).subscribe(text => console.log(text));
 */
export function text(options?: TextOptions): OperatorFunction<ProtocolResponse, string> {
  return readBody(collectText, response => response.text(options), readOptions(options));
}
