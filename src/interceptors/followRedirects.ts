import { asyncScheduler, concat, Observable, of, type SchedulerLike, type Subscriber } from 'rxjs';
import type { HTTPHandler, HTTPInterceptor, HTTPRequest, HTTPResponse } from '../agent/index.js';
import { count, flag, InvalidOptionError, own, TooManyRedirectsError } from '../errors/index.js';
import { Attempts } from './Attempts.js';
import { letGo } from './letGo.js';
import { redirected, type RedirectRules } from './redirected.js';

export interface FollowRedirectsOptions {
  /** How many of them in a row. Default 20. */
  readonly maxRedirects?: number;
  /** A POST that is answered 301 or 302 stays one, as the RFC has it, and does not become a GET, as in browsers. Default false. */
  readonly strict?: boolean;
  /** Names of headers that go to another origin too, beside the harmless ones. */
  readonly keepHeaders?: readonly string[];
  /** Also from https to http. Default false. */
  readonly allowDowngrade?: boolean;
  /** Of the second that the body of a redirect may take. Default `asyncScheduler`. */
  readonly scheduler?: SchedulerLike;
}

/**
 * Follows 301, 302, 303, 307 and 308 (RFC 9110 section 15.4). `response.url` is where it ended, `response.history` has
 * the redirects.
 *
 * ```
 *   GET /a     ^──302
 *   GET /b           ^──302          once the body of the first is out of the way
 *   GET /c                 ^──200
 *   response   ───────────────(r|)   r.history = [302, 302]
 * ```
 *
 * 303 makes everything but HEAD a GET without a body, 301 and 302 so a POST; else method and body stay. To another
 * origin go only headers that are known to be harmless, never Authorization, Cookie, Host or one of your own, unless
 * `keepHeaders` names it, and none comes back on the way back. Credentials in a Location are not used.
 *
 * Delivered as it is: a redirect without a Location, and one whose request has a body that can be read only once.
 * Errors: `TooManyRedirectsError`; `RedirectError` for a Location that is no http or https URL, several of them, and
 * one from https to http.
 *
 * Gotchas: a redirect may lead out of the agent's `baseURL`, and to any address: refuse addresses in `connect.lookup`. Put
 * this outside of `cookies`, which else does not see the cookies of a redirect.
 *
 * @throws InvalidOptionError
 *
 * @example
 * const agent = new Agent({ interceptors: [followRedirects({ maxRedirects: 5 })] });
 */
export function followRedirects(options: FollowRedirectsOptions = {}): HTTPInterceptor {
  const settings: Settings = {
    maxRedirects: count(options, 'maxRedirects', 20),
    strict: flag(options, 'strict', false),
    keepHeaders: namesOf(own(options, 'keepHeaders') ?? []),
    allowDowngrade: flag(options, 'allowDowngrade', false),
    scheduler: own(options, 'scheduler') ?? asyncScheduler,
  };
  return (request, next) =>
    new Observable(subscriber => {
      new Redirects(request, next, subscriber, settings).start();
    });
}

interface Settings extends RedirectRules {
  readonly maxRedirects: number;
  readonly scheduler: SchedulerLike;
}

class Redirects extends Attempts {
  #history: readonly HTTPResponse[] | null = null;

  constructor(
    request: HTTPRequest,
    handler: HTTPHandler,
    subscriber: Subscriber<HTTPResponse>,
    private readonly settings: Settings,
  ) {
    super(request, handler, subscriber);
  }

  protected override after(response: HTTPResponse): Observable<HTTPRequest> | null {
    const { status } = response;
    if (status < 301 || status > 308) return null;
    const { maxRedirects, scheduler } = this.settings;
    const next = redirected(this.request, response, this.settings);
    if (next === null) return null;
    const history = this.#history ?? [];
    if (history.length >= maxRedirects) throw new TooManyRedirectsError(maxRedirects, this.final(response));
    this.#history = [...history, response];
    return concat(letGo(response, scheduler), of(next));
  }

  protected override final(response: HTTPResponse): HTTPResponse {
    return this.#history === null ? response : response.with({ history: [...this.#history, ...response.history] });
  }
}

function namesOf(names: readonly string[]): ReadonlySet<string> {
  if (Array.isArray(names) && names.every(name => typeof name === 'string')) {
    return new Set(names.map((name: string) => name.toLowerCase()));
  }
  throw new InvalidOptionError('keepHeaders', names, 'an array of names');
}
