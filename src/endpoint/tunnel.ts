import type { SchedulerLike } from 'rxjs';
import { duration, InvalidOptionError, ParseError, ProxyError } from '../errors/index.js';
import { HTTPHeaders, ResponseParser, serializeRequestHead, type HTTPHeadersInit } from '../wire/index.js';
import { authorityOf } from './authorityOf.js';
import { checkHost, checkPort } from './checks.js';
import { ownOptions } from './ownOptions.js';
import { through, type ProxyHandshake, type ProxyOutcome } from './through.js';
import type { Endpoint, Transport } from './Transport.js';

export interface TunnelOptions {
  /** The server behind the proxy, which looks up its name. */
  readonly host: string;
  readonly port: number;
  /** The value of Proxy-Authorization, such as `Basic dTpw`. */
  readonly authorization?: string;
  /** Further headers for the proxy. The server never sees them. */
  readonly headers?: HTTPHeadersInit;
  /** ms over the dial of the proxy and the handshake with it, Infinity for none. @default 10_000 */
  readonly connectTimeout?: number;
  /** For the deadline. @default asyncScheduler */
  readonly scheduler?: SchedulerLike;
}

/**
 * The endpoint of a server behind an HTTP proxy, by CONNECT (RFC 9110 section 9.3.6). Subscribe = dial `proxy$` and ask
 * it for the tunnel; emits the transport when the proxy has agreed. Unsubscribing before aborts either phase.
 *
 * Errors: `InvalidOptionError` and `InvalidRequestError` (a header), thrown; `ProxyError` if the proxy does not agree,
 * with its `status`; `ConnectTimeoutError`; and the errors of `proxy$`.
 *
 * @example
 * const proxy$ = tcp({ host: 'proxy.test', port: 3128 });
 * tls({ host: 'example.com', port: 443, over: tunnel(proxy$, { host: 'example.com', port: 443 }) })
 *
 * Gotcha: what goes through is as safe as without the tunnel, and no safer: `tls` to the proxy ends there.
 */
export function tunnel(proxy$: Endpoint, options: TunnelOptions): Endpoint {
  const own = ownOptions(options);
  const { scheduler } = own;
  const authorization = own.authorization ?? undefined;
  if (authorization !== undefined && typeof authorization !== 'string') {
    throw new InvalidOptionError('authorization', authorization, 'the value of a header');
  }
  const host = checkHost('host', own.host);
  const port = checkPort('port', own.port);
  const target = authorityOf(host, port, 0);
  let headers = HTTPHeaders.from(own.headers ?? undefined);
  if (authorization !== undefined) headers = headers.with({ 'Proxy-Authorization': authorization });
  const head = serializeRequestHead({
    ...{ method: 'CONNECT', path: target, host: target, headers },
    persistent: true,
    framing: { kind: 'none' },
    absoluteForm: false,
  });
  const known = headers.has('proxy-authorization');
  return through(
    proxy$,
    { authority: authorityOf(host, port, 80), connectTimeout: duration(own, 'connectTimeout', 10_000), scheduler },
    (transport, outcome) => new Connect(transport, outcome, { target, head, known }),
  );
}

interface Asked {
  readonly target: string;
  readonly head: string;
  /** It was given credentials. */
  readonly known: boolean;
}

/** The handshake: CONNECT and its answer, read by the parser of all responses. */
class Connect implements ProxyHandshake {
  readonly #parser = new ResponseParser();

  constructor(
    private readonly transport: Transport,
    private readonly outcome: ProxyOutcome,
    private readonly asked: Asked,
  ) {
    this.#parser.start({ method: 'CONNECT', upgrade: false });
  }

  begin(): void {
    this.transport.write(this.asked.head);
  }

  data(view: Uint8Array): void {
    const parser = this.#parser;
    try {
      parser.feed(view);
      let token = parser.read();
      while (token === 'informational') token = parser.read();
      if (token === 'upgrade') this.outcome.done(view.subarray(parser.position, parser.end));
      else if (token === 'head') this.#refused(parser.head.status);
    } catch (cause) {
      if (!(cause instanceof ParseError)) throw cause;
      const message = `The proxy's answer to CONNECT ${this.asked.target} is not understood: ${cause.message}`;
      this.outcome.failed(new ProxyError(message, undefined, { cause }));
    }
  }

  /** The words of the proxy are left out, as they may repeat what it was told. */
  #refused(status: number): void {
    const { target, known } = this.asked;
    const wanted = known ? 'it does not accept the credentials' : 'it wants credentials';
    const reason = status === 407 ? ` (${wanted})` : '';
    this.outcome.failed(new ProxyError(`The proxy answered CONNECT ${target} with ${status}${reason}`, status));
  }
}
