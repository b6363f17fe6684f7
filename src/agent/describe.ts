import { addCallerStack, isHTTPClientError } from '../errors/index.js';
import type { HTTPRequest } from './HTTPRequest.js';
import { redact } from './Target.js';

/** Adds to an error which request it is about, and where that was subscribed to, once. */
export function describe(error: unknown, request: HTTPRequest): unknown {
  addCallerStack(error, request.callerStack);
  // An error of the user's own, from an endpoint or an interceptor, may be frozen.
  if (!isHTTPClientError(error) || error.request !== undefined || Object.isFrozen(error)) return error;
  const { method } = request;
  const url = redact(request.url);
  error.request = { method, url };
  error.message = `${method} ${url}: ${error.message}`;
  return error;
}
