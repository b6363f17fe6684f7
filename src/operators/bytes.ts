import type { OperatorFunction } from 'rxjs';
import { collectBytes, readOptions, type BytesOptions, type ProtocolResponse } from '../protocol/index.js';
import { readBody } from './readBody.js';

/**
 * Reads each response's body in one piece; its memory holds nothing else. `maxBytes` is the most bytes that it may
 * have: more are a `BodyTooLargeError`, and are not read.
 *
 * @example
 * agent.get('/logo.png').pipe(bytes({ maxBytes: 1_000_000 })).subscribe(image => console.log(image.length));
 */
export function bytes(options?: BytesOptions): OperatorFunction<ProtocolResponse, Uint8Array> {
  return readBody(collectBytes, response => response.bytes(options), readOptions(options));
}
