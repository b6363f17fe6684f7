import { map, Observable, race, type SchedulerLike, timer } from 'rxjs';
import { ConnectTimeoutError } from '../errors/index.js';
import { connectError } from './connectError.js';
import type { Endpoint, Transport } from './Transport.js';

export interface DialOptions {
  readonly authority: string;
  /** ms over all of it, Infinity for none. */
  readonly connectTimeout: number;
  readonly scheduler: SchedulerLike | undefined;
}

/** Starts a dial; returns how it is aborted. Exactly one of the two is called, once; after the abort neither counts. */
export type Open = (ready: (transport: Transport) => void, failed: (cause: unknown) => void) => () => void;

/** An endpoint from a callback: owns what is common to all, the hand-over, the abort, the errors and the deadline. */
export function dial({ authority, connectTimeout, scheduler }: DialOptions, open: Open): Endpoint {
  const dial$ = new Observable<Transport>(subscriber => {
    let handedOver = false;
    const failed = (cause: unknown) => subscriber.error(connectError(authority, cause));
    try {
      const abort = open(transport => {
        // Ownership passes at `next`: from here on the teardown is not ours to act on.
        handedOver = true;
        subscriber.next(transport);
        subscriber.complete();
      }, failed);
      return () => {
        if (!handedOver) abort();
      };
    } catch (cause) {
      // Node throws some of its configuration errors when it dials, such as an unreadable certificate.
      failed(cause);
      return undefined;
    }
  });
  return withDeadline(dial$, { authority, connectTimeout, scheduler });
}

/** Errors with `ConnectTimeoutError` if the dial takes longer. The timer is ref'd: somebody waits for it. */
export function withDeadline(dial$: Endpoint, { authority, connectTimeout, scheduler }: DialOptions): Endpoint {
  if (connectTimeout === Infinity) return dial$;
  const deadline$ = timer(connectTimeout, scheduler).pipe(
    map((): Transport => {
      throw new ConnectTimeoutError(authority, connectTimeout);
    }),
  );
  // The first to speak wins and the other is unsubscribed before it is heard: the timer ends at success.
  return race(dial$, deadline$);
}
