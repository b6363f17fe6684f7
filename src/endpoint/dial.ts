import { asyncScheduler, Observable, type SchedulerLike } from 'rxjs';
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
  return new Observable<Transport>(subscriber => {
    let handedOver = false;
    let abort: (() => void) | undefined;
    const failed = (cause: unknown) => subscriber.error(connectError(authority, cause));
    // A bare action, neither `timer` nor `timeout`: in a burst of dials those hold several times as much memory for each.
    // It is ref'd, as somebody waits for it.
    const deadline =
      connectTimeout === Infinity
        ? undefined
        : (scheduler ?? asyncScheduler).schedule(
            () => failed(new ConnectTimeoutError(authority, connectTimeout)),
            connectTimeout,
          );
    try {
      abort = open(transport => {
        // Ownership passes at `next`: from here on the teardown is not ours to act on.
        handedOver = true;
        deadline?.unsubscribe();
        subscriber.next(transport);
        subscriber.complete();
      }, failed);
    } catch (cause) {
      // Node throws some of its configuration errors when it dials, such as an unreadable certificate.
      failed(cause);
    }
    return () => {
      deadline?.unsubscribe();
      if (!handedOver) abort?.();
    };
  });
}
