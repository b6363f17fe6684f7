import { asyncScheduler, concat, map, Observable, timer, type SchedulerLike, type Subscriber } from 'rxjs';
import type { HTTPHandler, HTTPInterceptor, HTTPRequest, HTTPResponse } from '../agent/index.js';
import {
  callable,
  count,
  duration,
  InvalidOptionError,
  isHTTPClientError,
  own,
  record,
  type HTTPClientErrorCode,
} from '../errors/index.js';
import { dropBody, isIdempotent, isReplayable } from '../protocol/index.js';
import { Attempts } from './Attempts.js';
import { letGo } from './letGo.js';
import { retryAfter } from './retryAfter.js';
import { RetryBudget } from './RetryBudget.js';

/** A retry that is about to be made. */
export type RetryEvent = {
  readonly request: HTTPRequest;
  /** Which one it is, from 1. */
  readonly retry: number;
  /** How long it waits first, in ms. */
  readonly delay: number;
} & (
  { readonly type: 'status'; readonly response: HTTPResponse } | { readonly type: 'error'; readonly error: unknown }
);

export interface RetryFailuresOptions {
  /** How often a request is made again. Default 3. */
  readonly maxRetries?: number;
  /** Default 408, 413 (if it says Retry-After), 429, 500, 502, 503, 504. */
  readonly statuses?: readonly number[];
  /** The longest wait before the first retry, in ms. Default 100. */
  readonly baseDelay?: number;
  /** By how much that grows with each. Default 2. */
  readonly factor?: number;
  /** The longest that it becomes, in ms. Default 10 000. */
  readonly maxDelay?: number;
  /** A server that says Retry-After to more than this, in ms, is not asked again. Default 60 000. */
  readonly maxRetryAfter?: number;
  /** Over all requests of this interceptor. `false`: as many as there may be. */
  readonly budget?: RetryBudgetOptions | false;
  /** Told of each retry before its wait. What it throws fails the request. */
  readonly onRetry?: (event: RetryEvent) => void;
  /** From 0 to 1, as `Math.random`, which is the default. */
  readonly random?: () => number;
  /** Of the waits. Default `asyncScheduler`: a wait keeps the process alive, as somebody waits for it. */
  readonly scheduler?: SchedulerLike;
}

export interface RetryBudgetOptions {
  /** Retries per request. Default 0.1: at most a tenth more requests. */
  readonly ratio?: number;
  /** Retries in 10 s that may be made all the same, for those who make few requests. Default 10. */
  readonly floor?: number;
}

/**
 * Makes a request again that failed, or was answered with a status that says so, after a wait that grows and is random
 * (exponential back-off with full jitter), and is as long as Retry-After says at least.
 *
 * ```
 *   request    ^──503      ^──503          ^──200      the 503s' bodies are out of the way first
 *   wait             ~~~~        ~~~~~~~~              a random part of 100 ms, of 200 ms, …
 *   response   ──────────────────────────────(r|)
 * ```
 *
 * Only what can be made again: an idempotent method, an Idempotency-Key header or `idempotent: true`, or an error that
 * says that nothing was sent; and a body that is a string, bytes or a function. Never what was aborted, what is wrong
 * with the request itself, and what the pool refuses because it is full.
 *
 * When there are no more retries, by `maxRetries`, the budget, `maxRetryAfter` or as the wait would outlast
 * `timeouts.total`, the last outcome is delivered: a response with its body, or the error.
 *
 * Gotcha: a body that fails after its response was delivered is the reader's affair: a `retry` of RxJS behind the reading.
 *
 * @throws InvalidOptionError
 *
 * @example
 * const agent = new Agent({ interceptors: [retryFailures({ onRetry: ({ retry, delay }) => console.log(retry, delay) })] });
 */
export function retryFailures(options: RetryFailuresOptions = {}): HTTPInterceptor {
  const settings: Settings = {
    maxRetries: count(options, 'maxRetries', 3),
    statuses: new Set(statusesOf(own(options, 'statuses') ?? defaultStatuses)),
    baseDelay: duration(options, 'baseDelay', 100),
    factor: atLeast(options, 'factor', 2, 1),
    maxDelay: duration(options, 'maxDelay', 10_000),
    maxRetryAfter: duration(options, 'maxRetryAfter', 60_000),
    budget: budgetOf(options),
    onRetry: callable(options, 'onRetry'),
    random: callable(options, 'random') ?? Math.random,
    scheduler: own(options, 'scheduler') ?? asyncScheduler,
  };
  return (request, next) =>
    new Observable(subscriber => {
      settings.budget?.earn();
      new Retries(request, next, subscriber, settings).start();
    });
}

const defaultStatuses = [408, 413, 429, 500, 502, 503, 504];

/** Nothing was sent: whatever it was, it can be sent. */
const notSent: ReadonlySet<HTTPClientErrorCode> = new Set([
  'ERR_CONNECT',
  'ERR_CONNECT_TIMEOUT',
  'ERR_UNSOLICITED_DATA',
  'ERR_PROXY',
  'ERR_REQUEST_NOT_SENT',
]);
/** Nobody knows whether the server has acted on it. */
const uncertain: ReadonlySet<HTTPClientErrorCode> = new Set([
  'ERR_REQUEST_TRANSMISSION_FAILED',
  'ERR_UPLOAD_TIMEOUT',
  'ERR_RESPONSE_NEVER_RECEIVED',
  'ERR_HEADERS_TIMEOUT',
  'ERR_RESPONSE_FAILED',
]);

/** The longest that a timer can wait. */
const maxWait = 2 ** 31 - 1;

interface Settings {
  readonly maxRetries: number;
  readonly statuses: ReadonlySet<number>;
  readonly baseDelay: number;
  readonly factor: number;
  readonly maxDelay: number;
  readonly maxRetryAfter: number;
  readonly budget: RetryBudget | null;
  readonly onRetry: ((event: RetryEvent) => void) | undefined;
  readonly random: () => number;
  readonly scheduler: SchedulerLike;
}

type Reason =
  { readonly type: 'status'; readonly response: HTTPResponse } | { readonly type: 'error'; readonly error: unknown };

class Retries extends Attempts {
  #retries = 0;

  constructor(
    request: HTTPRequest,
    handler: HTTPHandler,
    subscriber: Subscriber<HTTPResponse>,
    private readonly settings: Settings,
  ) {
    super(request, handler, subscriber);
  }

  protected override after(response: HTTPResponse): Observable<HTTPRequest> | null {
    const { status, headers } = response;
    const { statuses, scheduler } = this.settings;
    if (!statuses.has(status) || !isIdempotent(this.request)) return null;
    const asked = retryAfter(headers.get('retry-after'), scheduler.now());
    if (status === 413 && asked === null) return null; // it will be too large the next time as well
    let delay: number | null;
    try {
      delay = this.#delay(asked);
      if (delay === null) return null;
      this.#tell({ type: 'status', response }, delay);
    } catch (error) {
      dropBody(response);
      throw error;
    }
    return concat(letGo(response, scheduler), this.#wait(delay));
  }

  protected override afterError(error: unknown): Observable<HTTPRequest> | null {
    if (!isHTTPClientError(error)) return null;
    if (!notSent.has(error.code) && !(uncertain.has(error.code) && isIdempotent(this.request))) return null;
    const delay = this.#delay(null);
    if (delay === null) return null;
    this.#tell({ type: 'error', error }, delay);
    return this.#wait(delay);
  }

  /** How long to wait, `asked` at least; null: there is no retry. */
  #delay(asked: number | null): number | null {
    const { maxRetries, baseDelay, factor, maxDelay, maxRetryAfter, random, budget, scheduler } = this.settings;
    if (this.#retries >= maxRetries || !isReplayable(this.request.body)) return null;
    if (asked !== null && asked > maxRetryAfter) return null;
    // On top of what was asked: everybody was asked the same.
    const delay = (asked ?? 0) + random() * Math.min(baseDelay * factor ** this.#retries, maxDelay);
    const timeLeft = this.request.operation?.timeLeft ?? Infinity;
    if (delay >= timeLeft || delay > maxWait) return null;
    if (budget?.take(scheduler.now()) === false) return null;
    this.#retries++;
    return delay;
  }

  #tell(reason: Reason, delay: number): void {
    this.settings.onRetry?.({ ...reason, request: this.request, retry: this.#retries, delay });
  }

  #wait(delay: number): Observable<HTTPRequest> {
    return timer(delay, this.settings.scheduler).pipe(map(() => this.request));
  }
}

function statusesOf(statuses: readonly number[]): readonly number[] {
  const given: unknown = statuses;
  if (Array.isArray(given) && given.every(Number.isInteger)) return given as number[];
  throw new InvalidOptionError('statuses', statuses, 'an array of numbers');
}

function budgetOf(options: RetryFailuresOptions): RetryBudget | null {
  if (own(options, 'budget') === false) return null;
  const given = record(options as { budget?: RetryBudgetOptions }, 'budget') ?? {};
  return new RetryBudget(atLeast(given, 'ratio', 0.1, 0), count(given, 'floor', 10));
}

function atLeast<K extends string>(
  options: { readonly [P in K]?: number },
  name: K,
  otherwise: number,
  least: number,
): number {
  const value = own(options, name) ?? otherwise;
  if (typeof value === 'number' && value >= least) return value;
  throw new InvalidOptionError(name, value, `a number from ${least}`);
}
