import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { SchedulerLike } from 'rxjs';
import { callable, duration, InvalidOptionError } from '../errors/index.js';
import { dial } from './dial.js';
import { DuplexTransport } from './DuplexTransport.js';
import { isTLS } from './isTLS.js';
import { socketInfo } from './openSocket.js';
import { ownOptions } from './ownOptions.js';
import type { Endpoint } from './Transport.js';

export interface DuplexOptions {
  /** The default `Host` header. @default 'localhost' */
  readonly authority?: string;
  /** ms, Infinity for none. @default 10_000 */
  readonly connectTimeout?: number;
  /** For the deadline. @default asyncScheduler */
  readonly scheduler?: SchedulerLike;
}

/**
 * The endpoint of anything that is a Duplex: an SSH channel, a stream in memory, a socket of your own making. `factory`
 * is called for each dial, and must make a new stream each time.
 *
 * Errors: `ConnectError`, with what `factory` threw or the stream's own error as `cause`.
 *
 * @example
 * duplex(() => sshClient.forward('db.internal', 80), { authority: 'db.internal' })
 *
 * Gotcha: the stream counts as ready at once, except a `net.Socket` or `tls.TLSSocket` that is still connecting, which
 * is waited for. It is read by 'data' events, at about a third of the throughput of `tcp` and `tls`.
 */
export function duplex(factory: () => Duplex, options: DuplexOptions = {}): Endpoint {
  callable({ factory }, 'factory');
  const own = ownOptions(options);
  const { authority = 'localhost', scheduler } = own;
  // It becomes a header: what would end it is refused here.
  if (typeof authority !== 'string' || !/^[\x21-\x7e]+$/.test(authority)) {
    throw new InvalidOptionError('authority', authority, 'a host, or host:port');
  }
  return dial({ authority, connectTimeout: duration(own, 'connectTimeout', 10_000), scheduler }, (ready, failed) => {
    const stream = factory();
    const closed = () => failed(new Error('the stream was closed'));
    const started = performance.now();
    const open = () => {
      stream.off('error', failed);
      stream.off('close', closed);
      const timings = pending === undefined ? {} : { connect: performance.now() - started };
      ready(new DuplexTransport(stream, socketInfo(authority, stream as Socket, timings)));
    };
    stream.on('error', failed);
    stream.on('close', closed);
    const pending = awaited(stream);
    if (stream.destroyed) failed(stream.errored ?? new Error('the stream is closed'));
    else if (pending === undefined) open();
    else stream.once(pending, open);
    return () => stream.destroy();
  });
}

/** The event to wait for, if there is one. */
function awaited(stream: Duplex): string | undefined {
  if (isTLS(stream))
    return (stream as TLSSocket & { secureConnecting?: boolean }).secureConnecting ? 'secureConnect' : undefined;
  return (stream as Partial<Socket>).connecting ? 'connect' : undefined;
}
