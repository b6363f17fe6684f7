import { Subscriber } from 'rxjs';
import type { HTTPClientError } from '../errors/index.js';
import type { ExchangeHandle } from '../protocol/index.js';
import type { KeyPlace } from './Bucket.js';
import type { Core } from './Core.js';

// Every request passes here, and an idle connection holds these subscribers. They are subclasses without a teardown: the
// pool listens as long as the connection lives. An observer object and the teardowns would double the memory of both.

/** Takes the lease of an exchange back. */
export class QuiescentSubscriber extends Subscriber<ExchangeHandle> {
  constructor(
    private readonly core: Core,
    private readonly place: KeyPlace,
  ) {
    super();
  }

  override add(): void {
    // There is nothing to tear down.
  }

  protected override _next(exchange: ExchangeHandle): void {
    this.core.steps.quiescent(this.core, this.place, exchange);
  }
}

/** Takes a connection that can carry nothing any more out of the pool. */
export class DisconnectedSubscriber extends Subscriber<HTTPClientError | null> {
  constructor(
    private readonly core: Core,
    private readonly place: KeyPlace,
  ) {
    super();
  }

  override add(): void {
    // There is nothing to tear down.
  }

  protected override _next(error: HTTPClientError | null): void {
    this.core.steps.disconnected(this.core, this.place, error);
  }

  protected override _complete(): void {
    this.core.socketClosed(this.place);
  }
}
