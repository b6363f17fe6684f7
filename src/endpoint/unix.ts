import { connect, type IpcNetConnectOpts } from 'node:net';
import type { SchedulerLike } from 'rxjs';
import { duration, InvalidOptionError } from '../errors/index.js';
import { dial } from './dial.js';
import { nodeOptions } from './netOptions.js';
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
  const own = ownOptions(options);
  const { scheduler } = own;
  const authority = 'localhost';
  return dial(
    { authority, connectTimeout: duration(own, 'connectTimeout', 10_000), scheduler },
    openSocket({
      authority,
      readyAt: 'connect',
      connected: () => undefined,
      connect: onread => connect(nodeOptions({ path }, onread) as IpcNetConnectOpts),
    }),
  );
}
