import { Observable, type Observer, type OperatorFunction, type Subscriber, type Unsubscribable } from 'rxjs';
import { member } from '../errors/index.js';
import type { Collect, IncomingBody, ProtocolResponse, ReadOptions } from '../protocol/index.js';

/**
 * Flattens responses into what is made of their bodies: `mergeMap`, for the one case of a body, which can then be read
 * where it lies. That spares a subscription and, for a body that came with its head, every copy.
 */
export function readBody<T>(
  collect: Collect<T>,
  otherwise: (response: ProtocolResponse) => Observable<T>,
  options?: ReadOptions,
): OperatorFunction<ProtocolResponse, T> {
  return source => new Observable<T>(subscriber => new BodyReader(source, subscriber, collect, otherwise, options));
}

class BodyReader<T> implements Observer<ProtocolResponse>, Unsubscribable {
  #source: Unsubscribable | null = null;
  #sourceDone = false;
  #open = 0;
  /** Bodies that were not over at once. */
  #reading: Set<Reading<T>> | null = null;

  constructor(
    source: Observable<ProtocolResponse>,
    readonly subscriber: Subscriber<T>,
    private readonly collect: Collect<T>,
    private readonly otherwise: (response: ProtocolResponse) => Observable<T>,
    private readonly options: ReadOptions | undefined,
  ) {
    this.#source = source.subscribe(this);
  }

  next(response: ProtocolResponse): void {
    this.#open++;
    const reading = new Reading<T>(this);
    // Our own responses have it; those that an interceptor made up have not.
    const incoming = member(response as { incoming?: IncomingBody }, 'incoming');
    const teardown =
      incoming === undefined
        ? this.otherwise(response).subscribe(reading)
        : this.collect(incoming, reading, this.options);
    if (reading.over) return;
    reading.teardown = teardown;
    (this.#reading ??= new Set()).add(reading);
    if (this.subscriber.closed) teardown.unsubscribe();
  }

  error(error: unknown): void {
    this.subscriber.error(error);
  }

  complete(): void {
    this.#sourceDone = true;
    if (this.#open === 0) this.subscriber.complete();
  }

  ended(reading: Reading<T>): void {
    this.#open--;
    this.#reading?.delete(reading);
    if (this.#sourceDone && this.#open === 0) this.subscriber.complete();
  }

  unsubscribe(): void {
    this.#source?.unsubscribe();
    for (const { teardown } of this.#reading ?? []) teardown?.unsubscribe();
  }
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
