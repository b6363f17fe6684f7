import { count, InvalidOptionError, own, record } from '../errors/index.js';

/** What keeps a small body from becoming a huge one ("zip bomb"). */
export interface DecompressOptions {
  /** A body is refused when it has become so many times as long, and longer than 8 MiB. Default 250. */
  readonly maxRatio?: number;
  /** The most bytes that a body may become. Default ∞; `maxRatio` holds all the same. */
  readonly maxBytes?: number;
}

export type DecompressLimits = Readonly<Required<DecompressOptions>>;

/** The limits that an option means; null for `false`. Throws `InvalidOptionError`. */
export function decompressLimits(options: {
  readonly decompress?: boolean | DecompressOptions;
}): DecompressLimits | null {
  const value = own(options, 'decompress') ?? true;
  if (value === false) return null;
  const given = value === true ? {} : record(options as { decompress?: DecompressOptions }, 'decompress')!;
  const maxRatio = own(given, 'maxRatio') ?? 250;
  if (!(typeof maxRatio === 'number' && maxRatio >= 1))
    throw new InvalidOptionError('maxRatio', maxRatio, 'at least 1');
  return { maxRatio, maxBytes: count(given, 'maxBytes', Infinity) };
}
