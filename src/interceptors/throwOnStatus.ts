import { map } from 'rxjs';
import { describe, type HTTPInterceptor, type HTTPResponse } from '../agent/index.js';
import { HTTPStatusError, InvalidOptionError } from '../errors/index.js';

/**
 * Makes an `HTTPStatusError` of responses with these statuses, or for which the function says so; by default of all that
 * are not 2xx. The error has the response, and its body can still be read.
 *
 * Gotcha: put this outside of interceptors that look at statuses, as `followRedirects` and `retryFailures` do.
 *
 * @throws InvalidOptionError
 *
 * @example
 * const agent = new Agent({ interceptors: [throwOnStatus(status => status >= 500)] });
 */
export function throwOnStatus(
  statuses: readonly number[] | ((status: number, response: HTTPResponse) => boolean) = (_, { ok }) => !ok,
): HTTPInterceptor {
  if (typeof statuses !== 'function' && !Array.isArray(statuses)) {
    throw new InvalidOptionError('statuses', statuses, 'an array of numbers, or a function');
  }
  const listed = new Set(typeof statuses === 'function' ? [] : statuses);
  const isBad = typeof statuses === 'function' ? statuses : (status: number) => listed.has(status);
  return (request, next) =>
    next(request).pipe(
      map(response => {
        const { status, statusText } = response;
        if (!isBad(status, response)) return response;
        throw describe(new HTTPStatusError(status, response, statusText), request) as HTTPStatusError;
      }),
    );
}
