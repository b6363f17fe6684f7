import type { OnReadOpts, TcpNetConnectOpts } from 'node:net';
import { safeLookup } from './safeLookup.js';
import type { CheckedTCPOptions } from './TCPOptions.js';

/** What Node looks for beside what we say. A polluted one would change whom we talk to, or how. */
const looked = [
  ...['host', 'port', 'path', 'localAddress', 'localPort', 'family', 'hints', 'lookup', 'autoSelectFamily'],
  ...['autoSelectFamilyAttemptTimeout', 'blockList', 'socket', 'fd', 'handle', 'timeout', 'signal', 'pauseOnCreate'],
  ...['manualStart', 'noDelay', 'keepAlive', 'keepAliveInitialDelay', 'typeOfService', 'objectMode', 'highWaterMark'],
  ...['readableObjectMode', 'writableObjectMode', 'readableHighWaterMark', 'writableHighWaterMark', 'encoding'],
  ...['defaultEncoding', 'captureRejections', 'readable', 'writable', 'read', 'write', 'writev', 'final', 'destroy'],
  'construct',
];
const unsaid = Object.fromEntries(looked.map(name => [name, undefined]));

/**
 * The options of `net.connect` and `tls.connect`: the given ones, and no other. Node copies them to objects of its own,
 * which have a prototype. Where that is polluted each name stands here with a value of its own, be it undefined; else
 * they would be half of what a burst of dials holds in memory.
 */
export function nodeOptions(given: object, onread: OnReadOpts): object {
  const polluted = looked.some(name => name in Object.prototype);
  return Object.assign(Object.create(null) as object, polluted ? unsaid : undefined, given, {
    // The peer may have finished before our answer to that is sent: what half-closes is decided above.
    allowHalfOpen: true,
    onread,
  });
}

export function netOptions(options: CheckedTCPOptions, onread: OnReadOpts): TcpNetConnectOpts {
  const { host, port, family, autoSelectFamilyAttemptTimeout, lookup, localAddress } = options;
  const autoSelectFamily = options.autoSelectFamily && family === 0;
  return nodeOptions(
    {
      host,
      port,
      family,
      autoSelectFamily,
      autoSelectFamilyAttemptTimeout,
      lookup: lookup && safeLookup(lookup),
      localAddress,
    },
    onread,
  ) as TcpNetConnectOpts;
}
