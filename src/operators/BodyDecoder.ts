import { TextDecoder } from 'node:util';
import { byteOrderMarkOf } from '../protocol/index.js';

/** Decodes a body as it comes; what is cut anywhere is put together. */
export class BodyDecoder {
  /** The first bytes, until there are enough for a byte order mark. */
  #first: Uint8Array | null = new Uint8Array(0);
  #decoder: TextDecoder | null = null;

  /** `charset` counts if there is no byte order mark. */
  constructor(private readonly charset: string) {}

  decode(bytes: Uint8Array): string {
    if (this.#decoder !== null) return this.#decoder.decode(bytes, { stream: true });
    const first = this.#first!.length === 0 ? bytes : Buffer.concat([this.#first!, bytes]);
    if (first.length >= 3) return this.#open(first);
    this.#first = first;
    return '';
  }

  /** What was begun and not ended. */
  end(): string {
    const text = this.#decoder === null ? this.#open(this.#first!) : '';
    return text + this.#decoder!.decode();
  }

  #open(first: Uint8Array): string {
    this.#first = null;
    const mark = byteOrderMarkOf(first, 0, first.length);
    // Taken off here, once: Node 26 takes off two where the bytes are cut between them.
    this.#decoder = new TextDecoder(mark ?? this.charset, { ignoreBOM: true });
    const length = mark === undefined ? 0 : mark === 'utf-8' ? 3 : 2;
    return this.#decoder.decode(first.subarray(length), { stream: true });
  }
}
