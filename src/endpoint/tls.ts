import { connect, type TLSSocket } from 'node:tls';
import { catchError, switchMap, take, throwError, throwIfEmpty, timeout } from 'rxjs';
import { ConnectTimeoutError } from '../errors/index.js';
import { authorityOf } from './authorityOf.js';
import { connectError } from './connectError.js';
import { dial, type Open } from './dial.js';
import { DialClock } from './DialClock.js';
import { DuplexTransport } from './DuplexTransport.js';
import { netOptions } from './netOptions.js';
import { openSocket, socketInfo } from './openSocket.js';
import { ownOptions } from './ownOptions.js';
import { tune } from './tcp.js';
import { TLSHandshake } from './TLSHandshake.js';
import { checkTLSOptions, type TLSOptions } from './TLSOptions.js';
import type { Endpoint, Transport } from './Transport.js';

/**
 * The endpoint of a TLS server. Subscribe = dial: emits one transport after the handshake and the verification of the
 * server's certificate against `servername`, or else `host`, then completes. Unsubscribing before aborts the dial in
 * every phase. Otherwise as `tcp`.
 *
 * Errors: `InvalidOptionError`, thrown; `ConnectTimeoutError` after `connectTimeout` ms over name lookup, TCP and TLS;
 * `ConnectError` with the system's error as `cause` for the rest, such as `CERT_HAS_EXPIRED`.
 *
 * @example
 * pool.get('https://example.com', tls({ host: 'example.com', port: 443 }))
 * pool.get('https://example.com', tls({ host: 'example.com', port: 443, over: tunnel(proxy$, { … }) }))
 *
 * Gotcha: with TLS 1.3 a server that refuses the client's certificate says so after the handshake: the transport is
 * emitted, and closed with that error. And a peer that ends TCP without a close_notify (RFC 9112 section 9.8) looks in
 * Node like one that ended TLS properly: a body delimited by close may be truncated unseen.
 */
export function tls(options: TLSOptions): Endpoint {
  const checked = checkTLSOptions(options);
  const authority = authorityOf(checked.host, checked.port, 443);
  const handshake = new TLSHandshake(checked);
  const dialOptions = { ...checked, authority };

  const { over } = checked;
  if (over === undefined) {
    return dial(
      dialOptions,
      openSocket({
        authority,
        readyAt: 'secureConnect',
        connect: onread => {
          const socket = connect(ownOptions({ ...netOptions(checked, onread), ...handshake.connectOptions() }));
          // Not before: when one address fails Node tries the next on a new handle, which tells of no sessions to
          // those who listened on the old one.
          socket.once('connect', () => handshake.keepSessions(socket));
          return socket;
        },
        connected: socket => tune(socket, checked),
      }),
    );
  }

  // The deadline is around the dial of the other endpoint as well.
  const { connectTimeout, scheduler } = checked;
  const dial$ = over.pipe(
    take(1),
    throwIfEmpty(() => new Error('the endpoint in `over` emitted no transport')),
    catchError(error => throwError(() => connectError(authority, error))),
    switchMap(transport =>
      dial({ ...dialOptions, connectTimeout: Infinity }, openOver(transport, authority, handshake)),
    ),
  );
  if (connectTimeout === Infinity) return dial$;
  const late = () => throwError(() => new ConnectTimeoutError(authority, connectTimeout));
  return dial$.pipe(timeout({ first: connectTimeout, scheduler, with: late }));
}

/** TLS inside another transport. There Node has no `onread`: it is read by 'data' events. */
function openOver(transport: Transport, authority: string, handshake: TLSHandshake): Open {
  return (ready, failed) => {
    const duplex = transport.toDuplex();
    const socket: TLSSocket = connect(ownOptions({ ...handshake.connectOptions(), socket: duplex }));
    const clock = new DialClock(socket);
    handshake.keepSessions(socket);
    // Node ties the two only loosely together when the stream is no socket of its own.
    duplex.on('error', error => socket.destroy(error));
    duplex.on('close', () => socket.destroy());
    socket.on('close', () => duplex.destroy());

    const closed = () => failed(new Error('the tunnel was closed in the TLS handshake'));
    socket.on('error', failed);
    socket.on('close', closed);
    socket.once('secureConnect', () => {
      socket.off('error', failed);
      socket.off('close', closed);
      const { timings, localAddress, localPort, remoteAddress, remotePort } = transport.info;
      const info = socketInfo(authority, socket, { ...timings, ...clock.timings });
      ready(new DuplexTransport(socket, { ...info, localAddress, localPort, remoteAddress, remotePort }));
    });
    return () => socket.destroy();
  };
}
