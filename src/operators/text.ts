import type { OperatorFunction } from 'rxjs';
import { collectText, type ProtocolResponse } from '../protocol/index.js';
import { readBody } from './readBody.js';

/**
 * Reads each response's body as text: UTF-8, a byte order mark taken off. The lease is back in the pool before the text
 * is emitted.
 *
 * ```
 *   source    ──r────────|
 *   body        ─d─d|
 *   text()    ──────t────|
 * ```
 *
 * @example
 * agent.get('http://localhost/').pipe(text()).subscribe(text => console.log(text));
 */
export function text(): OperatorFunction<ProtocolResponse, string> {
  return readBody(collectText, response => response.text());
}
