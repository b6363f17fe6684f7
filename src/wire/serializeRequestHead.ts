import { InvalidRequestError } from '../errors/index.js';
import { isTokenText, quote } from './fieldText.js';
import type { HTTPHeaders } from './HTTPHeaders.js';
import type { RequestFields } from './RequestFields.js';

/** How the end of a request's body is told: there is none, its length is known, or it goes in chunks. */
export type RequestFraming =
  { readonly kind: 'none' } | { readonly kind: 'length'; readonly length: number } | { readonly kind: 'chunked' };

export interface RequestHead {
  readonly method: string;
  /** `/path?query`; `*` for OPTIONS, `host:port` for CONNECT, and an `http(s)://` URL if `absoluteForm`. */
  readonly path: string;
  /** The Host header, unless `headers` has one. */
  readonly host: string;
  readonly headers: HTTPHeaders;
  /** False: the request says `Connection: close`. */
  readonly persistent: boolean;
  readonly framing: RequestFraming;
  /** The request goes to a proxy: `path` may be a whole URL (RFC 9112 section 3.2.2). */
  readonly absoluteForm?: boolean;
}

const knownMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'POST', 'PATCH', 'CONNECT', 'QUERY']);
/** Methods that usually have a body: told that there is none, lest the server waits for it (RFC 9110 section 8.6). */
const expectingBody = new Set(['POST', 'PUT', 'PATCH']);

// Visible ASCII only. `#` would be a fragment, which is not for servers (RFC 9110 section 7.1).
const originForm = /^\/[!-"$-~]*$/;
const hostPattern = String.raw`(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=%]+)`;
const hostHeader = new RegExp(`^${hostPattern}(?::[0-9]*)?$`);
const authorityForm = new RegExp(`^${hostPattern}:[0-9]+$`);
const absoluteForm = new RegExp(`^https?://${hostPattern}(?::[0-9]*)?(?:[/?][!-"$-~]*)?$`, 'i');

/** The host that was checked last. */
let lastHost = 'localhost';

/**
 * The head of an HTTP/1.1 request as latin1 text, from the request line to the empty line (RFC 9112 section 3).
 *
 * Everything that ends up in it is checked here or was by `HTTPHeaders.from`, and the framing is the caller's alone: a
 * Content-Length in `headers` must agree with it and is not sent twice. Proxy-Authorization is sent to proxies only, that
 * is with a path that no other server is asked for; to others it is left out.
 *
 * @throws InvalidRequestError, its `field` being `method`, `path`, `body` or the lower-case name of a header.
 */
export function serializeRequestHead(head: RequestHead): string {
  const { method, path, framing } = head;
  const fields = head.headers.requestFields;
  checkMethod(method);
  checkBody(method, framing);
  checkTarget(head);
  const host = fields.host ?? head.host;
  checkHost(host);
  return (
    `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n` +
    fields.block +
    (fields.proxyAuthorization !== '' && isForProxy(head) ? fields.proxyAuthorization : '') +
    connectionField(head.persistent && !fields.close, fields.connection) +
    framingField(method, framing, fields) +
    '\r\n'
  );
}

/**
 * The Content-Length that the user declared, undefined if none.
 *
 * @throws InvalidRequestError if it is no number, or if `headers` has a field that no request may have.
 */
export function declaredLength(headers: HTTPHeaders): number | undefined {
  return headers.requestFields.contentLength;
}

/** Whether the user asked for `Connection: close`. Throws as `declaredLength` does. */
export function wantsClose(headers: HTTPHeaders): boolean {
  return headers.requestFields.close;
}

/**
 * Whether the request offers to switch protocols: it has an Upgrade header. The connection option that must go with it
 * (RFC 9110 section 7.8) is added if it is not there. Throws as `declaredLength` does.
 */
export function wantsUpgrade(headers: HTTPHeaders): boolean {
  return headers.requestFields.upgrade;
}

/** Throws `InvalidRequestError` unless `method` is a token. */
export function checkMethod(method: string): void {
  if (!knownMethods.has(method) && !isTokenText(method)) {
    throw new InvalidRequestError('method', `The method is no token: ${quote(method)}`);
  }
}

function checkBody(method: string, framing: RequestFraming): void {
  if (framing.kind !== 'none' && (method === 'CONNECT' || method === 'TRACE')) {
    throw new InvalidRequestError('body', `A ${method} request has no body (RFC 9110 section 9.3)`);
  }
}

/** Only a proxy is asked for a tunnel, or for a whole URL: anybody else would learn the credentials for it. */
function isForProxy({ method, path, absoluteForm: absolute }: RequestHead): boolean {
  return method === 'CONNECT' || (absolute === true && absoluteForm.test(path));
}

function checkTarget({ method, path, absoluteForm: absolute }: RequestHead): void {
  const valid =
    typeof path === 'string' &&
    (method === 'CONNECT'
      ? authorityForm.test(path)
      : originForm.test(path) ||
        (path === '*' && method === 'OPTIONS') ||
        (absolute === true && absoluteForm.test(path)));
  if (!valid) {
    throw new InvalidRequestError(
      'path',
      method === 'CONNECT'
        ? 'The target of CONNECT must be host:port'
        : 'The path must begin with / and hold visible ASCII characters only, without #',
    );
  }
}

function checkHost(host: string): void {
  // A connection's host seldom changes, so that remembering one spares most of the work.
  if (host === lastHost) {
    return;
  }
  if (typeof host !== 'string' || !hostHeader.test(host)) {
    const shown = typeof host === 'string' ? host.replace(/^.*@/s, '…@') : host; // in front of it stand credentials
    throw new InvalidRequestError('host', `The Host must be host or host:port, but is ${quote(shown)}`);
  }
  lastHost = host;
}

function connectionField(persistent: boolean, options: string): string {
  if (persistent) {
    return options === '' ? '' : `Connection: ${options}\r\n`;
  }
  // The two contradict each other, and `close` wins.
  const others = options.split(', ').filter(option => option !== '' && option !== 'keep-alive');
  return `Connection: ${['close', ...others].join(', ')}\r\n`;
}

function framingField(method: string, framing: RequestFraming, { contentLength }: RequestFields): string {
  if (framing.kind === 'chunked') {
    if (contentLength !== undefined) {
      throw mismatch('a body of unknown length');
    }
    return 'Transfer-Encoding: chunked\r\n';
  }
  const length = framing.kind === 'length' ? framing.length : 0;
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new InvalidRequestError('body', `The length of the body must be an integer from 0, but is ${length}`);
  }
  if (contentLength !== undefined && (contentLength !== length || method === 'CONNECT')) {
    throw mismatch(framing.kind === 'none' ? 'a request without a body' : `a body of ${length} bytes`);
  }
  return framing.kind === 'length' || contentLength !== undefined || expectingBody.has(method)
    ? `Content-Length: ${length}\r\n`
    : '';
}

function mismatch(actual: string): InvalidRequestError {
  return new InvalidRequestError('content-length', `The Content-Length header does not fit ${actual}`);
}
