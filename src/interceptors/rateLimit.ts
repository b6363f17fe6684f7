import { asyncScheduler, Observable, type SchedulerLike, type Subscriber, type Unsubscribable } from 'rxjs';
import type { HTTPHandler, HTTPInterceptor, HTTPRequest, HTTPResponse } from '../agent/index.js';
import { callable, count, InvalidOptionError, own } from '../errors/index.js';
import { unrefScheduler } from '../timing/index.js';
import { Lane, type LaneRules, type Turn } from './Lane.js';

export interface RateLimitOptions {
  /** Evenly spaced: at 4, one starts every 250 ms at most. A half is one every 2 s. Default ∞. */
  readonly requestsPerSecond?: number;
  /** How many may be under way, from the start of the request to the end of the body. Default ∞. */
  readonly concurrency?: number;
  /** What is counted apart. Default: scheme, host and port. */
  readonly key?: (request: HTTPRequest) => string;
  /** Default `asyncScheduler`: a wait keeps the process alive, as somebody waits for it. */
  readonly scheduler?: SchedulerLike;
}

/**
 * Keeps requests to a server apart, or few at a time: those that have to wait do, in order. Unsubscribing gives up the
 * place, in the queue or under way.
 *
 * ```
 *   requestsPerSecond: 1    concurrency: 1
 *   a  ^──r|                ^──r───d─d|                  d = the body
 *   b  ────────^──r|        ──────────^──r|
 *      ~~~~~~~~ 1 s
 * ```
 *
 * Gotchas: a long body that nobody reads keeps its place until it is discarded (`timeouts.bodyUnclaimed`). The queue has
 * no limit; `timeouts.total` bounds the wait. Put this inside of interceptors that make several requests of one, as
 * `followRedirects` and `retryFailures` do, so that each is counted.
 *
 * @throws InvalidOptionError
 *
 * @example
 * const agent = new Agent({ interceptors: [rateLimit({ requestsPerSecond: 2, concurrency: 1 })] });
 */
export function rateLimit(options: RateLimitOptions = {}): HTTPInterceptor {
  const scheduler = own(options, 'scheduler');
  const rules: LaneRules = {
    concurrency: count(options, 'concurrency', Infinity, 1),
    interval: intervalOf(own(options, 'requestsPerSecond') ?? Infinity),
    scheduler: scheduler ?? asyncScheduler,
    idleScheduler: scheduler ?? unrefScheduler,
  };
  const keyOf = callable(options, 'key') ?? (({ target }: HTTPRequest) => target.origin);
  const lanes = new Map<string, Lane>();
  return (request, next) =>
    new Observable(subscriber => {
      const key = keyOf(request);
      let lane = lanes.get(key);
      if (lane === undefined) lanes.set(key, (lane = new Lane(rules, () => lanes.delete(key))));
      return new LimitedRequest(lane, request, next, subscriber).enter();
    });
}

function intervalOf(requestsPerSecond: number): number {
  const interval = 1_000 / requestsPerSecond;
  if (typeof requestsPerSecond === 'number' && requestsPerSecond > 0 && interval <= 2 ** 31 - 1) return interval;
  throw new InvalidOptionError('requestsPerSecond', requestsPerSecond, 'a number above 0');
}

/** One request: it waits, is under way, and is over when its source and every body are. */
class LimitedRequest implements Turn, Unsubscribable {
  #exchange: Unsubscribable | null = null;
  #isOpen = false;
  /** The source, and bodies. */
  #parts = 0;

  constructor(
    private readonly lane: Lane,
    private readonly request: HTTPRequest,
    private readonly handler: HTTPHandler,
    private readonly subscriber: Subscriber<HTTPResponse>,
  ) {}

  enter(): this {
    this.lane.enter(this);
    return this;
  }

  start(): void {
    this.#isOpen = true;
    this.#parts = 1;
    let exchange: Unsubscribable;
    try {
      exchange = this.handler(this.request).subscribe(this);
    } catch (error) {
      this.error(error);
      return;
    }
    this.#exchange = exchange;
    // Left while it was being subscribed to.
    if (this.subscriber.closed) this.unsubscribe();
  }

  next(response: HTTPResponse): void {
    this.#parts++;
    const over = (): void => this.#over();
    // One that an interceptor made up may have none.
    const trailers$ = (response as Partial<HTTPResponse>).trailers;
    if (trailers$ === undefined) over();
    else trailers$.subscribe({ next: () => undefined, error: over, complete: over });
    this.subscriber.next(response);
  }

  error(error: unknown): void {
    this.#close();
    this.subscriber.error(error);
  }

  complete(): void {
    this.#close();
    this.subscriber.complete();
  }

  unsubscribe(): void {
    this.lane.leave(this);
    this.#exchange?.unsubscribe();
    this.#close();
  }

  /** The source is over, in whatever way. */
  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#over();
  }

  #over(): void {
    if (--this.#parts === 0) this.lane.done();
  }
}
