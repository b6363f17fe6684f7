import type { Subscriber } from 'rxjs';
import type { Endpoint } from '../endpoint/index.js';
import type { Deadline } from '../timing/index.js';
import type { Bucket } from './Bucket.js';
import type { ClientProtocol } from './ClientProtocol.js';
import { ListNode } from './LinkedList.js';
import type { Slot } from './Slot.js';

/** A get that waits. It is its own teardown: unsubscribing it leaves the queue. */
export class Waiter {
  readonly node = new ListNode<Waiter>(this);
  /** The dial that was started for it, while that is under way. */
  dial: Slot | null = null;
  /** It has been in a pass of the drain loop: the queue limit does not concern it any more. */
  admitted = false;
  /** It has its lease, or its error, or has gone. */
  settled = false;
  deadline: Deadline | null = null;

  constructor(
    readonly bucket: Bucket,
    readonly endpoint: Endpoint,
    readonly subscriber: Subscriber<ClientProtocol>,
    /** Its place among all gets of the pool. */
    readonly order: number,
    readonly since: number,
    /** When its `acquireTimeout` is over, on the pool's clock; ∞ if never. */
    readonly until: number,
    private readonly queue: { cancel(waiter: Waiter): void },
  ) {}

  /** Nothing that happens from here on concerns it. */
  settle(): void {
    this.settled = true;
    this.deadline?.dispose();
    this.bucket.waiters.remove(this.node);
    if (this.dial !== null) this.dial.waiter = null;
    this.dial = null;
  }

  unsubscribe(): void {
    if (!this.settled) this.queue.cancel(this);
  }
}
