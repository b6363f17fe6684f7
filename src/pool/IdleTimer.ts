import { Subscriber, type Subscription, type TeardownLogic } from 'rxjs';
import type { KeyPlace } from './Bucket.js';

/**
 * Subscribes to the `timer` of one idle connection. A subclass with one teardown, as there may be thousands of these: an
 * observer object and a list of teardowns would cost 400 bytes each.
 */
export class IdleTimer extends Subscriber<unknown> {
  #timer: Subscription | null = null;

  constructor(
    private readonly place: KeyPlace,
    private readonly expired: (place: KeyPlace) => void,
  ) {
    super();
  }

  override add(teardown: TeardownLogic): void {
    this.#timer = teardown as Subscription;
  }

  override unsubscribe(): void {
    super.unsubscribe();
    this.#timer?.unsubscribe();
    this.#timer = null;
  }

  protected override _next(): void {
    this.expired(this.place);
  }
}
