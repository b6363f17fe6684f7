/** What goes on the wire, by the rules alone: written without a look at the serialiser. */
export interface WantedRequest {
  readonly method: string;
  readonly path: string;
  /** Name, value, name, value, ... */
  readonly fields: readonly string[];
  /** The server may take it for an offer to leave HTTP, or keep the connection. */
  readonly leaves: boolean;
  readonly closes: boolean;
}

export interface AskedRequest {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly pairs: readonly (readonly [unknown, unknown])[];
  readonly persistent: boolean;
  readonly absoluteForm: boolean;
  /** Of the body: its length, if it is known before it is read; `undefined` if there is no body. */
  readonly body: { readonly length: number | undefined } | undefined;
}

const code = (character: string): number => character.charCodeAt(0);
const isLetter = (c: string): boolean => (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
const isDigit = (c: string): boolean => c >= '0' && c <= '9';
const every = (text: string, member: (c: string) => boolean): boolean =>
  Array.from({ length: text.length }, (_, i) => text[i]).every(member);

/** RFC 9110 section 5.6.2. */
const isToken = (text: unknown): text is string =>
  typeof text === 'string' &&
  text !== '' &&
  every(text, c => isLetter(c) || isDigit(c) || "!#$%&'*+-.^_`|~".includes(c));
/** RFC 9110 section 5.5; nothing that latin1 has not. */
const isValue = (text: unknown): text is string =>
  typeof text === 'string' &&
  every(text, c => c === '\t' || (code(c) >= 32 && code(c) < 127) || (code(c) > 127 && code(c) < 256));
const isVisible = (text: string): boolean => every(text, c => code(c) > 32 && code(c) < 127 && c !== '#');

function trimmed(text: string): string {
  const inner = [...text];
  while (inner[0] === ' ' || inner[0] === '\t') inner.shift();
  while (inner.at(-1) === ' ' || inner.at(-1) === '\t') inner.pop();
  return inner.join('');
}

/** A host of RFC 3986 section 3.2.2, not empty, with `:port` where `port` says so. */
function isHost(text: string, port: 'may' | 'must'): boolean {
  let rest = text;
  if (rest.startsWith('[')) {
    const end = rest.indexOf(']');
    if (end < 2 || !every(rest.slice(1, end), c => isDigit(c) || 'abcdefABCDEF:.'.includes(c))) return false;
    rest = rest.slice(end + 1);
  } else {
    const end = rest.includes(':') ? rest.indexOf(':') : rest.length;
    if (end === 0 || !every(rest.slice(0, end), c => isLetter(c) || isDigit(c) || "-._~!$&'()*+,;=%".includes(c)))
      return false;
    rest = rest.slice(end);
  }
  if (rest === '') return port === 'may';
  return rest.startsWith(':') && every(rest.slice(1), isDigit) && (port === 'may' || rest.length > 1);
}

function isTarget({ method, path, absoluteForm }: AskedRequest): boolean {
  if (typeof path !== 'string') return false;
  if (method === 'CONNECT') return isHost(path, 'must');
  if (path.startsWith('/')) return isVisible(path);
  if (path === '*') return method === 'OPTIONS';
  const scheme = /^https?:\/\//i.exec(path)?.[0];
  if (!absoluteForm || scheme === undefined || !isVisible(path)) return false;
  const rest = path.slice(scheme.length);
  const end = [...rest].findIndex(c => c === '/' || c === '?');
  return isHost(end < 0 ? rest : rest.slice(0, end), 'may');
}

const forbidden = ['transfer-encoding', 'keep-alive', 'proxy-connection', 'expect', 'trailer'];

/** What must be sent for it; a string says why nothing may be. */
export function judgeRequest(asked: AskedRequest): WantedRequest | string {
  const { method, path, pairs, body } = asked;
  if (!isToken(method)) return 'method';
  if (!isTarget(asked)) return 'path';
  if (body !== undefined && (method === 'CONNECT' || method === 'TRACE')) return 'a body that may not be';
  const hosts: string[] = [];
  const lengths: string[] = [];
  const options: string[] = [];
  const others: string[] = [];
  let upgrade = false;
  for (const [name, given] of pairs) {
    if (!isToken(name)) return 'a name';
    if (!isValue(given)) return 'a value';
    const value = trimmed(given);
    const key = name.toLowerCase();
    const elements = value
      .split(',')
      .map(trimmed)
      .filter(element => element !== '');
    if (forbidden.includes(key)) return key;
    if (key === 'host') hosts.push(value);
    else if (key === 'content-length') lengths.push(value);
    else if (key === 'connection') {
      if (!elements.every(isToken)) return 'a connection option';
      options.push(...elements.map(element => element.toLowerCase()));
    } else {
      if (key === 'te') {
        if (!elements.every(element => element.toLowerCase() === 'trailers')) return 'te';
        options.push('te');
      }
      if (key === 'upgrade') {
        options.push('upgrade');
        upgrade = true;
      }
      others.push(name, value);
    }
  }
  if (hosts.length > 1 || !isHost(hosts[0] ?? asked.host, 'may')) return 'host';
  if (
    lengths.length > 1 ||
    !lengths.every(length => length !== '' && every(length, isDigit) && Number.isSafeInteger(Number(length)))
  ) {
    return 'content-length';
  }
  const declared = lengths.length === 0 ? undefined : Number(lengths[0]);
  const length = body === undefined ? 0 : (body.length ?? declared);
  if (declared !== undefined && (declared !== length || method === 'CONNECT')) return 'content-length';

  const closes = !asked.persistent || options.includes('close');
  const unique = [...new Set(options)].filter(option => option !== 'close' && !(closes && option === 'keep-alive'));
  const connection = (closes ? ['close', ...unique] : unique).join(', ');
  const told = body !== undefined || declared !== undefined || ['POST', 'PUT', 'PATCH'].includes(method);
  const fields = [
    ...['Host', hosts[0] ?? asked.host],
    ...others,
    ...(connection === '' ? [] : ['Connection', connection]),
    ...(length === undefined ? ['Transfer-Encoding', 'chunked'] : told ? ['Content-Length', String(length)] : []),
  ];
  return { method, path, fields, leaves: upgrade || method === 'CONNECT', closes };
}
