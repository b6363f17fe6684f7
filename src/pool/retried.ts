import { catchError, defer, of, retry, throwError, type Observable } from 'rxjs';
import type { HTTPClientError } from '../errors/index.js';
import { withCause } from './withCause.js';

/**
 * The one automatic retry. The pipeline is built when the first attempt has failed: its first subscription is that
 * failure, its second one is the attempt over a new connection.
 *
 * ```
 *   first attempt    ──#                  # = failure
 *   second attempt      ^──(r|)           only if `mayRetry`; else # is the error
 * ```
 */
export function retried<T>(
  failure: HTTPClientError,
  fresh$: Observable<T>,
  mayRetry: (error: unknown) => boolean,
): Observable<T> {
  let attempts = 0;
  return defer(() => (attempts++ === 0 ? throwError(() => failure) : fresh$)).pipe(
    retry({
      count: 1,
      // Not EMPTY: that would turn the error into a completion.
      delay: (error: unknown) => (mayRetry(error) ? of(true) : throwError(() => error)),
    }),
    catchError((error: unknown) => throwError(() => (error === failure ? error : withCause(error, failure)))),
  );
}
