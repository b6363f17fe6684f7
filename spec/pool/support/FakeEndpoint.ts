import { Observable, type Subscriber } from 'rxjs';
import type { Endpoint, Transport } from '../../../src/endpoint/index.js';
import { ConnectError } from '../../../src/errors/index.js';
import { FakeTransport } from './FakeTransport.js';

/** One subscription to a fake endpoint. */
export class FakeDial {
  readonly transport = new FakeTransport();
  cancelled = false;
  #over = false;

  constructor(private readonly subscriber: Subscriber<Transport>) {}

  get pending(): boolean {
    return !this.#over && !this.cancelled;
  }

  connect(): void {
    this.#over = true;
    this.subscriber.next(this.transport);
    this.subscriber.complete();
  }

  fail(error: unknown = new ConnectError('refused')): void {
    this.#over = true;
    this.subscriber.error(error);
  }

  complete(): void {
    this.#over = true;
    this.subscriber.complete();
  }

  /** @internal */
  tornDown(): void {
    this.cancelled = !this.#over;
  }
}

/** An endpoint whose dials the test settles, in any order; or which connects, or fails, at once. */
export class FakeEndpoint {
  readonly dials: FakeDial[] = [];
  /** Set to have dials settle from within `subscribe`. */
  mode: 'manual' | 'connects' | 'fails';
  /** Called from within each `subscribe`, before the dial settles. */
  onSubscribe: (dial: FakeDial) => void = () => {};
  /** Called from within each teardown. */
  onTeardown: (dial: FakeDial) => void = () => {};
  readonly stream: Endpoint;

  constructor(mode: 'manual' | 'connects' | 'fails' = 'manual') {
    this.mode = mode;
    this.stream = new Observable(subscriber => {
      const dial = new FakeDial(subscriber);
      this.dials.push(dial);
      this.onSubscribe(dial);
      if (this.mode === 'connects') dial.connect();
      else if (this.mode === 'fails') dial.fail();
      return () => {
        dial.tornDown();
        this.onTeardown(dial);
      };
    });
  }

  get cancels(): number {
    return this.dials.filter(dial => dial.cancelled).length;
  }

  /** The dials that are under way, oldest first. */
  get pending(): FakeDial[] {
    return this.dials.filter(dial => dial.pending);
  }
}
