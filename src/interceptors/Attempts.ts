import { Subscriber, type Observable } from 'rxjs';
import { describe, type HTTPHandler, type HTTPRequest, type HTTPResponse } from '../agent/index.js';
import { guarded } from '../timing/index.js';

/**
 * Requests that are made one after another in the place of one, until the outcome of one of them is delivered.
 *
 * ```
 *   attempt   ^──r            ^──r|      r = response
 *   between      ^────(q|)               q = the request to make next: drained, backed off, refreshed
 *   outcome   ───────────────────r|
 * ```
 *
 * Answers that come at once do not grow the stack, however many there are.
 */
export abstract class Attempts {
  #upcoming: HTTPRequest | null = null;
  #sending = false;
  #delivered = false;

  constructor(
    /** That of the latest attempt. */
    protected request: HTTPRequest,
    private readonly handler: HTTPHandler,
    private readonly subscriber: Subscriber<HTTPResponse>,
  ) {}

  /** Makes the first request. */
  start(): void {
    this.send(this.request);
  }

  /** Null: the response is delivered. Else emits the request to make next, once. What it throws is the outcome. */
  protected abstract after(response: HTTPResponse): Observable<HTTPRequest> | null;

  /** The same for a failure. */
  protected afterError(_error: unknown): Observable<HTTPRequest> | null {
    return null;
  }

  /** The response as it is delivered. */
  protected final(response: HTTPResponse): HTTPResponse {
    return response;
  }

  /** @internal */
  answered(response: HTTPResponse, attempt: Subscriber<HTTPResponse>): void {
    let next$: Observable<HTTPRequest> | null;
    let final = response;
    try {
      next$ = this.after(response);
      if (next$ === null) final = this.final(response);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (next$ === null) {
      this.#delivered = true;
      this.subscriber.next(final);
    } else this.#again(next$, attempt);
  }

  /** @internal */
  failed(error: unknown, attempt: Subscriber<HTTPResponse>): void {
    let next$: Observable<HTTPRequest> | null = null;
    try {
      if (!this.#delivered) next$ = this.afterError(error);
    } catch (thrown) {
      this.#fail(thrown);
      return;
    }
    if (next$ === null) this.subscriber.error(error);
    else this.#again(next$, attempt);
  }

  protected send(request: HTTPRequest): void {
    this.#upcoming = request;
    // The answer came from within `subscribe`: the loop there goes on.
    if (this.#sending) return;
    this.#sending = true;
    while (this.#upcoming !== null && !this.subscriber.closed) {
      this.request = this.#upcoming;
      this.#upcoming = null;
      try {
        this.handler(this.request).subscribe(new Attempt(this.subscriber, this));
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#sending = false;
  }

  /** Waits for the request to make next. */
  protected wait(next$: Observable<HTTPRequest>): void {
    const waiting = next$.subscribe({
      next: request => this.send(request),
      error: error => this.#fail(error),
      complete: () => undefined,
    });
    this.subscriber.add(waiting);
  }

  #again(next$: Observable<HTTPRequest>, attempt: Subscriber<HTTPResponse>): void {
    // What else it says is of no consequence. A finalizer that throws must not keep the next from being made.
    guarded(() => attempt.unsubscribe());
    this.wait(next$);
  }

  #fail(error: unknown): void {
    this.subscriber.error(describe(error, this.request));
  }
}

/**
 * One attempt. A `Subscriber`, not an observer, which RxJS would wrap in one: three interceptors that have nothing to do
 * cost half as much.
 */
class Attempt extends Subscriber<HTTPResponse> {
  constructor(
    subscriber: Subscriber<HTTPResponse>,
    private readonly attempts: Attempts,
  ) {
    super(subscriber);
  }

  protected override _next(response: HTTPResponse): void {
    this.attempts.answered(response, this);
  }

  protected override _error(error: unknown): void {
    try {
      this.attempts.failed(error, this);
    } finally {
      this.unsubscribe();
    }
  }
}
