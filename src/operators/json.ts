import type { OperatorFunction } from 'rxjs';
import { collectJSON, readOptions, type JSONOptions, type ProtocolResponse } from '../protocol/index.js';
import { readBody } from './readBody.js';

/**
 * Reads each response's body as JSON, decoded like that of `text`. Errors with `ResponseFailedError` if it is none, and
 * with `BodyTooLargeError` if it has more than `maxBytes` bytes.
 *
 * Gotcha: the type is what you say it is; nothing checks it.
 *
 * @example
 * agent.get('/users/1').pipe(throwIfNotOk(), json<User>()).subscribe(user => console.log(user.name));
 */
export function json<T = unknown>(options?: JSONOptions): OperatorFunction<ProtocolResponse, T> {
  return readBody<T>(collectJSON, response => response.json<T>(options), readOptions(options));
}
