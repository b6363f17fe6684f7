import { HeadersOverflowError, ParseError } from '../errors/index.js';
import { BACKSLASH, CR, EQUALS, HTAB, LF, QUOTE, SEMICOLON, SP, hexValue, isFieldOctet, isToken } from './octets.js';

/** A size of 16 digits is already more than can be counted; leading zeros must not go on for ever. */
const maxSizeDigits = 16;

const SIZE = 0;
const SIZE_LF = 1;
const DATA = 2;
const DATA_CR = 3;
const DATA_LF = 4;
// Inside an extension: `;` BWS name [ BWS `=` BWS value ], named by what may come next.
const EXT_START = 5;
const EXT_NAME = 6;
const EXT_AFTER_NAME = 7;
const EXT_VALUE_START = 8;
const EXT_TOKEN = 9;
const EXT_QUOTED = 10;
const EXT_ESCAPED = 11;
const EXT_AFTER_QUOTED = 12;
const EXT_WHITESPACE = 13;

/**
 * Takes the chunked coding apart, up to the trailer section (RFC 9112 section 7.1). Extensions are checked and dropped.
 * One octet after the other outside of chunk data, so that the cuts between segments change nothing.
 */
export class ChunkedDecoder {
  /** The next unread offset. */
  position = 0;
  /** After `data`: where the bytes are. */
  dataStart = 0;

  private state = SIZE;
  /** Octets of the chunk that are still to come. */
  private remaining = 0;
  private digits = 0;
  private extensions = 0;

  constructor(private readonly maxChunkExtensions: number) {}

  begin(): void {
    this.state = SIZE;
    this.remaining = 0;
    this.digits = 0;
    this.extensions = 0;
  }

  /**
   * Reads on from `start`: `data` is a range from `dataStart` to `position`, never empty; `last` says that the line of
   * the last chunk has been read; `more` that all bytes were taken.
   *
   * @throws ParseError, HeadersOverflowError
   */
  read(chunk: Uint8Array, start: number, end: number): 'data' | 'last' | 'more' {
    let pos = start;
    while (pos < end) {
      switch (this.state) {
        case SIZE:
          this.sizeOctet(chunk[pos++]);
          break;
        case SIZE_LF:
          expect(chunk[pos++], LF, 'CR without LF after a chunk size');
          this.digits = 0;
          if (this.remaining === 0) {
            this.position = pos;
            return 'last';
          }
          this.state = DATA;
          break;
        case DATA: {
          const length = Math.min(this.remaining, end - pos);
          this.remaining -= length;
          this.dataStart = pos;
          this.position = pos + length;
          if (this.remaining === 0) {
            this.state = DATA_CR;
          }
          return 'data';
        }
        case DATA_CR:
          expect(chunk[pos++], CR, 'chunk data not followed by CRLF');
          this.state = DATA_LF;
          break;
        case DATA_LF:
          expect(chunk[pos++], LF, 'chunk data not followed by CRLF');
          this.state = SIZE;
          break;
        default:
          this.extensionOctet(chunk[pos++]);
      }
    }
    this.position = pos;
    return 'more';
  }

  private sizeOctet(octet: number): void {
    const digit = hexValue[octet];
    if (digit !== 255) {
      if (++this.digits > maxSizeDigits) {
        throw new HeadersOverflowError('digits of a chunk size', maxSizeDigits);
      }
      this.remaining = this.remaining * 16 + digit;
      if (this.remaining > Number.MAX_SAFE_INTEGER) {
        fail('a chunk size above 2^53-1');
      }
    } else if (this.digits === 0) {
      fail('a chunk without a size');
    } else if (octet === CR) {
      this.state = SIZE_LF;
    } else if (octet === SEMICOLON) {
      this.countExtension();
      this.state = EXT_START;
    } else {
      fail('a chunk size not followed by CRLF or an extension');
    }
  }

  /**
   * The grammar of RFC 9112 section 7.1.1. White space is taken where it says BWS, which is not before the first `;` nor
   * before the line end: what others might read as another size or another line is refused.
   */
  private extensionOctet(octet: number): void {
    if (octet === CR && (this.state === EXT_NAME || this.state === EXT_TOKEN || this.state === EXT_AFTER_QUOTED)) {
      this.state = SIZE_LF;
      return;
    }
    this.countExtension();
    const next = nextState(this.state, octet);
    if (next === -1) {
      fail('a chunk extension');
    }
    this.state = next;
  }

  private countExtension(): void {
    if (++this.extensions > this.maxChunkExtensions) {
      throw new HeadersOverflowError('maxChunkExtensions', this.maxChunkExtensions);
    }
  }
}

function nextState(state: number, octet: number): number {
  const whitespace = octet === SP || octet === HTAB;
  const token = isToken[octet] === 1;
  switch (state) {
    case EXT_START:
      return whitespace ? EXT_START : token ? EXT_NAME : -1;
    case EXT_NAME:
      return token ? EXT_NAME : whitespace ? EXT_AFTER_NAME : afterName(octet);
    case EXT_AFTER_NAME:
      return whitespace ? EXT_AFTER_NAME : afterName(octet);
    case EXT_VALUE_START:
      return whitespace ? EXT_VALUE_START : octet === QUOTE ? EXT_QUOTED : token ? EXT_TOKEN : -1;
    case EXT_TOKEN:
      return token ? EXT_TOKEN : afterValue(octet, whitespace);
    case EXT_QUOTED:
      if (octet === QUOTE) return EXT_AFTER_QUOTED;
      if (octet === BACKSLASH) return EXT_ESCAPED;
      return isFieldOctet[octet] === 1 ? EXT_QUOTED : -1;
    case EXT_ESCAPED:
      return isFieldOctet[octet] === 1 ? EXT_QUOTED : -1;
    default:
      return afterValue(octet, whitespace);
  }
}

function afterName(octet: number): number {
  return octet === EQUALS ? EXT_VALUE_START : octet === SEMICOLON ? EXT_START : -1;
}

function afterValue(octet: number, whitespace: boolean): number {
  return whitespace ? EXT_WHITESPACE : octet === SEMICOLON ? EXT_START : -1;
}

function expect(octet: number, wanted: number, what: string): void {
  if (octet !== wanted) {
    fail(what);
  }
}

function fail(what: string): never {
  throw new ParseError(`The chunked body is malformed: ${what}`);
}
