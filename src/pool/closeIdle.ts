import { AsyncSubject, defaultIfEmpty, forkJoin, map, type Observable } from 'rxjs';
import type { Core } from './Core.js';

/** Closes idle connections at the call; emits when their sockets are closed. */
export function closeIdle(core: Core, key: string | undefined): Observable<void> {
  const closing = [...core.places].flatMap(place => {
    const { bucket, state } = place;
    return state.kind === 'idle' && (key === undefined || bucket.key === key) ? [{ place, state }] : [];
  });
  const closed = new AsyncSubject<void>();
  forkJoin(closing.map(({ state }) => state.pooled.connection.disconnected))
    .pipe(
      map(() => undefined),
      defaultIfEmpty(undefined),
    )
    .subscribe(closed);
  core.loop.during(() => {
    for (const { place } of closing) core.leave(place, 'closed-idle');
  });
  return closed.asObservable();
}
