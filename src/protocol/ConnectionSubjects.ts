import { ReplaySubject, Subject } from 'rxjs';
import type { HTTPClientError } from '../errors/index.js';
import { guarded, reportUnhandled } from '../timing/index.js';

/**
 * The two Subjects of a connection, made with it.
 *
 * ```
 *   quiescent      ──e────e────|        e = an exchange that ended; complete: no further one
 *   disconnected   ────────────x──|     x = null, or the error; complete: the socket is closed
 * ```
 *
 * An exception of a finalizer comes out of `complete` and must leave no half of a step undone.
 */
export abstract class ConnectionSubjects<E> {
  readonly quiescent = new Subject<E>();
  readonly disconnected = new ReplaySubject<HTTPClientError | null>(1);

  /** Null: these connections carry one exchange at a time, always. */
  get capacityChanged(): null {
    return null;
  }

  protected tellQuiescent(exchange: E): void {
    try {
      this.quiescent.next(exchange);
    } catch (error) {
      reportUnhandled(error);
    }
  }

  protected tellDisconnected(error: HTTPClientError | null): void {
    guarded(() => this.disconnected.next(error));
    guarded(() => this.quiescent.complete());
  }

  protected tellClosed(): void {
    guarded(() => this.disconnected.complete());
  }
}
