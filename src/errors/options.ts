import { InvalidOptionError } from './HTTPClientError.js';

/** The longest delay that Node's timers know, in ms: 24.8 days. Above it they fire at once. */
export const maxDuration = 2 ** 31 - 1;

/** An option of its own, never one that somebody put on `Object.prototype`. */
export function own<T extends object, K extends keyof T>(options: T, name: K): T[K] | undefined {
  return Object.hasOwn(options, name) ? options[name] : undefined;
}

/** A member of an object or of its class, never one that somebody put on `Object.prototype`. */
export function member<T extends object, K extends keyof T>(object: T, name: K): T[K] | undefined {
  const value = object[name];
  return value === (Object.prototype as Partial<T>)[name] ? undefined : value;
}

/**
 * A time in ms, `otherwise` if there is none (null counts as none): ∞ (no timer is made), or finite and within what timers
 * can do. Throws `InvalidOptionError`.
 */
export function duration<K extends string>(
  options: { readonly [P in K]?: number },
  name: K,
  otherwise: number,
): number {
  const value = own(options, name) ?? otherwise;
  if (typeof value === 'number' && value >= 0 && (value === Infinity || value <= maxDuration)) return value;
  throw new InvalidOptionError(name, value, `a time from 0 to ${maxDuration} ms, or Infinity`);
}

/** A number of things, ∞ allowed. Throws `InvalidOptionError`. */
export function count<K extends string>(
  options: { readonly [P in K]?: number },
  name: K,
  otherwise: number,
  least = 0,
): number {
  const value = own(options, name) ?? otherwise;
  if (value === Infinity || (Number.isSafeInteger(value) && value >= least)) return value;
  throw new InvalidOptionError(name, value, `a whole number from ${least}, or Infinity`);
}

/** A time in ms that ends. Throws `InvalidOptionError`. */
export function finiteDuration(value: unknown, name: string): number {
  if (typeof value === 'number' && value >= 0 && value <= maxDuration) return value;
  throw new InvalidOptionError(name, value, `a time from 0 to ${maxDuration} ms`);
}

/** A part of a whole. Throws `InvalidOptionError`. */
export function fraction<K extends string>(
  options: { readonly [P in K]?: number },
  name: K,
  otherwise: number,
): number {
  const value = own(options, name) ?? otherwise;
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw new InvalidOptionError(name, value, 'a number from 0 to 1');
}

/** A function, or none. Throws `InvalidOptionError`. */
export function callable<T extends object, K extends keyof T & string>(options: T, name: K): T[K] | undefined {
  const value = own(options, name);
  if (value === undefined || typeof value === 'function') return value;
  throw new InvalidOptionError(name, value, 'a function');
}

/** An object of options, or none. Throws `InvalidOptionError`. */
export function record<T extends object, K extends keyof T & string>(options: T, name: K): T[K] | undefined {
  const value = own(options, name);
  if (value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value))) return value;
  throw new InvalidOptionError(name, value, 'an object');
}

/** Yes or no. Throws `InvalidOptionError`. */
export function flag<K extends string>(options: { readonly [P in K]?: boolean }, name: K, otherwise: boolean): boolean {
  const value = own(options, name) ?? otherwise;
  if (typeof value === 'boolean') return value;
  throw new InvalidOptionError(name, value, 'true or false');
}
