import { InvalidRequestError } from '../errors/index.js';
import { isTokenText, listElements, quote } from './fieldText.js';

/** A user's headers as the serialiser needs them: what it decides itself taken out, the rest as ready text. */
export interface RequestFields {
  /** All other fields, `Name: value\r\n` each. */
  readonly block: string;
  /** The value of Host. */
  readonly host: string | undefined;
  /** The value of Content-Length. */
  readonly contentLength: number | undefined;
  /** `Connection: close` was given. */
  readonly close: boolean;
  /** The other connection options, lower case, joined by `, `; with those that Upgrade and TE oblige a sender to name. */
  readonly connection: string;
  /** There is an Upgrade field. */
  readonly upgrade: boolean;
  /** The Proxy-Authorization fields, as ready text: they are for a proxy, and for nobody else. */
  readonly proxyAuthorization: string;
}

const refused = new Map([
  ['transfer-encoding', 'the framing follows from the body'],
  ['keep-alive', 'the pool decides how long connections live'],
  ['proxy-connection', 'it is no HTTP field, use Connection'],
  ['expect', 'the body is sent without waiting for a 100 response'],
  ['trailer', 'request trailers are not supported'],
]);

const special = new Set([
  ...refused.keys(),
  'host',
  'content-length',
  'connection',
  'te',
  'upgrade',
  'proxy-authorization',
]);
const longestSpecial = Math.max(...[...special].map(name => name.length));

/**
 * Sorts `raw` (name, value, name, value, ...) of valid headers.
 *
 * @throws InvalidRequestError for a field that would let the user contradict the framing or the connection.
 */
export function requestFields(raw: readonly string[]): RequestFields {
  let block = '';
  let host: string | undefined;
  let contentLength: number | undefined;
  let upgrade = false;
  let proxyAuthorization = '';
  const connection = new Set<string>();

  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i];
    const value = raw[i + 1];
    const key = name.length > longestSpecial ? '' : name.toLowerCase();
    if (!special.has(key)) {
      block += `${name}: ${value}\r\n`;
      continue;
    }
    switch (key) {
      case 'host':
        if (host !== undefined) {
          throw new InvalidRequestError(key, 'There may be only one Host header (RFC 9112 section 3.2)');
        }
        host = value;
        break;
      case 'content-length':
        if (contentLength !== undefined) {
          throw new InvalidRequestError(key, 'There may be only one Content-Length header (RFC 9110 section 8.6)');
        }
        contentLength = length(key, value);
        break;
      case 'connection':
        for (const option of listElements(value)) {
          if (!isTokenText(option)) {
            throw new InvalidRequestError(key, `A connection option is no token: ${quote(option)}`);
          }
          connection.add(option);
        }
        break;
      case 'te':
        if (listElements(value).some(element => element !== 'trailers')) {
          throw new InvalidRequestError(key, 'TE may only say "trailers": no transfer coding but chunked is supported');
        }
        connection.add('te');
        block += `${name}: ${value}\r\n`;
        break;
      case 'upgrade':
        upgrade = true;
        connection.add('upgrade');
        block += `${name}: ${value}\r\n`;
        break;
      case 'proxy-authorization':
        proxyAuthorization += `${name}: ${value}\r\n`;
        break;
      default:
        throw new InvalidRequestError(key, `The header ${name} may not be set: ${refused.get(key)}`);
    }
  }
  const close = connection.delete('close');
  return { block, host, contentLength, close, connection: [...connection].join(', '), upgrade, proxyAuthorization };
}

function length(key: string, value: string): number {
  const octets = Number(value);
  if (!/^[0-9]+$/.test(value) || !Number.isSafeInteger(octets)) {
    throw new InvalidRequestError(key, `Content-Length must be digits up to 2^53-1, but is ${quote(value)}`);
  }
  return octets;
}
