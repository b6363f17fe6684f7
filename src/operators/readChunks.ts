import { Observable, Subject, takeUntil, type Subscriber } from 'rxjs';

/** Makes values of chunks. What its methods throw is the failure of the whole. */
export interface ChunkReader<C> {
  chunk(chunk: C): void;
  /** There are no more chunks. */
  end(): void;
}

/**
 * Reads what `chunks$` emits with a reader that emits to the subscriber. If that fails, `chunks$` is unsubscribed from
 * first, so that a connection is let go before the subscriber, who may start the next request, hears of it.
 *
 * ```
 *   chunks$   ──c──c──c       the reader throws
 *             ^───────!
 *   result    ──v──v──#
 * ```
 */
export function readChunks<C, T>(
  chunks$: Observable<C>,
  open: (subscriber: Subscriber<T>) => ChunkReader<C>,
  explained: (error: unknown) => unknown = error => error,
): Observable<T> {
  return new Observable<T>(subscriber => {
    const reader = open(subscriber);
    // Not the subscription, which is not there yet when the chunks come while it is made.
    const stop$ = new Subject<void>();
    let stopped = false;
    const stop = (): void => {
      stopped = true;
      stop$.next();
    };
    const attempt = (work: () => void): boolean => {
      try {
        work();
        return true;
      } catch (error) {
        stop();
        subscriber.error(explained(error));
        return false;
      }
    };
    subscriber.add(stop);
    chunks$.pipe(takeUntil(stop$)).subscribe({
      next: chunk => attempt(() => reader.chunk(chunk)),
      error: error => subscriber.error(error),
      complete: () => {
        if (!stopped && attempt(() => reader.end())) subscriber.complete();
      },
    });
  });
}
