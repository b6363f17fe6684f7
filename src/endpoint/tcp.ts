import { connect, type Socket } from 'node:net';
import { authorityOf } from './authorityOf.js';
import { dial } from './dial.js';
import { netOptions } from './netOptions.js';
import { openSocket } from './openSocket.js';
import { type CheckedTCPOptions, checkTCPOptions, type TCPOptions } from './TCPOptions.js';
import type { Endpoint } from './Transport.js';

/**
 * The endpoint of a TCP server. Subscribe = dial: emits one transport when connected, then completes; unsubscribing
 * before aborts the dial, after it does nothing. IPv4 and IPv6 addresses are tried in turn (RFC 8305).
 *
 * Errors: `InvalidOptionError`, thrown; `ConnectTimeoutError` after `connectTimeout` ms; `ConnectError` with the
 * system's error as `cause` for the rest.
 *
 * @example
 * pool.get('http://localhost:8080', tcp({ host: 'localhost', port: 8080 }))
 *
 * Gotcha: every subscription dials anew; nothing is shared or kept.
 */
export function tcp(options: TCPOptions): Endpoint {
  const checked = checkTCPOptions(options);
  const authority = authorityOf(checked.host, checked.port, 80);
  return dial(
    { ...checked, authority },
    openSocket({
      authority,
      readyAt: 'connect',
      connect: onread => connect(netOptions(checked, onread)),
      connected: socket => tune(socket, checked),
    }),
  );
}

/** After the connect, not as options of it: `tls.connect` does not know them. */
export function tune(socket: Socket, { noDelay, keepAlive }: CheckedTCPOptions): void {
  if (noDelay) socket.setNoDelay(true);
  if (keepAlive !== undefined) socket.setKeepAlive(true, keepAlive);
}
