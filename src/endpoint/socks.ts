import { defer, switchMap, type SchedulerLike } from 'rxjs';
import type * as Socks from 'socks';
import { ConnectError, duration, InvalidOptionError } from '../errors/index.js';
import { authorityOf } from './authorityOf.js';
import { checkHost, checkPort } from './checks.js';
import { ownOptions } from './ownOptions.js';
import { SocksHandshake } from './SocksHandshake.js';
import { through } from './through.js';
import type { Endpoint } from './Transport.js';

export interface SocksOptions {
  /** The server behind the proxy, which looks up its name: nothing of it is looked up here. */
  readonly host: string;
  readonly port: number;
  /** At most 255 bytes each. */
  readonly username?: string;
  readonly password?: string;
  /** ms over the dial of the proxy and the handshake with it, Infinity for none. @default 10_000 */
  readonly connectTimeout?: number;
  /** For the deadline. @default asyncScheduler */
  readonly scheduler?: SchedulerLike;
}

/**
 * The endpoint of a server behind a SOCKS 5 proxy (RFC 1928), with a user name and a password if need be (RFC 1929).
 * Subscribe = dial `proxy$` and have the handshake; unsubscribing before it emits aborts either phase.
 *
 * It takes the package `socks`, an optional peer, which is loaded at the first dial.
 *
 * Errors: `InvalidOptionError`, thrown; `ProxyError` if the proxy does not let us through; `ConnectTimeoutError`;
 * `ConnectError` if the package is not there; and the errors of `proxy$`.
 *
 * @example
 * socks(tcp({ host: 'localhost', port: 1080 }), { host: 'example.com', port: 80 })
 */
export function socks(proxy$: Endpoint, options: SocksOptions): Endpoint {
  const own = ownOptions(options);
  const { scheduler } = own;
  const destination = { host: checkHost('host', own.host), port: checkPort('port', own.port) };
  const authority = authorityOf(destination.host, destination.port, 80);
  const connectTimeout = duration(own, 'connectTimeout', 10_000);
  const credentials = { userId: credential('username', own.username), password: credential('password', own.password) };
  const details = { destination, authority, credentials, connectTimeout };
  return defer(load).pipe(
    switchMap(({ SocksClient }) =>
      through(
        proxy$,
        { authority, connectTimeout, scheduler },
        (transport, outcome) => new SocksHandshake(SocksClient, details, transport, outcome),
      ),
    ),
  );
}

function credential(option: string, value: unknown): string | undefined {
  if (value == null) return undefined;
  if (typeof value === 'string' && Buffer.byteLength(value) < 256) return value;
  throw new InvalidOptionError(option, value, 'a string of 255 bytes at most');
}

function load(): Promise<typeof Socks> {
  // With its `catch`, bundlers take it for what may be missing.
  return import('socks').catch((cause: unknown) => {
    throw new ConnectError('A SOCKS proxy takes the package `socks`, which cannot be loaded: npm install socks', {
      cause,
    });
  });
}
