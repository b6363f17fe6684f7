import {
  concat,
  isObservable,
  map,
  asyncScheduler,
  Observable,
  type ObservableInput,
  type SchedulerLike,
  type Subscriber,
} from 'rxjs';
import {
  targetOf,
  type HTTPHandler,
  type HTTPInterceptor,
  type HTTPRequest,
  type HTTPResponse,
} from '../agent/index.js';
import { InvalidOptionError, own } from '../errors/index.js';
import { isReplayable } from '../protocol/index.js';
import { Attempts } from './Attempts.js';
import { letGo } from './letGo.js';
import { originsOf, type CredentialOptions } from './originsOf.js';
import { TokenSource } from './TokenSource.js';

export interface BearerAuthOptions extends CredentialOptions {
  /** Of the second that the body of a 401 may take. Default `asyncScheduler`. */
  readonly scheduler?: SchedulerLike;
}

/**
 * Shows a token (RFC 6750) to the origins that are named, and to no other. It is fetched when the first request needs it,
 * and once more when a server answers 401: the request is then made again, once, if its body can be sent again.
 *
 * ```
 *   fetch      ^──(t|)           ^────(u|)           one for all that need it
 *   request a        ^──401           ^──200
 *   request b          ^────401       ^──200
 * ```
 *
 * `token` is text, an Observable, which is subscribed to for each token, or a function that returns one, or a promise.
 * The first value counts. A fetch that fails fails all that wait for it, and the next request tries again; when all of
 * them are unsubscribed from, so is the fetch. A request that has an Authorization header of its own keeps that.
 *
 * @throws InvalidOptionError
 *
 * @example
 * const origins = 'https://api.example';
 * const fetched = defer(() => login.post('/token').pipe(json<{ token: string }>(), map(({ token }) => token)));
 * const agent = new Agent({ baseURL: origins, interceptors: [bearerAuth(fetched, { origins })] });
 */
export function bearerAuth(
  token: string | Observable<string> | (() => ObservableInput<string>),
  options: BearerAuthOptions,
): HTTPInterceptor {
  const tokens = sourceOf(token);
  const origins = originsOf(options);
  const scheduler = own(options, 'scheduler') ?? asyncScheduler;
  return (request, next) =>
    origins.has(request.target.origin) && !request.headers.has('authorization')
      ? new Observable(subscriber => {
          new Authorized(request, next, subscriber, tokens, origins, scheduler).start();
        })
      : next(request);
}

function sourceOf(token: string | Observable<string> | (() => ObservableInput<string>)): TokenSource {
  if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return new TokenSource(null, token);
  if (typeof token === 'function') return new TokenSource(token);
  if (isObservable(token)) return new TokenSource(() => token);
  throw new InvalidOptionError('token', token, 'text, an Observable, or a function');
}

class Authorized extends Attempts {
  /** As it came, without a token. */
  readonly #bare: HTTPRequest;
  #token = '';
  #isSecond = false;

  constructor(
    request: HTTPRequest,
    handler: HTTPHandler,
    subscriber: Subscriber<HTTPResponse>,
    private readonly tokens: TokenSource,
    private readonly origins: ReadonlySet<string>,
    private readonly scheduler: SchedulerLike,
  ) {
    super(request, handler, subscriber);
    this.#bare = request;
  }

  override start(): void {
    const { current } = this.tokens;
    if (current === null) this.wait(this.tokens.get().pipe(map(token => this.#with(token))));
    else this.send(this.#with(current));
  }

  protected override after(response: HTTPResponse): Observable<HTTPRequest> | null {
    // Within this it may have been sent on to a server that never saw the token.
    if (response.status !== 401 || !this.origins.has(targetOf(response.url).origin)) return null;
    const mayChange = this.tokens.reject(this.#token);
    if (!mayChange || this.#isSecond || !isReplayable(this.#bare.body)) return null;
    this.#isSecond = true;
    return concat(letGo(response, this.scheduler), this.tokens.get().pipe(map(token => this.#with(token))));
  }

  #with(token: string): HTTPRequest {
    this.#token = token;
    return this.#bare.with({ headers: { Authorization: `Bearer ${token}` } });
  }
}
