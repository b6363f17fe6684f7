import { InvalidRequestError } from '../errors/index.js';
import { parseURL, quoteURL, redact } from './Target.js';

export type QueryInit =
  | string
  | URLSearchParams
  | Readonly<Record<string, string | number | boolean | null | undefined | readonly (string | number | boolean)[]>>;

/**
 * The absolute URL of a request. With a base, `url` is a path below the base's path, with or without a slash in front;
 * whatever leads elsewhere (another origin, `//host`, `../..` above the base) throws `InvalidRequestError`. The base's
 * credentials are those of its requests.
 */
export function resolveURL(url: string | URL, base: URL | undefined, query?: QueryInit): string {
  const text: unknown = typeof url === 'string' ? url : url?.href;
  if (typeof text !== 'string')
    throw new InvalidRequestError('url', `The URL must be a string or a URL, but is ${typeof url}`);
  const absolute = base === undefined ? text : below(base, text);
  if (query == null) return absolute;
  if (typeof query !== 'string' && typeof query !== 'object') {
    throw new InvalidRequestError('query', `The query must be text or an object, not a ${typeof query}`);
  }
  return withQuery(absolute, query);
}

function below(base: URL, text: string): string {
  const root = base.pathname.endsWith('/') ? base.pathname : `${base.pathname}/`;
  let url: URL | undefined;
  // What a URL parser drops from a URL could hide where it leads: it is not dropped here, it is refused.
  if (!/[\t\n\r\\]|^[\0-\x20]|^\/\//.test(text)) {
    try {
      url = parseURL(isAbsolute(text) ? text : `${base.origin}${join(root, base, text)}`);
    } catch {
      // it is refused below
    }
  }
  const inside = url?.origin === base.origin && (url.pathname.startsWith(root) || `${url.pathname}/` === root);
  if (!inside) {
    throw new InvalidRequestError('url', `${quoteURL(text)} leads out of the baseURL ${redact(base.href)}`);
  }
  if (url!.username === '' && url!.password === '') {
    url!.username = base.username;
    url!.password = base.password;
  }
  return url!.href;
}

function join(root: string, base: URL, text: string): string {
  if (text === '' || text.startsWith('?') || text.startsWith('#')) return base.pathname + text;
  return root + (text.startsWith('/') ? text.slice(1) : text);
}

function isAbsolute(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(text);
}

function withQuery(text: string, query: QueryInit): string {
  const params =
    typeof query === 'string' || query instanceof URLSearchParams ? new URLSearchParams(query) : fromRecord(query);
  const added = params.toString();
  if (added === '') return text;
  const hash = text.indexOf('#');
  const end = hash < 0 ? text.length : hash;
  const before = text.slice(0, end);
  const separator = before.includes('?') ? (before.endsWith('?') || before.endsWith('&') ? '' : '&') : '?';
  return before + separator + added + text.slice(end);
}

function fromRecord(query: Exclude<QueryInit, string | URLSearchParams>): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue;
    for (const item of Array.isArray(value) ? value : [value]) params.append(name, String(item));
  }
  return params;
}
