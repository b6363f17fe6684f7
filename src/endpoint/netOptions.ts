import type { OnReadOpts, TcpNetConnectOpts } from 'node:net';
import { safeLookup } from './safeLookup.js';
import type { CheckedTCPOptions } from './TCPOptions.js';

/**
 * What `net.connect` and `tls.connect` are given. Each option that changes whom we talk to stands here with its own
 * value, be it undefined: Node looks for absent ones on `Object.prototype` as well.
 */
export function netOptions(options: CheckedTCPOptions, onread: OnReadOpts): TcpNetConnectOpts {
  return Object.assign(Object.create(null) as object, {
    host: options.host,
    port: options.port,
    family: options.family,
    autoSelectFamily: options.autoSelectFamily && options.family === 0,
    autoSelectFamilyAttemptTimeout: options.autoSelectFamilyAttemptTimeout,
    lookup: options.lookup && safeLookup(options.lookup),
    localAddress: options.localAddress,
    localPort: undefined,
    path: undefined,
    socket: undefined,
    fd: undefined,
    handle: undefined,
    hints: undefined,
    timeout: undefined,
    signal: undefined,
    // The peer may have finished before our answer to that is sent: what half-closes is decided above.
    allowHalfOpen: true,
    onread,
  });
}
