import { concatMap, defer, from, map, Observable, of, Subscriber, type Unsubscribable } from 'rxjs';
import type { HTTPInterceptor, HTTPRequest, HTTPResponse } from '../agent/index.js';
import { InvalidOptionError, member } from '../errors/index.js';
import { dropBody } from '../protocol/index.js';

/** What keeps cookies: a `CookieJar` of tough-cookie, or another that has these two. */
export interface CookieJarLike {
  /** The value of a Cookie header for that URL, empty if there is none. */
  getCookieString(url: string): string | PromiseLike<string>;
  /** Takes the value of a Set-Cookie header. With `ignoreError` one that makes no sense is no error. */
  setCookie(cookie: string, url: string, options: { readonly ignoreError: true }): unknown;
}

/** A jar of tough-cookie whose store answers at once has these as well. */
interface SynchronousJar {
  readonly store?: { readonly synchronous?: boolean | undefined };
  getCookieStringSync(url: string): string;
  setCookieSync(cookie: string, url: string, options: { readonly ignoreError: true }): unknown;
}

/**
 * Sends the cookies of a jar and puts those of every response into it, before the response is delivered. The jar decides
 * which cookie is for which URL.
 *
 * A request that has a Cookie header of its own is sent with that alone. A cookie that makes no sense never fails a
 * request; an error of the jar does. A jar in memory, as tough-cookie's by default, is used without a promise in between.
 *
 * Gotcha: put this inside of `followRedirects`, or the cookies of a redirect are lost.
 *
 * @example
 * import { CookieJar } from 'tough-cookie';
 *
 * const agent = new Agent({ interceptors: [followRedirects(), cookies(new CookieJar())] });
 */
export function cookies(jar: CookieJarLike): HTTPInterceptor {
  const given = (jar ?? {}) as Partial<CookieJarLike>;
  if (typeof given.getCookieString !== 'function' || typeof given.setCookie !== 'function') {
    throw new InvalidOptionError('jar', jar, 'an object with getCookieString and setCookie');
  }
  if (isSynchronous(jar)) {
    return (request, next) =>
      new Observable(subscriber => {
        const asked = !isKnownEmpty(jar) && !request.headers.has('cookie');
        const sent = asked ? withCookie(request, jar.getCookieStringSync(request.url)) : request;
        return next(sent).subscribe(new Storing(subscriber, jar));
      });
  }
  return (request, next) =>
    (request.headers.has('cookie')
      ? of(request)
      : defer(() => settled(jar.getCookieString(request.url))).pipe(map(cookie => withCookie(request, cookie)))
    ).pipe(
      concatMap(sent => next(sent)),
      concatMap(response => stored(jar, response)),
    );
}

/**
 * It is a jar of tough-cookie over its own store in memory, and nothing is in that: to ask it for a URL's cookies takes a
 * quarter of what the whole request does. Any other jar is asked.
 */
function isKnownEmpty({ store }: SynchronousJar): boolean {
  if (store?.constructor.name !== 'MemoryCookieStore') return false;
  const { idx } = store as { readonly idx?: unknown };
  if (typeof idx !== 'object' || idx === null) return false;
  for (const domain in idx) if (Object.hasOwn(idx, domain)) return false;
  return true;
}

function isSynchronous(jar: object): jar is SynchronousJar {
  const given = jar as Partial<SynchronousJar>;
  const store = member(given, 'store');
  const answersAtOnce =
    typeof store === 'object' && (store as object | null) !== null && member(store, 'synchronous') === true;
  return answersAtOnce && typeof given.getCookieStringSync === 'function' && typeof given.setCookieSync === 'function';
}

/** No operator on the way of a response that sets no cookie, and no observer, which RxJS would wrap in a `Subscriber`. */
class Storing extends Subscriber<HTTPResponse> {
  constructor(
    private readonly subscriber: Subscriber<HTTPResponse>,
    private readonly jar: SynchronousJar,
  ) {
    super(subscriber);
  }

  protected override _next(response: HTTPResponse): void {
    const cookies = response.headers.getAll('set-cookie');
    try {
      for (const cookie of cookies) this.jar.setCookieSync(cookie, response.url, { ignoreError: true });
    } catch (error) {
      dropBody(response);
      this.subscriber.error(error);
      return;
    }
    this.subscriber.next(response);
  }
}

/** The response, once its cookies are in the jar. Unsubscribed from before that, nobody will read it. */
function stored(jar: CookieJarLike, response: HTTPResponse): Observable<HTTPResponse> {
  const cookies = response.headers.getAll('set-cookie');
  if (cookies.length === 0) return of(response);
  return new Observable(subscriber => {
    let isDelivered = false;
    const storing: Unsubscribable = from(store(jar, cookies, response.url)).subscribe({
      next: () => {
        isDelivered = true;
        subscriber.next(response);
      },
      error: error => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
    return () => {
      storing.unsubscribe();
      if (!isDelivered) dropBody(response);
    };
  });
}

async function store(jar: CookieJarLike, cookies: readonly string[], url: string): Promise<void> {
  for (const cookie of cookies) await jar.setCookie(cookie, url, { ignoreError: true });
}

function settled(value: string | PromiseLike<string>): Observable<string> {
  return typeof value === 'string' ? of(value) : from(value);
}

/** Not in a header's value; a jar may have such a cookie from elsewhere. */
const unsendable = /[^\t\x20-\x7e\x80-\xff]/;

function withCookie(request: HTTPRequest, cookie: string): HTTPRequest {
  const sent = unsendable.test(cookie)
    ? cookie
        .split('; ')
        .filter(pair => !unsendable.test(pair))
        .join('; ')
    : cookie;
  return sent === '' ? request : request.with({ headers: { Cookie: sent } });
}
