import type { Endpoint } from '../endpoint/index.js';
import { callable, InvalidOptionError, own, record, textOf } from '../errors/index.js';
import { HTTPConnectionPool, type HTTPConnectionPoolOptions } from '../pool/index.js';
import { HTTPHeaders, type HTTPHeadersInit } from '../wire/index.js';
import { acceptEncoding } from './codings.js';
import { connectOptions, type ConnectOptions } from './ConnectOptions.js';
import { decompressLimits, type DecompressLimits, type DecompressOptions } from './DecompressOptions.js';
import type { HTTPInterceptor } from './HTTPInterceptor.js';
import type { HTTPRequest, RequestDefaults } from './HTTPRequest.js';
import { proxyChoice, type ProxyChoice, type ProxyInit, type ProxySelector } from './ProxyServer.js';
import { parseURL, redactText } from './Target.js';
import { noTimeouts, timeoutsOf, type Timeouts } from './Timeouts.js';

export interface AgentOptions {
  /** A pool to share, which the agent does not close; or the options of one of its own. */
  readonly pool?: HTTPConnectionPool | HTTPConnectionPoolOptions;
  /** The first is the outermost. */
  readonly interceptors?: readonly HTTPInterceptor[];
  /** Requests are paths below this URL, and cannot lead out of it. */
  readonly baseURL?: string | URL;
  /** Headers of every request, unless it has its own of that name. */
  readonly headers?: HTTPHeadersInit;
  readonly timeouts?: Timeouts;
  /**
   * Asks for encoded bodies (`Accept-Encoding`) and undoes gzip, deflate, br, and zstd from Node 24 on; `false`: neither.
   * Default true. A request with its own `Accept-Encoding` says what the server may send; it is undone all the same.
   */
  readonly decompress?: boolean | DecompressOptions;
  /** How connections are made. What tells them apart is a part of the key. */
  readonly connect?: ConnectOptions;
  /**
   * The proxy of all requests, or a function that names that of a URL, or none: asked for every exchange, redirects and
   * retries among them. `proxyFromEnvironment()` makes one of the usual variables, which are not read otherwise.
   */
  readonly proxy?: ProxyInit | ProxySelector | null;
  /** The pool's key of a request. Default: scheme, host, port and TLS identity. */
  readonly key?: (request: HTTPRequest) => string;
  /** How the server of a request is reached. Default: `tcp` or `tls` to the host of its URL. */
  readonly endpoint?: (request: HTTPRequest) => Endpoint;
}

export interface AgentSettings {
  readonly pool: HTTPConnectionPool;
  /** The pool is the agent's own. */
  readonly ownsPool: boolean;
  readonly interceptors: readonly HTTPInterceptor[];
  readonly defaults: RequestDefaults;
  /** Those given, without those that the agent adds. */
  readonly headers: HTTPHeaders;
  readonly decompress: DecompressLimits | null;
  readonly connect: ConnectOptions;
  readonly key: ((request: HTTPRequest) => string) | undefined;
  readonly endpoint: ((request: HTTPRequest) => Endpoint) | undefined;
  readonly proxy: ProxyChoice | null;
}

/** Options with their defaults, read once. Throws `InvalidOptionError`. */
export function agentSettings(options: AgentOptions): AgentSettings {
  const pool = record(options, 'pool');
  const interceptors = own(options, 'interceptors') ?? [];
  if (!Array.isArray(interceptors) || !interceptors.every(interceptor => typeof interceptor === 'function')) {
    throw new InvalidOptionError('interceptors', interceptors, 'an array of functions');
  }
  const headers = HTTPHeaders.from(own(options, 'headers'));
  const decompress = decompressLimits(options);
  const endpoint = callable(options, 'endpoint');
  const proxy = proxyChoice(own(options, 'proxy'));
  if (endpoint !== undefined && proxy !== null) {
    throw new InvalidOptionError('proxy', 'given', 'left out, or null, where `endpoint` says how servers are reached');
  }
  return {
    pool: pool instanceof HTTPConnectionPool ? pool : new HTTPConnectionPool(pool),
    ownsPool: !(pool instanceof HTTPConnectionPool),
    interceptors: [...(interceptors as HTTPInterceptor[])],
    defaults: {
      baseURL: baseOf(own(options, 'baseURL')),
      headers: decompress === null ? headers : acceptsEncodings.with(headers),
      timeouts: timeoutsOf(record(options, 'timeouts'), noTimeouts),
    },
    headers,
    decompress,
    connect: connectOptions(record(options, 'connect') ?? {}),
    key: callable(options, 'key'),
    endpoint,
    proxy,
  };
}

const acceptsEncodings = HTTPHeaders.from({ 'Accept-Encoding': acceptEncoding });

function baseOf(base: string | URL | undefined): URL | undefined {
  if (base === undefined) return undefined;
  let url: URL | null = null;
  try {
    url = parseURL(String(base));
  } catch {
    // it is refused below
  }
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new InvalidOptionError('baseURL', redactText(textOf(base)), 'an absolute http or https URL');
  }
  return url;
}
