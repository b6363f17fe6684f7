import type { HTTPInterceptor } from '../agent/index.js';
import { InvalidOptionError } from '../errors/index.js';

/**
 * Says who asks (RFC 9110 section 10.1.5), unless the request does itself.
 *
 * @throws InvalidOptionError
 *
 * @example
 * const agent = new Agent({ interceptors: [userAgent('example-crawler/1.0 (+https://example.com/crawler)')] });
 */
export function userAgent(text: string): HTTPInterceptor {
  if (typeof text !== 'string' || !/^[\t\x20-\x7e\x80-\xff]+$/.test(text)) {
    throw new InvalidOptionError('text', text, 'the value of a header');
  }
  return (request, next) =>
    next(request.headers.has('user-agent') ? request : request.with({ headers: { 'User-Agent': text } }));
}
