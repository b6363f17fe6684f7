import { own } from '../errors/index.js';
import { HTTPHeaders } from '../wire/index.js';
import type { ProtocolRequest } from './ProtocolRequest.js';

/** RFC 9110 section 9.2.2, and QUERY. */
const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY']);

/**
 * Whether doing a request twice does no harm: by its method, by an `Idempotency-Key` header, or because it says so.
 * `idempotent: false` overrules the method.
 */
export function isIdempotent(request: ProtocolRequest): boolean {
  const said = own(request, 'idempotent');
  // Only these two: 'false', from a configuration, must not have a request done twice.
  if (typeof said === 'boolean') return said;
  if (idempotentMethods.has(own(request, 'method') ?? 'GET')) return true;
  return HTTPHeaders.from(own(request, 'headers')).has('idempotency-key');
}
