import { lastValueFrom, Observable, of, throwError, type Observer, type Subscriber, type TeardownLogic } from 'rxjs';
import { AbortedError, own, record, type HTTPClientError } from '../errors/index.js';
import type { CloseOptions, HTTPConnectionPool } from '../pool/index.js';
import { keepPrepared } from '../protocol/index.js';
import { AgentExchange } from './AgentExchange.js';
import { agentSettings, type AgentOptions, type AgentSettings } from './AgentOptions.js';
import type { AgentBody } from './bodyOf.js';
import { acceptEncoding } from './codings.js';
import { describe } from './describe.js';
import type { HTTPEvent } from './HTTPEvent.js';
import { chain, type HTTPHandler } from './HTTPInterceptor.js';
import { HTTPRequest, type HTTPRequestInit, type RequestOptions } from './HTTPRequest.js';
import type { HTTPResponse } from './HTTPResponse.js';
import { observerOf } from './observerOf.js';
import { Operation } from './Operation.js';
import { ProxyRoute, type Via } from './ProxyRoute.js';
import type { ProxySelector } from './ProxyServer.js';
import { Route } from './Route.js';
import { isTraced, trace } from './trace.js';

/** A crawler sees many URLs: what is here costs less to make anew than to keep for ever. */
const maxPlainGets = 1_000;
const maxPlainURL = 2_048;

/**
 * An HTTP client: URL in, response out, over a pool of persistent connections.
 *
 * Requests are cold: each subscription is a new request, so `retry` and `repeat` work. They emit the response head and
 * complete; the body is in the response. Unsubscribing before the head cancels, in whatever phase; after it the body
 * owns the exchange. A status is never an error, unless `throwIfNotOk()` is asked for.
 *
 * ```
 *   agent.get(url)               ^────(r|)
 *   agent.get(url).pipe(text())  ^──────(t|)
 * ```
 *
 * @example
 * const agent = new Agent({ baseURL: 'https://api.example', timeouts: { total: 5_000 } });
 * agent
 *   .get('/users', { query: { page: 2 } })
 *   .pipe(throwIfNotOk(), json<User[]>())
 *   .subscribe({ next: users => console.log(users), error: error => console.error(error) });
 */
export class Agent {
  /** The pool under it: its own, or the one it was given. */
  readonly pool: HTTPConnectionPool;
  readonly #settings: AgentSettings;
  readonly #route: Route;
  readonly #proxies: ProxyRoute | null;
  readonly #handler: HTTPHandler;
  readonly #plainGets = new Map<string, HTTPRequest>();

  /** Throws `InvalidOptionError` for an option that makes no sense. */
  constructor(options: AgentOptions = {}) {
    this.#settings = agentSettings(options);
    this.pool = this.#settings.pool;
    const { connect, proxy } = this.#settings;
    this.#route = new Route(connect, this.pool.scheduler);
    this.#proxies = proxy && new ProxyRoute(proxy, this.#route, connect, this.pool.scheduler);
    this.#handler = chain(this.#settings.interceptors, request => new Observable(s => this.#exchange(request, s)));
  }

  /**
   * Sends a request. An invalid one (URL, method, header, body) is an error notification, never thrown. It is read and
   * checked at the call: what is done to `init` later has no effect.
   *
   * Errors: the `HTTPClientError` family, with the request's method and URL (without credentials and query).
   */
  request(init: HTTPRequestInit | HTTPRequest): Observable<HTTPResponse> {
    return this.#cold(() => init);
  }

  get(url: string | URL, options?: RequestOptions): Observable<HTTPResponse> {
    const isPlain = options === undefined && typeof url === 'string';
    return this.#cold(() => (isPlain ? this.#plainGet(url) : { ...options, method: 'GET', url }));
  }

  head(url: string | URL, options?: RequestOptions): Observable<HTTPResponse> {
    return this.#cold(() => ({ ...options, method: 'HEAD', url }));
  }

  delete(url: string | URL, options?: RequestOptions): Observable<HTTPResponse> {
    return this.#cold(() => ({ ...options, method: 'DELETE', url }));
  }

  post(url: string | URL, body?: AgentBody | null, options?: RequestOptions): Observable<HTTPResponse> {
    return this.#cold(() => withBody('POST', url, body, options));
  }

  put(url: string | URL, body?: AgentBody | null, options?: RequestOptions): Observable<HTTPResponse> {
    return this.#cold(() => withBody('PUT', url, body, options));
  }

  patch(url: string | URL, body?: AgentBody | null, options?: RequestOptions): Observable<HTTPResponse> {
    return this.#cold(() => withBody('PATCH', url, body, options));
  }

  /**
   * Sends a request and tells all that happens to it, to the end of the response's body. Unsubscribing aborts it in
   * every phase, the body included.
   *
   * ```
   *   requestEvents  ^──s──u─u──r──d─d─(x|)    s = sent, u = uploadProgress, r = response, d = downloadProgress, x = done
   * ```
   *
   * Gotcha: the body comes only as far as somebody reads it: subscribe to it when the response comes.
   */
  requestEvents(init: HTTPRequestInit | HTTPRequest): Observable<HTTPEvent> {
    let prepared: HTTPRequest;
    try {
      prepared = this.#prepare(init);
    } catch (error) {
      return throwError(() => error);
    }
    return new Observable<HTTPEvent>(subscriber => {
      let response: HTTPResponse | null = null;
      const stack = this.pool.captureStack();
      const request = prepared.with({ observer: observerOf(prepared.observer, subscriber) }).calledFrom(stack);
      const answer: Observer<HTTPResponse> = {
        next: value => {
          response = value;
          subscriber.next({ type: 'response', response: value });
        },
        error: error => subscriber.error(error),
        complete: () => undefined, // it completes with the body
      };
      const ended = (failure: HTTPClientError | null): void => {
        if (failure !== null) subscriber.error(describe(failure, request));
        else if (response !== null) subscriber.next({ type: 'done', timings: response.timings });
        subscriber.complete();
      };
      const operation = this.#operate(request, answer, ended);
      return () => operation.abort(new AbortedError('The events were unsubscribed from'));
    });
  }

  /**
   * An agent with these options on top of its own: headers and timeouts field by field, interceptors inside its own, the
   * others instead of its own. They share the pool, unless another is given.
   */
  extend(options: AgentOptions): Agent {
    const { pool, interceptors, defaults, headers, decompress, connect, key, endpoint, proxy } = this.#settings;
    const added = own(options, 'headers');
    return new Agent({
      ...{ pool, baseURL: defaults.baseURL, decompress: decompress ?? false, connect, key, endpoint },
      proxy: proxy as ProxySelector | null, // it may also be what was made of a proxy's options, read once
      ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
      headers: added === undefined ? headers : headers.with(added),
      timeouts: { ...defaults.timeouts, ...record(options, 'timeouts') },
      interceptors: [...interceptors, ...(own(options, 'interceptors') ?? [])],
    });
  }

  /**
   * The key under which the pool keeps the connections for a URL: for `pool.stats`, `pool.closeIdle` and `pool.warmUp`.
   * Throws `InvalidRequestError` for a URL that makes no sense.
   *
   * @example
   * agent.pool.stats(agent.keyOf('https://api.example.com/'))?.idle
   */
  keyOf(url: string | URL): string {
    const request = this.#prepare({ url });
    return this.#keyOf(request, this.#proxies === null ? null : this.#proxies.choose(request));
  }

  /** Closes the pool, if the agent made it; see `HTTPConnectionPool.close`. */
  close(options?: CloseOptions): Observable<void> {
    return this.#settings.ownsPool ? this.pool.close(options) : of(undefined);
  }

  /** `await using agent = new Agent()`: closes its pool with the default grace period. */
  [Symbol.asyncDispose](): Promise<void> {
    return lastValueFrom(this.close());
  }

  // ---- how a request runs ----

  #prepare(init: HTTPRequestInit | HTTPRequest): HTTPRequest {
    if (init instanceof HTTPRequest) return init;
    const request = new HTTPRequest(init, this.#settings.defaults);
    // A part of an encoded body cannot be decoded.
    const wantsPart = request.headers.has('range') && request.headers.get('accept-encoding') === acceptEncoding;
    return wantsPart ? request.with({ headers: { 'Accept-Encoding': 'identity' } }) : request;
  }

  /** What `read` throws, an invalid request or a getter of the caller's, is told to who subscribes. */
  #cold(read: () => HTTPRequestInit | HTTPRequest): Observable<HTTPResponse> {
    let request: HTTPRequest;
    try {
      request = this.#prepare(read());
    } catch (error) {
      return throwError(() => error);
    }
    return new Observable(subscriber => this.#start(request, subscriber));
  }

  /** A GET that says nothing but its URL is the same request each time: it is made, checked and serialised once. */
  #plainGet(url: string): HTTPRequest {
    let request = this.#plainGets.get(url);
    if (request === undefined) {
      request = new HTTPRequest({ url }, this.#settings.defaults);
      // Long ones are seldom asked for again.
      if (url.length > maxPlainURL) return request;
      keepPrepared(request);
      if (this.#plainGets.size >= maxPlainGets) this.#plainGets.clear();
      this.#plainGets.set(url, request);
    }
    return request;
  }

  /** What it throws (an option of the connection that makes no sense) RxJS makes the error of the subscriber. */
  #start(given: HTTPRequest, subscriber: Subscriber<HTTPResponse>): TeardownLogic {
    const request = given.calledFrom(this.pool.captureStack());
    if (request.timeouts.total !== Infinity || request.signal !== undefined || isTraced()) {
      const operation = this.#operate(request, subscriber);
      return () => operation.left();
    }
    // Without interceptors there is nothing between the subscriber and the exchange.
    if (this.#settings.interceptors.length === 0) return this.#exchange(request, subscriber);
    return this.#handler(request).subscribe(subscriber);
  }

  /** Runs a request that something outside may end. */
  #operate(
    init: HTTPRequest,
    heard: Observer<HTTPResponse>,
    over: (failure: HTTPClientError | null) => void = () => undefined,
  ): Operation {
    const plain = { request: init, observer: heard, ended: over };
    const { request, observer, ended } = isTraced() ? trace(plain) : plain;
    const { signal, timeouts } = request;
    const copy = request.with({}); // the operation is of this subscription, not of all of the request's
    const operation = new Operation(
      {
        next: response => observer.next(response),
        error: error => observer.error(describe(error, request)),
        complete: () => observer.complete(),
      },
      this.pool.deadlines,
      timeouts.total,
      signal,
      ended,
    );
    copy.operation = operation;
    if (signal?.aborted) operation.abort(new AbortedError('The signal was aborted', { cause: signal.reason }));
    else operation.run(this.#handler(copy));
    return operation;
  }

  #exchange(request: HTTPRequest, subscriber: Subscriber<HTTPResponse>): TeardownLogic {
    const { endpoint, decompress } = this.#settings;
    const { acquire } = request.timeouts;
    // First what may be the caller's, and take its time: the exchange reads the clock.
    const via = this.#proxies === null ? null : this.#proxies.choose(request);
    const endpoint$ = via?.endpoint ?? endpoint?.(request) ?? this.#route.endpoint(request);
    const key = this.#keyOf(request, via);
    const exchange = new AgentExchange(request, subscriber, this.pool.deadlines, decompress, via?.message);
    const acquireTimeout = acquire === Infinity ? this.pool.acquireTimeout : acquire;
    exchange.get = this.pool.acquire(key, endpoint$, acquireTimeout, exchange, exchange.startedAt, request.callerStack);
    return exchange;
  }

  #keyOf(request: HTTPRequest, via: Via | null): string {
    const { key } = this.#settings;
    if (via === null) return key === undefined ? this.#route.key(request.target) : key(request);
    // Also beside a key of the caller's: connections of different proxies are never mixed.
    return key === undefined ? via.key : `${key(request)} ${via.mark}`;
  }
}

function withBody(
  method: string,
  url: string | URL,
  body: AgentBody | null | undefined,
  options: RequestOptions | undefined,
): HTTPRequestInit {
  return body === undefined ? { ...options, method, url } : { ...options, method, url, body };
}
