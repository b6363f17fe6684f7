import type { Subscriber, Unsubscribable } from 'rxjs';
import type { Endpoint } from '../endpoint/index.js';
import type { Connection } from '../protocol/index.js';
import type { Deadline } from '../timing/index.js';
import type { Bucket } from './Bucket.js';
import type { Lease } from './Lease.js';
import { ListNode } from './LinkedList.js';
import type { Waiter } from './Waiter.js';

/**
 * A place under the pool's limits, and the connection that takes it, from the dial to the end.
 *
 * ```
 *   connecting ──► validating ──► leased ──► idle ──► validating ──► leased …
 *                      ▲             └──────────────────┘  (a get was waiting)
 *   any of them ──► gone
 * ```
 */
export type SlotState = 'connecting' | 'validating' | 'leased' | 'idle' | 'gone';

export class Slot {
  state: SlotState = 'connecting';
  connection: Connection | null = null;
  lease: Lease | null = null;
  /** The get whose dial this was, while it waits. */
  waiter: Waiter | null = null;
  /** A retried request, for which alone the connection is made. */
  claim: Subscriber<Slot> | null = null;
  /** The dial, until it has emitted. */
  dial: Unsubscribable | null = null;
  /** Requests carried. 0: the connection is fresh. */
  requests = 0;
  dialledAt = 0;
  /** When it is too old to be used again. */
  expiresAt = Infinity;
  /** When it has been idle for too long. */
  idleUntil = Infinity;
  /** The `timer` stream of its idle life. */
  idleTimer: Unsubscribable | null = null;
  /** It waits for the end of the loop turn to have its idle timer armed, if it is still idle then. */
  arming = false;
  /** It does not keep the process alive. */
  unreffed = false;
  readonly idleOfKey = new ListNode<Slot>(this);
  readonly idleOfPool = new ListNode<Slot>(this);
  unused: Deadline | null = null;

  constructor(
    readonly bucket: Bucket,
    readonly endpoint: Endpoint,
  ) {}
}
