import type { Endpoint } from '../endpoint/index.js';
import { addCallerStack, type HTTPClientError } from '../errors/index.js';
import { guarded, type Deadline } from '../timing/index.js';
import type { Dial, DialWaiter } from './Dial.js';
import type { InnerLease } from './LeasedProtocol.js';
import { ListNode } from './LinkedList.js';
import type { Place } from './Place.js';
import type { Receiver } from './Receiver.js';
import type { Tally } from './Tally.js';

/** A get that waits for its lease. The waiter is the teardown of the get: unsubscribing it leaves the queue. */
export class Waiter<B extends Tally> extends ListNode<Waiter<B>> implements DialWaiter<Place<B>> {
  /** The dial that this get counts on, begun for it or adopted. */
  dial: Dial<Place<B>> | null = null;
  /** A pass of the drain loop has seen the get: the queue limit does not concern it any more. */
  admitted = false;
  /** The get has its lease or its error, or was cancelled. */
  settled = false;
  /** The end of `acquireTimeout`. Null: there is none. */
  deadline: Deadline | null = null;

  constructor(
    readonly bucket: B,
    readonly endpoint: Endpoint,
    readonly receiver: Receiver<InnerLease>,
    /** Its rank among all gets of the pool: the lower, the older. */
    readonly order: number,
    /** The time of the subscribe, on the pool's clock. Null: the get has not waited yet. */
    public since: number | null,
    /** In ms. ∞: no limit. */
    readonly acquireTimeout: number,
    /** The stack of the caller's subscribe, with `captureStacks`. */
    readonly stack: string | undefined,
    private readonly cancelled: (waiter: Waiter<B>) => void,
  ) {
    super();
  }

  /** Counts on this dial from here on. */
  link(dial: Dial<Place<B>>): void {
    dial.waiter = this;
    this.dial = dial;
    this.bucket.weighLink(1);
  }

  unlink(): void {
    if (this.dial === null) return;
    this.dial.waiter = null;
    this.dial = null;
    this.bucket.weighLink(-1);
  }

  /** What is left of `acquireTimeout`, in ms. */
  timeLeft(clock: { now(): number }): number {
    const now = clock.now();
    return (this.since ?? now) + this.acquireTimeout - now;
  }

  /** Leaves the queue and its dial. Nothing that happens later concerns the get. */
  settle(): void {
    this.settled = true;
    this.deadline?.dispose();
    this.list?.remove(this);
    this.unlink();
  }

  fail(error: HTTPClientError): void {
    addCallerStack(error, this.stack);
    guarded(() => this.receiver.error(error));
  }

  unsubscribe(): void {
    if (!this.settled) this.cancelled(this);
  }
}
