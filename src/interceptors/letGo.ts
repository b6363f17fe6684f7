import {
  catchError,
  defer,
  EMPTY,
  ignoreElements,
  takeUntil,
  takeWhile,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import type { HTTPResponse } from '../agent/index.js';
import { dropBody } from '../protocol/index.js';

/** A longer body is not worth a connection, bytes; nor is one that takes longer, ms. As where a body is unsubscribed from. */
const maxDrain = 64 * 1024;
const drainTimeout = 1_000;

/**
 * Gets rid of a response that is not delivered: reads its body to the end if that is near, which gives the connection
 * back for the next request, and else destroys it. Completes when that is done, and never fails. (`dropBody` does not
 * wait.)
 */
export function letGo(response: HTTPResponse, scheduler: SchedulerLike): Observable<never> {
  return defer(() => {
    const { body } = response;
    if ((body.length ?? 0) > maxDrain) {
      dropBody(response);
      return EMPTY;
    }
    let taken = 0;
    return body.pipe(
      takeWhile(chunk => (taken += chunk.length) <= maxDrain),
      takeUntil(timer(drainTimeout, scheduler)),
      ignoreElements(),
    );
  }).pipe(catchError(() => EMPTY));
}
