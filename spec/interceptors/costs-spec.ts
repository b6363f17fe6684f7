import { describe, expect, it } from '@jest/globals';
import { of } from 'rxjs';
import { CookieJar } from 'tough-cookie';
import type { HTTPHandler, HTTPInterceptor } from '../../src/agent/index.js';
import {
  bearerAuth,
  cookies,
  followRedirects,
  limitBody,
  rateLimit,
  retryFailures,
} from '../../src/interceptors/index.js';
import { made, requestTo } from './site.js';
import { record, subscriptionsOf } from '../support/index.js';

/** Those that have nothing to do with a request that is answered 200. */
const idle: Record<string, HTTPInterceptor> = {
  followRedirects: followRedirects(),
  cookies: cookies(new CookieJar()),
  retryFailures: retryFailures(),
  'bearerAuth elsewhere': bearerAuth('t', { origins: 'http://b.test' }),
};

describe.each(Object.entries(idle))('%s with nothing to do', (name, interceptor) => {
  const request = requestTo();
  const response = made(request);

  it('passes the request and the response on as they are', () => {
    const given: unknown[] = [];
    const handler: HTTPHandler = one => {
      given.push(one);
      return of(response);
    };
    expect(record(interceptor(request, handler)).values[0]).toBe(response);
    expect(given).toEqual([request]);
    expect(given[0]).toBe(request);
  });

  it('costs one subscription at most, and no timer', async () => {
    const handler: HTTPHandler = () => of(response);
    const without = await subscriptionsOf(() => void handler(request).subscribe());
    const cost = (await subscriptionsOf(() => void interceptor(request, handler).subscribe())) - without;
    expect(cost).toBeLessThanOrEqual(name === 'bearerAuth elsewhere' ? 0 : 1);
  });
});

it('limitBody leaves a response that declares its length, and rateLimit one without a key to wait for', () => {
  const response = made(requestTo(), { body: 'short' });
  for (const interceptor of [limitBody(10), rateLimit({ concurrency: 1 })]) {
    expect(record(interceptor(requestTo(), () => of(response))).values[0]).toBe(response);
  }
});
