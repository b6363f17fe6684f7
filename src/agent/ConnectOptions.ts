import { deepCopy, type Endpoint, type TLSOptions } from '../endpoint/index.js';
import { InvalidOptionError, own } from '../errors/index.js';

/** How connections are made: TLS, and the options of the socket. */
export type ConnectOptions = Omit<Partial<TLSOptions>, 'host' | 'port' | 'connectTimeout' | 'over'>;

/** As they are now: the key of a connection must not tell of other options than those that it was made with. */
export function connectOptions(options: ConnectOptions): ConnectOptions {
  // It would be a way to the server that the key does not tell of.
  if (Object.hasOwn(options, 'over')) {
    throw new InvalidOptionError(
      'connect.over',
      own(options as { over?: Endpoint }, 'over'),
      'left out: give an `endpoint`',
    );
  }
  return deepCopy({ ...options });
}

const ofSockets = [
  ...(['localAddress', 'lookup', 'family', 'keepAlive', 'noDelay', 'scheduler'] as const),
  ...(['autoSelectFamily', 'autoSelectFamilyAttemptTimeout'] as const),
];

/** Those of the socket, without those of TLS. */
export function socketOptions(options: ConnectOptions): ConnectOptions {
  return Object.fromEntries(ofSockets.filter(name => Object.hasOwn(options, name)).map(name => [name, options[name]]));
}

const ids = new WeakMap<object, number>();
let lastId = 0;

/** What makes one socket to a server different from another; a `lookup` may be there to keep requests from some. */
export function socketIdentity(options: ConnectOptions): string {
  const localAddress = own(options, 'localAddress');
  const lookup = own(options, 'lookup');
  const family = own(options, 'family');
  let identity = '';
  if (localAddress !== undefined) identity += ` from=${localAddress}`;
  if (family !== undefined) identity += ` family=${family}`;
  if (lookup !== undefined) {
    let id = ids.get(lookup);
    if (id === undefined) ids.set(lookup, (id = ++lastId));
    identity += ` lookup=${id}`;
  }
  return identity;
}
