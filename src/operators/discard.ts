import type { OperatorFunction } from 'rxjs';
import { discardBody, type ProtocolResponse } from '../protocol/index.js';
import { readBody } from './readBody.js';

/**
 * Reads each response's body and throws it away, which gives its connection back; emits once when that is done.
 *
 * @example
 * agent.delete('/users/1').pipe(throwIfNotOk(), discard()).subscribe({ complete: () => console.log('deleted') });
 */
export function discard(): OperatorFunction<ProtocolResponse, void> {
  return readBody(discardBody, response => response.discard());
}
