import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { InvalidOptionError } from '../errors/index.js';

/** The longest that Node's timers can wait, in ms; anything above fires at once. */
const LONGEST = 2 ** 31 - 1;

/** A duration in ms; Infinity means that no timer is made. */
export function checkDuration(option: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && (value === Infinity || (value >= 0 && value <= LONGEST))) return value;
  throw new InvalidOptionError(option, value, `a number of ms from 0 to ${LONGEST}, or Infinity`);
}

export function checkPort(option: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65536) return value;
  throw new InvalidOptionError(option, value, 'a port from 1 to 65535');
}

export function checkBoolean(option: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw new InvalidOptionError(option, value, 'true or false');
}

export function checkFunction<T>(option: string, value: T | undefined): T | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw new InvalidOptionError(option, value, 'a function');
}

/**
 * A host name or an IP address, lower-case, in ASCII, an IPv6 address without its brackets. NUL, other controls,
 * whitespace and URL delimiters are refused: a resolver or a certificate check may stop reading at them.
 */
export function checkHost(option: string, value: unknown): string {
  const expected = 'a host name or an IP address';
  if (typeof value !== 'string') throw new InvalidOptionError(option, value, expected);
  const host = /^\[.*\]$/s.test(value) ? value.slice(1, -1) : value;
  if (isIP(host) !== 0) return host.toLowerCase();
  const ascii = /[^\0-\x7f]/.test(host) ? domainToASCII(host) : host.toLowerCase();
  if (host !== value || ascii === '' || /[\0-\x20\x7f/\\?#@:[\]%<>^|]/.test(ascii)) {
    throw new InvalidOptionError(option, value, expected);
  }
  return ascii;
}

/** An IP address of this machine. */
export function checkAddress(option: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && isIP(value) !== 0)) return value;
  throw new InvalidOptionError(option, value, 'an IP address');
}
