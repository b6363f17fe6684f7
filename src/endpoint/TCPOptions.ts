import type { LookupFunction } from 'node:net';
import type { SchedulerLike } from 'rxjs';
import { callable, duration, flag, InvalidOptionError } from '../errors/index.js';
import { checkAddress, checkHost, checkPort } from './checks.js';
import { ownOptions } from './ownOptions.js';

export interface TCPOptions {
  /** A name or an IP address; an IPv6 address with or without brackets. */
  readonly host: string;
  readonly port: number;
  /** One deadline in ms over name lookup, TCP and TLS; Infinity for none. @default 10_000 */
  readonly connectTimeout?: number;
  /** Try the IPv4 and IPv6 addresses of the host in turn until one answers (RFC 8305). @default true */
  readonly autoSelectFamily?: boolean;
  /** How long each address is tried before the next, in ms, at least 10. @default 250 */
  readonly autoSelectFamilyAttemptTimeout?: number;
  /** Only addresses of this family, 4 or 6; 0 for both. @default 0 */
  readonly family?: 0 | 4 | 6;
  /** The IP address of this machine to connect from. */
  readonly localAddress?: string;
  /** Instead of `dns.lookup`; may answer with one address or a list, whatever was asked for. */
  readonly lookup?: LookupFunction;
  /** Probes of the system on a silent connection, the first after so many ms; false for none. @default 60_000 */
  readonly keepAlive?: number | boolean;
  /** Send small writes at once (no Nagle). @default true */
  readonly noDelay?: boolean;
  /** For the deadline. @default asyncScheduler */
  readonly scheduler?: SchedulerLike;
}

export type CheckedTCPOptions = ReturnType<typeof checkTCPOptions>;

/** Checks and completes the options, once, when the endpoint is made. */
export function checkTCPOptions(given: TCPOptions) {
  const options = ownOptions(given);
  return {
    host: checkHost('host', options.host),
    port: checkPort('port', options.port),
    connectTimeout: duration(options, 'connectTimeout', 10_000),
    autoSelectFamily: flag(options, 'autoSelectFamily', true),
    autoSelectFamilyAttemptTimeout: checkAttempt(options.autoSelectFamilyAttemptTimeout),
    family: checkFamily(options.family),
    localAddress: checkAddress('localAddress', options.localAddress),
    lookup: callable(options, 'lookup'),
    keepAlive: checkKeepAlive(options.keepAlive),
    noDelay: flag(options, 'noDelay', true),
    scheduler: options.scheduler,
  };
}

function checkAttempt(value: unknown): number {
  if (value === undefined) return 250;
  // Node raises anything below 10 to 10, silently.
  if (typeof value === 'number' && value >= 10 && value < 2 ** 31) return Math.floor(value);
  throw new InvalidOptionError('autoSelectFamilyAttemptTimeout', value, 'a number of ms of at least 10');
}

function checkFamily(value: unknown): 0 | 4 | 6 {
  if (value === undefined) return 0;
  if (value === 0 || value === 4 || value === 6) return value;
  throw new InvalidOptionError('family', value, '4, 6, or 0 for both');
}

/** ms before the first probe, or undefined for none. */
function checkKeepAlive(value: unknown): number | undefined {
  if (value === undefined || value === true) return 60_000;
  if (value === false) return undefined;
  // The system counts in seconds: below one it would be "not set".
  if (typeof value === 'number' && value >= 1_000 && value < 2 ** 31) return value;
  throw new InvalidOptionError('keepAlive', value, 'a number of ms of at least 1000, true, or false');
}
