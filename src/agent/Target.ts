import { InvalidRequestError } from '../errors/index.js';

/** What a URL means to an agent. */
export interface Target {
  /** The absolute URL, normalised, without credentials and fragment. */
  readonly href: string;
  readonly secure: boolean;
  /** `scheme://host:port`, the host in lower case, the port always there: two spellings of a server are one. */
  readonly origin: string;
  /** Path and query: the request target. */
  readonly path: string;
  /** What the URL's credentials say, as the value of an `Authorization` header. */
  readonly authorization: string | undefined;
}

/** URLs that were parsed: a service asks for the same ones again and again, and parsing costs as much as a request. */
const known = new Map<string, Target>();
const maxKnown = 1_000;
const maxKnownLength = 2_048;

/** A host name in the DNS has 253 octets at most, and a dot at its end (RFC 1035 section 3.1). */
const maxHost = 254;
/** As it may be written: each octet percent-encoded. */
const maxWrittenHost = 3 * maxHost;

/** Parses an absolute URL. Throws `InvalidRequestError` for one that is not, or is neither http nor https. */
export function targetOf(url: string): Target {
  let target = known.get(url);
  if (target === undefined) {
    target = parse(url);
    // Long ones are seldom asked for again, and a thousand of them would be held for ever.
    if (url.length <= maxKnownLength) {
      if (known.size >= maxKnown) known.clear();
      known.set(url, target);
    }
  }
  return target;
}

/**
 * `new URL`, for URLs that somebody else may have chosen: the time that it takes for a host in Unicode grows with the
 * square of its length, half a minute for 160 kB. Throws, as it does, for a host that no server has.
 */
export function parseURL(text: string, base?: string): URL {
  if (text.length > maxWrittenHost) {
    // As the parser reads it: without tabs and line ends, a backslash a slash, any number of them, the last @ counts.
    const [, authority = ''] =
      /^[\0-\x20]*(?:[a-z][a-z0-9+.-]*:|(?=[\\/]{2}))[\\/]*([^\\/?#]*)/i.exec(text.replace(/[\t\n\r]/g, '')) ?? [];
    if (authority.length - authority.lastIndexOf('@') - 1 > maxWrittenHost) throw new TypeError('Invalid URL');
  }
  const url = new URL(text, base);
  if (url.hostname.length > maxHost) throw new TypeError('Invalid URL');
  return url;
}

function parse(text: string): Target {
  let url: URL;
  try {
    url = parseURL(text);
  } catch {
    // Not as the cause: Node's error holds the whole URL.
    throw new InvalidRequestError('url', `${quoteURL(text)} is not an absolute URL`);
  }
  const { protocol, username, password } = url;
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new InvalidRequestError('url', `The scheme of a URL must be http or https, but is ${protocol}`);
  }
  const secure = protocol === 'https:';
  const authorization = username === '' && password === '' ? undefined : basic(unescape(username), unescape(password));
  url.username = url.password = url.hash = '';
  return {
    href: url.href,
    secure,
    origin: `${protocol}//${url.hostname}:${url.port || (secure ? 443 : 80)}`,
    path: url.pathname + url.search,
    authorization,
  };
}

/** RFC 7617. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

export function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that escapes nothing
  }
}

/** A URL as it may stand in a log: no credentials, and no query, which may hold tokens. */
export function redact(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/*)[^/?#]*@/i, '$1')
    .replace(/[?#].*$/s, match => (match[0] === '?' ? '?…' : ''));
}

/**
 * The same for what is no URL, or may be none: whatever is in front of an @ may be meant as credentials, and so may what
 * stands where a port would.
 */
export function redactText(text: string): string {
  const at = text.lastIndexOf('@');
  // Not by one pattern for both: the time of that would grow with the square of the number of slashes.
  const scheme = /^\s*[a-z][a-z0-9+.-]*:[\\/]{2,}/i.exec(text)?.[0] ?? '';
  const shown = at < 0 ? text : `${scheme}…${text.slice(at)}`;
  return redact(shown.replace(/^(\s*[a-z][a-z0-9+.-]*:[\\/]{2,}[^\\/?#:]*:)(?!\d{0,5}(?:[\\/?#]|$))[^\\/?#]*/i, '$1…'));
}

/** The same in quotes, and short. */
export function quoteURL(text: string): string {
  const shown = redactText(text);
  return JSON.stringify(shown.length > 200 ? `${shown.slice(0, 200)}…` : shown);
}
