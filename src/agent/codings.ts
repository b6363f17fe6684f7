import zlib, { type BrotliOptions, type ZlibOptions } from 'node:zlib';
import type { Transform } from 'node:stream';

/** How one coding is undone: as a stream, and at once for what is short. What is too long or wrong throws. */
export interface Coding {
  stream(): Transform;
  sync(bytes: Uint8Array, maxOutputLength: number): Buffer;
}

type Sync<O> = (bytes: Uint8Array, options: O) => Buffer;

function coding<O extends ZlibOptions | BrotliOptions>(stream: () => Transform, sync: Sync<O>): Coding {
  return { stream, sync: (bytes, maxOutputLength) => sync(bytes, { maxOutputLength } as O) };
}

const gzip = coding<ZlibOptions>(() => zlib.createGunzip(), zlib.gunzipSync);
const inflate = coding<ZlibOptions>(() => zlib.createInflate(), zlib.inflateSync);
const inflateRaw = coding<ZlibOptions>(() => zlib.createInflateRaw(), zlib.inflateRawSync);
const brotli = coding<BrotliOptions>(() => zlib.createBrotliDecompress(), zlib.brotliDecompressSync);

/** Node 22 has it from 22.15 on, but takes a truncated body for a whole one. */
const hasZstd = Number.parseInt(process.versions.node) >= 24;
const { createZstdDecompress, zstdDecompressSync } = zlib as typeof zlib & {
  createZstdDecompress?: () => Transform;
  zstdDecompressSync?: Sync<ZlibOptions>;
};

/**
 * The coding of each name (RFC 9110 section 8.4.1). "deflate" means the zlib format, but some servers send raw deflate:
 * the first octet tells, as that of a zlib stream says method 8 (RFC 1950 section 2.2), which no raw stream begins with.
 */
export const codings: ReadonlyMap<string, (firstOctet: number) => Coding> = new Map([
  ['gzip', () => gzip],
  ['x-gzip', () => gzip],
  ['deflate', (firstOctet: number) => ((firstOctet & 0x0f) === 8 ? inflate : inflateRaw)],
  ['br', () => brotli],
  ...(!hasZstd || createZstdDecompress === undefined || zstdDecompressSync === undefined
    ? []
    : ([['zstd', () => coding<ZlibOptions>(createZstdDecompress, zstdDecompressSync)]] as const)),
]);

/** What an agent says that it can undo, the field's value. */
export const acceptEncoding = [...codings.keys()].filter(name => name !== 'x-gzip').join(', ');
