import { Subscriber, type Observer } from 'rxjs';

/**
 * Who gets a lease or a response: the subscriber of an Observable, or the layer above itself, where an Observable in
 * between would cost as much as the work it stands for.
 */
export interface Receiver<T> extends Observer<T> {
  /** It takes nothing any more. */
  readonly closed: boolean;
}

/**
 * Whether a receiver has gone, a subscriber also if its teardown has not run yet: RxJS stops it first, then calls its
 * `complete`, and only then tears down. What is emitted in between is lost without a word.
 */
export function isGone(receiver: { readonly closed: boolean }): boolean {
  return receiver.closed || (receiver instanceof Subscriber && (receiver as unknown as Stoppable).isStopped);
}

/** What RxJS keeps to itself. */
interface Stoppable {
  readonly isStopped: boolean;
}
