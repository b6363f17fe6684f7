import type { Subscriber } from 'rxjs';

/**
 * Whether a subscriber has gone whose teardown has not run yet: RxJS stops it first, then calls its `complete`, and only
 * then tears down. What is emitted in between is lost without a word.
 */
export function isGone(subscriber: Subscriber<unknown>): boolean {
  return subscriber.closed || (subscriber as unknown as { isStopped: boolean }).isStopped;
}
