import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { InvalidOptionError } from '../errors/index.js';

export function checkPort(option: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65536) return value;
  throw new InvalidOptionError(option, value, 'a port from 1 to 65535');
}

/** A name in the DNS has 253 octets at most (RFC 1035 section 3.1), and a dot at its end. */
const maxHost = 254;
/** What stands in no name of a host: controls, white space and what delimits the host of a URL. */
const noName = /[\0-\x20\x7f/\\?#@:[\]%<>^|]/;

/**
 * A host name or an IP address, lower-case, in ASCII, an IPv6 address without its brackets. NUL, other controls,
 * whitespace and URL delimiters are refused: a resolver or a certificate check may stop reading at them.
 */
export function checkHost(option: string, value: unknown): string {
  const expected = 'a host name or an IP address';
  if (typeof value !== 'string') throw new InvalidOptionError(option, value, expected);
  // Before anything else: the time of IDNA grows with the square of the length.
  if (value.length > maxHost)
    throw new InvalidOptionError(option, value, `${expected}, of ${maxHost} characters at most`);
  const host = /^\[.*\]$/s.test(value) ? value.slice(1, -1) : value;
  if (isIP(host) !== 0) return host.toLowerCase();
  // Before the mapping of Unicode, which would drop line ends, and stop at a delimiter; it makes none itself.
  const valid = host === value && !noName.test(host);
  const ascii = valid && /[^\0-\x7f]/.test(host) ? domainToASCII(host) : host.toLowerCase();
  if (!valid || ascii === '') throw new InvalidOptionError(option, value, expected);
  return ascii;
}

/** An IP address of this machine. */
export function checkAddress(option: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && isIP(value) !== 0)) return value;
  throw new InvalidOptionError(option, value, 'an IP address');
}
