import { map } from 'rxjs';
import { AgentResponse, describe, type HTTPInterceptor } from '../agent/index.js';
import { BodyTooLargeError, count } from '../errors/index.js';
import { dropBody } from '../protocol/index.js';
import { LimitedBody } from './LimitedBody.js';

/**
 * Refuses bodies of more than `maxBytes`, in whatever way they are read, with `BodyTooLargeError`: a response that
 * declares more fails before its body is read, one that does not say so when it gets there. Its connection is let go.
 *
 * What counts is what comes out: bytes after decompression, which the agent does inside of all interceptors.
 *
 * @throws InvalidOptionError
 *
 * @example
 * const agent = new Agent({ interceptors: [limitBody(10_000_000)] });
 */
export function limitBody(maxBytes: number): HTTPInterceptor {
  const limit = count({ maxBytes }, 'maxBytes', NaN); // it must be given
  return (request, next) =>
    next(request).pipe(
      map(response => {
        if (!(response instanceof AgentResponse)) return response; // somebody made it up
        const { length } = response.source;
        const { status } = response;
        // These say what a GET would have had.
        if (request.method === 'HEAD' || status === 204 || status === 304) return response;
        // The connection sees to it that no more come than were declared.
        if (length !== null && length <= limit) return response;
        if (length === null) return response.derive({}, new LimitedBody(response.source, limit).body);
        dropBody(response);
        const error = new BodyTooLargeError(limit);
        error.response = response;
        throw describe(error, request) as BodyTooLargeError;
      }),
    );
}
