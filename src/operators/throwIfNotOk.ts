import { map, type MonoTypeOperatorFunction } from 'rxjs';
import { HTTPStatusError } from '../errors/index.js';
import type { ProtocolResponse } from '../protocol/index.js';

/**
 * Turns a response whose status is not 2xx into an `HTTPStatusError`.
 *
 * Gotcha: the error carries the response, and its body can still be read (what a server says about an error is often
 * worth it); a body that nobody reads is dealt with like that of any other response.
 *
 * @example
 * agent.get('/users/1').pipe(throwIfNotOk(), json<User>())
 */
export function throwIfNotOk<R extends ProtocolResponse>(): MonoTypeOperatorFunction<R> {
  return map(response => {
    if (!response.ok) throw new HTTPStatusError(response.status, response, response.statusText);
    return response;
  });
}
