import type { HTTPInterceptor } from '../agent/index.js';
import { InvalidOptionError } from '../errors/index.js';
import { originsOf, type CredentialOptions } from './originsOf.js';

/**
 * Says who asks and with what password, in UTF-8 (RFC 7617), to the origins that are named and to no other. A request
 * that has an Authorization header of its own keeps that.
 *
 * @throws InvalidOptionError for a colon in the user's name or a control character, and without `origins`.
 *
 * @example
 * const origin = 'https://api.example';
 * const agent = new Agent({ baseURL: origin, interceptors: [basicAuth('user', 'password', { origins: origin })] });
 */
export function basicAuth(username: string, password: string, options: CredentialOptions): HTTPInterceptor {
  if (typeof username !== 'string' || !/^[^:\p{Cc}]*$/u.test(username)) {
    throw new InvalidOptionError('username', username, 'text without a colon and control characters');
  }
  if (typeof password !== 'string' || !/^\P{Cc}*$/u.test(password)) {
    throw new InvalidOptionError('password', password, 'text without control characters');
  }
  const origins = originsOf(options);
  const headers = { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
  return (request, next) =>
    next(
      origins.has(request.target.origin) && !request.headers.has('authorization') ? request.with({ headers }) : request,
    );
}
