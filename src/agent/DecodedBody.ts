import type { Transform } from 'node:stream';
import { ContentDecodingError } from '../errors/index.js';
import { BodyFilter, type IncomingBody, type Validity } from '../protocol/index.js';
import { codings } from './codings.js';
import type { DecompressLimits } from './DecompressOptions.js';

/** A body that came as a whole and is no longer than this is decoded at once: a stream takes longer to make than that. */
const maxAtOnce = 16 * 1024;
const maxOutputAtOnce = 256 * 1024;

/** So much may come out, in bytes, whatever went in: a short file of one letter is no attack. */
const harmless = 8 * 1024 * 1024;

/** A body with one coding undone. Zlib works in another thread; as long as it does, or is full, nothing more is read. */
export class DecodedBody extends BodyFilter {
  override readonly takesWhole = true;
  #stream: Transform | null = null;
  #taken = 0;
  #given = 0;

  constructor(
    source: IncomingBody,
    private readonly coding: string,
    private readonly limits: DecompressLimits,
  ) {
    super(source, null);
  }

  /** It was there before anybody asked for it. */
  whole(bytes: Uint8Array, start: number, end: number): void {
    const piece = bytes.subarray(start, end);
    const decoded = this.#atOnce(piece);
    if (decoded !== null) {
      this.#give(decoded);
      super.end();
      return;
    }
    if (piece.length > 0) this.chunk(bytes, start, end, 'call');
    this.end();
  }

  #atOnce(piece: Uint8Array): Uint8Array | null {
    if (piece.length === 0 || piece.length > maxAtOnce) return null;
    try {
      return codings.get(this.coding)!(piece[0]).sync(piece, Math.min(maxOutputAtOnce, this.limits.maxBytes));
    } catch {
      return null; // it is longer than that, or wrong in a way that the stream will tell
    }
  }

  override chunk(bytes: Uint8Array, start: number, end: number, valid: Validity): boolean {
    // The other thread reads it when this call is long over.
    const piece = valid === 'ever' ? bytes.subarray(start, end) : Uint8Array.prototype.slice.call(bytes, start, end);
    this.#taken += piece.length;
    this.#stream ??= this.#open(piece[0]);
    this.#stream.write(piece, error => {
      if (!error) this.source.more();
    });
    return false;
  }

  override end(): void {
    // Nothing is nothing in every coding, though zlib would call it truncated: servers send it with 200, or to HEAD.
    if (this.#stream === null) super.end();
    else this.#stream.end();
  }

  override fail(error: unknown): void {
    this.#stream?.destroy();
    super.fail(error);
  }

  override wanted(): void {
    if (this.#stream === null) super.wanted();
    else this.#stream.resume();
  }

  override dropped(working: boolean): void {
    this.#stream?.destroy();
    super.dropped(working);
  }

  #open(firstOctet: number): Transform {
    const stream = codings.get(this.coding)!(firstOctet).stream();
    stream.on('data', (piece: Buffer) => this.#give(piece));
    stream.on('end', () => super.end());
    // Truncation is among them.
    stream.on('error', cause => this.#refuse(`The response body is no ${this.coding}: ${cause.message}`, cause));
    return stream;
  }

  #give(piece: Uint8Array): void {
    const { maxRatio, maxBytes } = this.limits;
    this.#given += piece.length;
    if (this.#given > maxBytes) return this.#refuse(`The decoded response body passed maxBytes = ${maxBytes}`);
    if (this.#given > harmless && this.#given > this.#taken * maxRatio) {
      return this.#refuse(`The decoded response body passed ${maxRatio} times its encoded length (maxRatio)`);
    }
    if (piece.length > 0) this.body.push(piece, 0, piece.length, 'ever');
    if (!this.body.hungry) this.#stream?.pause();
  }

  #refuse(message: string, cause?: unknown): void {
    this.#stream?.destroy();
    this.giveUp(new ContentDecodingError(message, cause === undefined ? undefined : { cause }));
  }
}
