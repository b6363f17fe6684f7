import { isUtf8 } from 'node:buffer';
import { parseURL, quoteURL, type HTTPRequest, type HTTPResponse } from '../agent/index.js';
import { RedirectError } from '../errors/index.js';
import { isReplayable } from '../protocol/index.js';

export interface RedirectRules {
  readonly strict: boolean;
  /** In lower case. */
  readonly keepHeaders: ReadonlySet<string>;
  readonly allowDowngrade: boolean;
}

const followed = new Set([301, 302, 303, 307, 308]);

/**
 * What another origin may see. A list of what is kept: credentials have many names (CVE-2026-40895), and people make up
 * more of them.
 */
const harmless = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'pragma',
  'range',
  'user-agent',
  // of the body, if that is kept
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-type',
]);

/**
 * The request that a response sends the client on to; null if it is no redirect, or one that cannot be followed. Throws
 * `RedirectError` for one that must not be.
 */
export function redirected(request: HTTPRequest, response: HTTPResponse, rules: RedirectRules): HTTPRequest | null {
  const { status, headers } = response;
  if (!followed.has(status)) return null;
  const locations = headers.getAll('location');
  if (locations.length === 0) return null;
  const method = methodAfter(status, request.method, rules.strict);
  const dropsBody = status === 303 || method !== request.method;
  if (!dropsBody && !isReplayable(request.body)) return null;

  const from = new URL(request.url);
  const url = target(locations, response, rules.allowDowngrade);
  const isLeaving = url.origin !== from.origin;
  const without: string[] = [];
  for (const [name] of request.headers) {
    const lower = name.toLowerCase();
    const leaves = isLeaving && !harmless.has(lower) && !rules.keepHeaders.has(lower);
    if (leaves || (dropsBody && isOfBody(lower))) without.push(name);
  }
  const authorization = without.some(name => name.toLowerCase() === 'authorization')
    ? []
    : request.headers.getAll('authorization');
  return request.with({
    url: url.href,
    method,
    without,
    // `with` takes the credentials of the old URL away; the origin that they are for is still the same.
    headers: authorization.map(value => ['Authorization', value] as const),
    ...(dropsBody ? { body: null } : {}),
  });
}

function methodAfter(status: number, method: string, strict: boolean): string {
  if (status === 303) return method === 'HEAD' ? 'HEAD' : 'GET';
  return (status === 301 || status === 302) && method === 'POST' && !strict ? 'GET' : method;
}

function isOfBody(name: string): boolean {
  return name.startsWith('content-') || name === 'transfer-encoding' || name === 'trailer';
}

function target(locations: readonly string[], response: HTTPResponse, allowDowngrade: boolean): URL {
  const [location] = locations;
  if (locations.some(other => other !== location)) throw new RedirectError('Several Locations', response);
  let url: URL;
  try {
    url = parseURL(utf8(location), response.url);
  } catch {
    // Not as the cause: Node's error holds the whole URL.
    throw new RedirectError(`The Location ${quoteURL(location)} is no URL`, response);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new RedirectError(`A redirect leads to ${quoteURL(location)}, which is neither http nor https`, response);
  }
  if (url.protocol === 'http:' && response.url.startsWith('https:') && !allowDowngrade) {
    throw new RedirectError(`A redirect leads from https to ${quoteURL(location)}`, response);
  }
  url.username = url.password = url.hash = '';
  return url;
}

/** A value comes as latin1; what is not ASCII in a URL is mostly UTF-8, as browsers take it. */
function utf8(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : text;
}
