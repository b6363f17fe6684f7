import { createHmac, randomBytes } from 'node:crypto';
import { tcp, tls, tlsIdentity } from '../endpoint/index.js';
import { InvalidOptionError, own, record, textOf } from '../errors/index.js';
import { HTTPHeaders, type HTTPHeadersInit } from '../wire/index.js';
import { connectOptions, socketIdentity, type ConnectOptions } from './ConnectOptions.js';
import { basic, parseURL, redactText, unescape } from './Target.js';

export interface ProxyOptions {
  /**
   * `http:` or `https:` for one that speaks HTTP, to which the connection is TLS in the second case; `socks5:`,
   * `socks5h:` or `socks:` for SOCKS 5. Without a scheme it is `http:`. Credentials in it are percent-decoded.
   */
  readonly url: string | URL;
  /** The value of Proxy-Authorization, instead of the credentials in the URL. */
  readonly authorization?: string;
  /** Headers for a proxy that speaks HTTP, with each CONNECT and each request for an `http:` URL. */
  readonly headers?: HTTPHeadersInit;
  /** How the proxy is connected to. Options of the socket that are not here are those of the agent's `connect`; TLS is not. */
  readonly connect?: ConnectOptions;
}

export type ProxyInit = string | URL | ProxyOptions;

/** Names the proxy of a URL; null for none. */
export type ProxySelector = (url: URL) => ProxyInit | null | undefined;

export type ProxyChoice = ProxyServer | ProxySelector;

/** The ports of proxies whose URL names none. */
const ports: ReadonlyMap<string, number> = new Map([
  ['http:', 80],
  ['https:', 443],
  ['socks:', 1080],
  ['socks5:', 1080],
  ['socks5h:', 1080],
]);

/** A proxy as its options say, read once. What is secret of it stands in no property that is printed. */
export class ProxyServer {
  readonly host: string;
  readonly port: number;
  readonly kind: 'http' | 'https' | 'socks';
  readonly connect: ConnectOptions;
  /** A part of keys: equal only for proxies that are the same, with the same credentials. Tells none of them. */
  readonly identity: string;
  readonly #headers: HTTPHeaders;
  readonly #credentials: { readonly username: string; readonly password: string } | undefined;

  /** Throws `InvalidOptionError`; `option` is its name. */
  constructor(given: ProxyInit, option = 'proxy') {
    const options = optionsOf(given, option);
    const url = urlOf(own(options, 'url'), option);
    const { protocol, hostname, port } = url;
    this.host = hostname;
    this.port = port === '' ? ports.get(protocol)! : Number(port);
    this.kind = protocol === 'http:' ? 'http' : protocol === 'https:' ? 'https' : 'socks';
    this.connect = connectOptions(record(options, 'connect') ?? {});
    // Now, and not at the first request, it is said if it cannot be dialled.
    (this.kind === 'https' ? tls : tcp)({ ...this.connect, host: this.host, port: this.port });
    const [username, password] = [unescape(url.username), unescape(url.password)];
    if (username !== '' || password !== '') this.#credentials = { username, password };
    this.#headers = this.#headersOf(options);
    this.identity = `${protocol}//${hostname.toLowerCase()}:${this.port}${this.#mark()}`;
  }

  /** What each request to it has, with Proxy-Authorization. */
  get headers(): HTTPHeaders {
    return this.#headers;
  }

  get credentials(): { readonly username: string; readonly password: string } | undefined {
    return this.#credentials;
  }

  #headersOf(options: ProxyOptions): HTTPHeaders {
    const headers = HTTPHeaders.from(own(options, 'headers') ?? undefined);
    const given = own(options, 'authorization') ?? undefined;
    if (given !== undefined && typeof given !== 'string') {
      throw new InvalidOptionError('authorization', given, 'the value of a header');
    }
    const known = this.#credentials;
    const authorization = given ?? (known && basic(known.username, known.password));
    return authorization === undefined ? headers : headers.with({ 'Proxy-Authorization': authorization });
  }

  #mark(): string {
    const parts = [JSON.stringify(this.#credentials ?? null), JSON.stringify(this.#headers.raw)];
    if (Object.keys(this.connect).length > 0) parts.push(tlsIdentity(this.connect), socketIdentity(this.connect));
    if (parts.join() === 'null,[]') return '';
    return `#${createHmac('sha256', (salt ??= randomBytes(32)))
      .update(parts.join(' '))
      .digest('base64url')
      .slice(0, 22)}`;
  }
}

/** Keys are shown in events: whoever sees them shall not be able to try passwords. */
let salt: Buffer | undefined;

function optionsOf(given: ProxyInit, option: string): ProxyOptions {
  if (typeof given === 'string' || isURL(given)) return { url: given };
  if (typeof given === 'object' && (given as unknown) !== null && Object.hasOwn(given, 'url')) return given;
  throw new InvalidOptionError(option, given, 'a URL, or an object with one as its `url`');
}

/** Of this realm or another. */
function isURL(value: unknown): value is URL {
  return (
    value instanceof URL || (typeof value === 'object' && Object.prototype.toString.call(value) === '[object URL]')
  );
}

function urlOf(given: unknown, option: string): URL {
  const text = typeof given === 'string' ? given : isURL(given) ? given.href : '';
  try {
    const url = parseURL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
    if (ports.has(url.protocol) && url.hostname !== '') return url;
  } catch {
    // it is refused below
  }
  const shown = typeof given === 'string' ? redactText(textOf(given)) : given;
  throw new InvalidOptionError(option, shown, 'the URL of a proxy, http:, https:, socks5: or socks5h:');
}

/** The option of an agent, null if there is none. Throws `InvalidOptionError`. */
export function proxyChoice(given: ProxyInit | ProxySelector | ProxyServer | null | undefined): ProxyChoice | null {
  if (given == null) return null;
  return typeof given === 'function' || given instanceof ProxyServer ? given : new ProxyServer(given);
}
