import type { OperatorFunction } from 'rxjs';
import { collectBytes, type ProtocolResponse } from '../protocol/index.js';
import { readBody } from './readBody.js';

/**
 * Reads each response's body in one piece; its memory holds nothing else.
 *
 * @example
 * agent.get('/logo.png').pipe(bytes()).subscribe(image => console.log(image.length));
 */
export function bytes(): OperatorFunction<ProtocolResponse, Uint8Array> {
  return readBody(collectBytes, response => response.bytes());
}
