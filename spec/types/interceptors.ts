// Checked by the compiler, never run: what the types of the interceptors promise, and what they forbid.
import { of, type Observable } from 'rxjs';
import {
  Agent,
  basicAuth,
  bearerAuth,
  cookies,
  followRedirects,
  limitBody,
  rateLimit,
  retryFailures,
  throwOnStatus,
  userAgent,
  type CookieJarLike,
  type HTTPRequest,
  type HTTPResponse,
} from 'rxjs-http-pool';
import { CookieJar } from 'tough-cookie';

declare const request: HTTPRequest;
declare const token$: Observable<string>;
const origins = 'https://api.example';

new Agent({
  interceptors: [
    throwOnStatus(),
    throwOnStatus([500]),
    throwOnStatus((status, response) => status > 400 && response.headers.has('x-error')),
    followRedirects(),
    retryFailures({ budget: false }),
    rateLimit({ key: ({ url }) => url }),
    limitBody(1),
    userAgent('a'),
    basicAuth('u', 'p', { origins }),
    basicAuth('u', 'p', { origins: [new URL(origins), origins] }),
    bearerAuth('t', { origins }),
    bearerAuth(token$, { origins }),
    bearerAuth(() => Promise.resolve('t'), { origins }),
    bearerAuth(() => of('t'), { origins }),
  ],
});

// A jar of tough-cookie is one, and so is anything with the two methods.
cookies(new CookieJar());
const jar: CookieJarLike = { getCookieString: () => 'a=1', setCookie: () => undefined };
cookies(jar);
// @ts-expect-error it must say what it has
cookies({ setCookie: () => undefined });

// @ts-expect-error credentials go nowhere unless it is said where
basicAuth('u', 'p');
// @ts-expect-error likewise
bearerAuth('t');
// @ts-expect-error a promise is one token for ever, and not to be had again
bearerAuth(Promise.resolve('t'), { origins });
// @ts-expect-error there must be a limit
limitBody();
// @ts-expect-error no such option
followRedirects({ max: 1 });

// What a retry is for is told apart by its type.
retryFailures({
  onRetry: event => {
    if (event.type === 'status') event satisfies { readonly response: HTTPResponse };
    else event satisfies { readonly error: unknown };
    // @ts-expect-error it may be an error
    void event.response;
  },
});

request.with({ without: ['authorization'], headers: { a: 'b' } });
// @ts-expect-error names, not a name
request.with({ without: 'authorization' });
