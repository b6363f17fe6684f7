import { Subscriber, type Observer } from 'rxjs';

/**
 * The receiver of a lease or a response: the subscriber of an Observable, or the layer above. An Observable in between
 * would cost as much as the work that it stands for.
 */
export interface Receiver<T> extends Observer<T> {
  /** It takes nothing any more. */
  readonly closed: boolean;
}

/**
 * True if the receiver takes nothing more. RxJS stops a subscriber, calls its `complete`, and then tears down; a value in
 * between is lost.
 */
export function isGone(receiver: { readonly closed: boolean }): boolean {
  return receiver.closed || (receiver instanceof Subscriber && (receiver as unknown as Stoppable).isStopped);
}

/** What RxJS keeps to itself. */
interface Stoppable {
  readonly isStopped: boolean;
}
