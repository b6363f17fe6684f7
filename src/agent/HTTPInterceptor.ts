import { isObservable, throwError, type Observable } from 'rxjs';
import type { HTTPRequest } from './HTTPRequest.js';
import type { HTTPResponse } from './HTTPResponse.js';

/** Makes a response of a request. Cold: each subscription is one exchange. */
export type HTTPHandler = (request: HTTPRequest) => Observable<HTTPResponse>;

/**
 * Stands between an agent and its handler: changes the request on its way, the response on its way back, or calls `next`
 * any number of times, none included. Each result of `next` is cold.
 *
 * @example
 * const json: HTTPInterceptor = (request, next) => next(request.with({ headers: { accept: 'application/json' } }));
 * const log: HTTPInterceptor = (request, next) => next(request).pipe(tap(response => console.log(response.status)));
 */
export type HTTPInterceptor = (request: HTTPRequest, next: HTTPHandler) => Observable<HTTPResponse>;

/** The first interceptor is the outermost: it sees the request first and the response last. */
export function chain(interceptors: readonly HTTPInterceptor[], last: HTTPHandler): HTTPHandler {
  return interceptors.reduceRight<HTTPHandler>(
    (next, interceptor) => request => {
      try {
        const response$: unknown = interceptor(request, next);
        if (isObservable(response$)) return response$ as Observable<HTTPResponse>;
        throw new TypeError('An interceptor must return an Observable');
      } catch (error) {
        return throwError(() => error);
      }
    },
    last,
  );
}
