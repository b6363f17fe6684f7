import type { SchedulerLike } from 'rxjs';
import { endpointFor, socks, tcp, tls, tunnel, type Endpoint } from '../endpoint/index.js';
import type { ProtocolRequest } from '../protocol/index.js';
import { socketIdentity, socketOptions, type ConnectOptions } from './ConnectOptions.js';
import type { HTTPRequest } from './HTTPRequest.js';
import { ProxyServer, type ProxyChoice, type ProxyInit } from './ProxyServer.js';
import type { Route } from './Route.js';

/** The way of one exchange through a proxy. */
export interface Via {
  /** The pool's key; `mark` is that part of it which tells of the proxy. */
  readonly key: string;
  readonly mark: string;
  readonly endpoint: Endpoint;
  /** What is sent for the request. */
  readonly message: ProtocolRequest;
}

/** Proxies that a function named, and endpoints, are kept up to so many. */
const maxKnown = 1_000;

/**
 * Which proxy serves a request, and how. The request itself never holds what is for the proxy: that is added to what is
 * sent for it, here, and only where a proxy reads it.
 *
 * | target | proxy | connection | what is sent |
 * | --- | --- | --- | --- |
 * | http: | HTTP | to the proxy, for all servers | the whole URL, and Proxy-Authorization |
 * | https: | HTTP | a tunnel, and TLS inside | the request as it is |
 * | both | SOCKS | a tunnel, and TLS inside for https: | the request as it is |
 */
export class ProxyRoute {
  readonly #socket: ConnectOptions;
  readonly #socketIdentity: string;
  readonly #byText = new Map<string, ProxyServer>();
  readonly #byOptions = new WeakMap<object, ProxyServer>();
  readonly #endpoints = new Map<string, Endpoint>();

  constructor(
    private readonly choice: ProxyChoice,
    private readonly direct: Route,
    private readonly options: ConnectOptions,
    scheduler: SchedulerLike | undefined,
  ) {
    this.#socket = { scheduler, ...socketOptions(options) };
    this.#socketIdentity = socketIdentity(options);
  }

  /** Null: there is none for this one. Throws what the caller's function throws, and `InvalidOptionError`. */
  choose(request: HTTPRequest): Via | null {
    const { choice } = this;
    if (choice instanceof ProxyServer) return this.#via(choice, request);
    const named = choice(new URL(request.url));
    return named == null ? null : this.#via(this.#known(named), request);
  }

  /** Options are read when they are seen first. */
  #known(named: ProxyInit): ProxyServer {
    const text = typeof named === 'string' ? named : named instanceof URL ? named.href : null;
    const known = text === null ? this.#byOptions.get(named as object) : this.#byText.get(text);
    if (known !== undefined) return known;
    const proxy = new ProxyServer(named);
    if (text === null) this.#byOptions.set(named as object, proxy);
    else {
      if (this.#byText.size >= maxKnown) this.#byText.clear();
      this.#byText.set(text, proxy);
    }
    return proxy;
  }

  #via(proxy: ProxyServer, request: HTTPRequest): Via {
    const { target, timeouts } = request;
    const forwards = proxy.kind !== 'socks' && !target.secure;
    const mark = `${forwards ? 'proxy' : 'via'}=${proxy.identity}`;
    const key = forwards ? mark + this.#socketIdentity : `${this.direct.key(target)} ${mark}`;
    const name = `${key} ${timeouts.connect}`;
    let endpoint = this.#endpoints.get(name);
    if (endpoint === undefined) {
      endpoint = forwards ? this.#dial(proxy, timeouts.connect) : this.#tunnel(proxy, request);
      if (this.#endpoints.size >= maxKnown) this.#endpoints.clear();
      this.#endpoints.set(name, endpoint);
    }
    return { key, mark, endpoint, message: forwards ? forwarded(request, proxy) : request };
  }

  #dial({ kind, host, port, connect: options }: ProxyServer, connectTimeout: number): Endpoint {
    const all = { ...this.#socket, ...options, host, port, connectTimeout };
    return kind === 'https' ? tls(all) : tcp(all);
  }

  /** One deadline, the outermost, is around all of the path. */
  #tunnel(proxy: ProxyServer, { target, timeouts: { connect: connectTimeout } }: HTTPRequest): Endpoint {
    const { headers, kind, credentials } = proxy;
    const proxy$ = this.#dial(proxy, Infinity);
    const scheduler = this.#socket.scheduler;
    const options = { scheduler, ...this.options, connectTimeout };
    return endpointFor(new URL(target.href), options, server =>
      kind === 'socks'
        ? socks(proxy$, { ...server, ...credentials, connectTimeout, scheduler })
        : tunnel(proxy$, { ...server, headers, connectTimeout: Infinity }),
    );
  }
}

/** RFC 9112 section 3.2.2. Of Proxy-Authorization only that of this proxy: the caller's may be meant for another. */
function forwarded(request: HTTPRequest, proxy: ProxyServer): ProtocolRequest {
  const { method, target, body, idempotent, timeouts, observer } = request;
  let headers = request.headers.without('proxy-authorization').with(proxy.headers);
  if (!headers.has('host')) headers = headers.with({ Host: hostOf(target.origin) });
  return { method, path: target.href, absoluteForm: true, headers, body, idempotent, timeouts, observer };
}

/** As in a URL: without the port if it is 80. */
function hostOf(origin: string): string {
  return origin.slice('http://'.length).replace(/:80$/, '');
}
