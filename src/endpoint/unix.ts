import { connect } from 'node:net';
import type { SchedulerLike } from 'rxjs';
import { duration, InvalidOptionError } from '../errors/index.js';
import { dial } from './dial.js';
import { openSocket } from './openSocket.js';
import { ownOptions } from './ownOptions.js';
import type { Endpoint } from './Transport.js';

export interface UnixOptions {
  /** ms, Infinity for none. @default 10_000 */
  readonly connectTimeout?: number;
  /** For the deadline. @default asyncScheduler */
  readonly scheduler?: SchedulerLike;
}

/**
 * The endpoint of a server on a Unix domain socket (or a Windows named pipe). Its authority is `localhost`.
 * Otherwise as `tcp`.
 *
 * @example
 * pool.get('docker', unix('/var/run/docker.sock'))
 */
export function unix(path: string, options: UnixOptions = {}): Endpoint {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new InvalidOptionError('path', path, 'the path of a socket');
  }
  const { scheduler } = ownOptions(options);
  const authority = 'localhost';
  return dial(
    { authority, connectTimeout: duration(options, 'connectTimeout', 10_000), scheduler },
    openSocket({
      authority,
      readyAt: 'connect',
      connect: onread => connect({ path, allowHalfOpen: true, onread }),
    }),
  );
}
