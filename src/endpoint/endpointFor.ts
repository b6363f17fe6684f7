import { throwError } from 'rxjs';
import { ConnectError, InvalidOptionError } from '../errors/index.js';
import { ownOptions } from './ownOptions.js';
import { tcp } from './tcp.js';
import { tls } from './tls.js';
import type { TLSOptions } from './TLSOptions.js';
import type { Endpoint } from './Transport.js';

/**
 * The endpoint that a URL means: `tcp` for http:, `tls` for https:, the scheme's own port if it names none.
 *
 * Errors: a URL that cannot be dialled (another scheme, port 0) gives an endpoint that errors with `ConnectError`; a bad
 * option throws `InvalidOptionError`.
 *
 * `through`: how its host and port are reached, if not by a socket; TLS is spoken inside of that.
 *
 * @example
 * pool.get(url.origin, endpointFor(url, { connectTimeout: 2_000 }))
 * pool.get(`${url.origin} by proxy`, endpointFor(url, {}, server => tunnel(proxy$, server)))
 *
 * Gotcha: credentials and path of the URL are ignored, and options cannot change its host or port.
 */
export function endpointFor(
  url: URL,
  options: Omit<Partial<TLSOptions>, 'host' | 'port'> = {},
  through?: (server: { readonly host: string; readonly port: number }) => Endpoint,
): Endpoint {
  const { protocol, hostname, port } = url;
  const own = ownOptions(options);
  try {
    // `hostname` keeps the brackets of an IPv6 address, which checkHost takes off.
    if (protocol === 'http:') {
      const server = { host: hostname, port: portOf(port, 80) };
      return through === undefined ? tcp({ ...own, ...server }) : through(server);
    }
    if (protocol === 'https:') {
      const server = { host: hostname, port: portOf(port, 443) };
      return tls({ ...own, ...server, ...(through === undefined ? {} : { over: through(server) }) });
    }
  } catch (error) {
    if (!(error instanceof InvalidOptionError && (error.option === 'host' || error.option === 'port'))) throw error;
    return throwError(() => new ConnectError(`Cannot connect to ${url.host}: ${error.message}`, { cause: error }));
  }
  return throwError(
    () => new ConnectError(`Cannot connect to a URL with the scheme ${protocol} (http: and https: only)`),
  );
}

function portOf(port: string, fallback: number): number {
  return port === '' ? fallback : Number(port);
}
