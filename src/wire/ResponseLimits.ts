import { InvalidOptionError } from '../errors/index.js';

/** What a response may cost before its body. Passing one of these is a `HeadersOverflowError`. */
export interface ResponseLimits {
  /**
   * Octets of status line and fields, every one counted (white space and line ends too), over the final head and all
   * 1xx heads of an exchange together.
   *
   * @default 16384
   */
  readonly maxHeadSize: number;
  /**
   * Fields in one head or trailer section. More is an error: a field silently dropped may be the one that mattered.
   *
   * @default 1000
   */
  readonly maxHeaderCount: number;
  /**
   * 1xx responses before the final one.
   *
   * @default 16
   */
  readonly maxInformational: number;
  /**
   * Octets of chunk extensions over all chunks of a message.
   *
   * @default 16384
   */
  readonly maxChunkExtensions: number;
  /**
   * Octets of the trailer fields with their line ends.
   *
   * @default 16384
   */
  readonly maxTrailerSize: number;
}

export const defaultResponseLimits: ResponseLimits = Object.freeze({
  maxHeadSize: 16_384,
  maxHeaderCount: 1_000,
  maxInformational: 16,
  maxChunkExtensions: 16_384,
  maxTrailerSize: 16_384,
});

/**
 * Fills in the defaults. Only own properties of `init` count, so that a polluted prototype lifts no limit.
 *
 * @throws InvalidOptionError for anything but an integer from 0 (`maxHeadSize`: from 1); there is no "unlimited".
 */
export function responseLimits(init: Partial<ResponseLimits> = {}): ResponseLimits {
  const limit = (name: keyof ResponseLimits, least = 0): number => {
    const value: unknown = Object.hasOwn(init, name) ? init[name] : undefined;
    if (value === undefined) {
      return defaultResponseLimits[name];
    }
    if (!Number.isSafeInteger(value) || (value as number) < least) {
      throw new InvalidOptionError(name, value, `an integer from ${least}`);
    }
    return value as number;
  };
  return {
    maxHeadSize: limit('maxHeadSize', 1),
    maxHeaderCount: limit('maxHeaderCount'),
    maxInformational: limit('maxInformational'),
    maxChunkExtensions: limit('maxChunkExtensions'),
    maxTrailerSize: limit('maxTrailerSize'),
  };
}
