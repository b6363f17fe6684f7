import { callable, count, own } from '../errors/index.js';
import { encodingOf } from './charset.js';

export interface BytesOptions {
  /** The most bytes that the body may have; more are a `BodyTooLargeError`. Default: any number. */
  readonly maxBytes?: number;
}

export interface TextOptions extends BytesOptions {
  /**
   * The charset, by one of its names in the [Encoding Standard](https://encoding.spec.whatwg.org/), instead of what the
   * Content-Type says. A byte order mark still comes first.
   */
  readonly encoding?: string;
}

export interface JSONOptions extends BytesOptions {
  /** Given to `JSON.parse`. What it throws is the `cause` of the error. */
  readonly reviver?: (this: unknown, key: string, value: unknown) => unknown;
}

/** How a body is read in one piece, checked. */
export interface ReadOptions {
  readonly limit: number;
  readonly encoding: string | undefined;
  readonly reviver: JSONOptions['reviver'];
}

export const readAll: ReadOptions = { limit: Infinity, encoding: undefined, reviver: undefined };

/** Throws `InvalidOptionError`. */
export function readOptions(options: (TextOptions & JSONOptions) | undefined): ReadOptions {
  if (options === undefined) return readAll;
  return {
    limit: count(options, 'maxBytes', Infinity),
    encoding: encodingOf(own(options, 'encoding')),
    reviver: callable(options, 'reviver'),
  };
}
