import { Observable, Subscriber, type Observer, type OperatorFunction, type Unsubscribable } from 'rxjs';
import { AgentResponse } from '../agent/index.js';
import {
  IncomingResponse,
  type Collect,
  type IncomingBody,
  type ProtocolResponse,
  type ReadOptions,
} from '../protocol/index.js';

/**
 * Flattens responses into what is made of their bodies: `mergeMap`, for the one case of a body, which can then be read
 * where it lies. That spares a subscription and, for a body that came with its head, every copy.
 */
export function readBody<T>(
  collect: Collect<T>,
  otherwise: (response: ProtocolResponse) => Observable<T>,
  options?: ReadOptions,
): OperatorFunction<ProtocolResponse, T> {
  return source =>
    new Observable<T>(subscriber => {
      source.subscribe(new BodyReader(subscriber, collect, otherwise, options));
    });
}

/** A Subscriber, as the operators of RxJS have them: an observer would get one of its own, and an adapter to that. */
class BodyReader<T> extends Subscriber<ProtocolResponse> {
  #open = 0;

  constructor(
    readonly subscriber: Subscriber<T>,
    private readonly collect: Collect<T>,
    private readonly otherwise: (response: ProtocolResponse) => Observable<T>,
    private readonly options: ReadOptions | undefined,
  ) {
    super(subscriber); // whose teardown it is from here on
  }

  protected override _next(response: ProtocolResponse): void {
    this.#open++;
    const reading = new Reading<T>(this);
    try {
      const incoming = incomingOf(response);
      const teardown =
        incoming === undefined
          ? this.otherwise(response).subscribe(reading)
          : this.collect(incoming, reading, this.options);
      // Most are over at once.
      if (!reading.over) this.subscriber.add((reading.teardown = teardown));
    } catch (error) {
      this.subscriber.error(error);
    }
  }

  protected override _error(error: unknown): void {
    try {
      this.subscriber.error(error);
    } finally {
      this.unsubscribe();
    }
  }

  /** The source is done with; bodies may still be on their way. */
  protected override _complete(): void {
    try {
      if (this.#open === 0) this.subscriber.complete();
    } finally {
      this.unsubscribe();
    }
  }

  ended({ teardown }: Reading<T>): void {
    this.#open--;
    if (teardown !== null) this.subscriber.remove(teardown);
    if (this.isStopped && this.#open === 0) this.subscriber.complete();
  }
}

/** Our own responses have it; those that an interceptor made up, or another copy of this package, have not. */
function incomingOf(response: ProtocolResponse): IncomingBody | undefined {
  return response instanceof AgentResponse || response instanceof IncomingResponse ? response.incoming : undefined;
}

/** The reading of one body. */
class Reading<T> implements Observer<T> {
  over = false;
  teardown: Unsubscribable | null = null;

  constructor(private readonly reader: BodyReader<T>) {}

  next(value: T): void {
    this.reader.subscriber.next(value);
  }

  error(error: unknown): void {
    this.over = true;
    this.reader.subscriber.error(error);
  }

  complete(): void {
    this.over = true;
    this.reader.ended(this);
  }
}
