import type { Observable, Observer, Subscriber, Unsubscribable } from 'rxjs';
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
 * It is observer and teardown in one, as it is made for every request, and nearly all of them have one attempt. Answers
 * that come at once do not grow the stack, however many there are.
 */
export abstract class Attempts implements Observer<HTTPResponse>, Unsubscribable {
  #attempt: Unsubscribable | null = null;
  #between: Unsubscribable | null = null;
  /** The outcome of the last attempt is known, and is not delivered: what else that says is of no consequence. */
  #waiting = false;
  #upcoming: HTTPRequest | null = null;
  #sending = false;
  #delivered = false;

  constructor(
    /** That of the latest attempt. */
    protected request: HTTPRequest,
    private readonly handler: HTTPHandler,
    private readonly subscriber: Subscriber<HTTPResponse>,
  ) {}

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

  next(response: HTTPResponse): void {
    if (this.#waiting) return;
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
    } else this.wait(next$);
  }

  error(error: unknown): void {
    if (this.#waiting) return;
    let next$: Observable<HTTPRequest> | null = null;
    try {
      if (!this.#delivered) next$ = this.afterError(error);
    } catch (thrown) {
      this.#fail(thrown);
      return;
    }
    if (next$ === null) this.subscriber.error(error);
    else this.wait(next$);
  }

  complete(): void {
    if (!this.#waiting) this.subscriber.complete();
  }

  unsubscribe(): void {
    this.#attempt?.unsubscribe();
    this.#between?.unsubscribe();
  }

  /** Makes a request, in the place of the attempt that is over. */
  protected send(request: HTTPRequest): void {
    this.#upcoming = request;
    // The answer came from within `subscribe`: the loop there goes on.
    if (this.#sending) return;
    this.#sending = true;
    while (this.#upcoming !== null && !this.subscriber.closed) {
      this.request = this.#upcoming;
      this.#upcoming = null;
      this.#waiting = false;
      let attempt: Unsubscribable;
      try {
        attempt = this.handler(this.request).subscribe(this);
      } catch (error) {
        this.#fail(error);
        break;
      }
      if (this.#waiting || this.subscriber.closed) guarded(() => attempt.unsubscribe());
      else this.#attempt = attempt;
    }
    this.#sending = false;
  }

  /** Waits for the request to make next. */
  protected wait(next$: Observable<HTTPRequest>): void {
    this.#waiting = true;
    const attempt = this.#attempt;
    this.#attempt = null;
    // A finalizer that throws must not keep the next attempt from being made.
    guarded(() => attempt?.unsubscribe());
    const between = next$.subscribe({
      next: request => this.send(request),
      error: error => this.#fail(error),
    });
    // If that was all at once, there may be another wait by now.
    if (!between.closed) this.#between = between;
    if (this.subscriber.closed) between.unsubscribe();
  }

  #fail(error: unknown): void {
    this.subscriber.error(describe(error, this.request));
  }
}
