import { count, own, RecordTooLargeError } from '../errors/index.js';
import { charsetOf, encodingOf, type ProtocolResponse } from '../protocol/index.js';
import { BodyDecoder } from './BodyDecoder.js';
import type { ChunkReader } from './readChunks.js';

export interface LinesOptions {
  /** The most characters (UTF-16 code units) of a line; a longer one is a `RecordTooLargeError`. Default 1 MiB. */
  readonly maxLength?: number;
  /** The charset, instead of what the Content-Type says. A byte order mark still comes first. */
  readonly encoding?: string;
}

/** Throws `InvalidOptionError`. */
export function linesOptions(options: LinesOptions): { maxLength: number; encoding: string | undefined } {
  return { maxLength: count(options, 'maxLength', 2 ** 20, 1), encoding: encodingOf(own(options, 'encoding')) };
}

/** Takes a body apart into lines. */
export class LineReader implements ChunkReader<Uint8Array> {
  /** The beginning of a line whose end has not come. */
  #begun = '';
  #count = 0;
  readonly #decoder: BodyDecoder;

  constructor(
    response: ProtocolResponse,
    private readonly options: ReturnType<typeof linesOptions>,
    /** Given each line and its number, from 1. */
    private readonly each: (line: string, number: number) => void,
  ) {
    this.#decoder = new BodyDecoder(options.encoding ?? charsetOf(response.headers));
  }

  chunk(bytes: Uint8Array): void {
    this.#text(this.#decoder.decode(bytes));
  }

  end(): void {
    this.#text(this.#decoder.end());
    // What has no terminator is a line if it is something; a CR at its end is a part of it.
    if (this.#begun !== '') this.#line(this.#begun);
  }

  #text(text: string): void {
    const { maxLength } = this.options;
    let at = 0;
    // Only what is new is searched, however long the line has become.
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
      const line = this.#begun + text.slice(at, end);
      this.#begun = '';
      at = end + 1;
      this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
    }
    this.#begun += text.slice(at);
    // One more may be the CR of a line that is just not too long.
    if (this.#begun.length > maxLength + 1) throw this.#tooLong();
  }

  #line(line: string): void {
    if (line.length > this.options.maxLength) throw this.#tooLong();
    this.each(line, ++this.#count);
  }

  #tooLong(): RecordTooLargeError {
    return new RecordTooLargeError(this.options.maxLength, this.#count + 1);
  }
}
