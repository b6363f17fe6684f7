import { HeadersOverflowError, ParseError } from '../errors/index.js';
import { FramingFields } from './FramingFields.js';
import { HTTPHeaders } from './HTTPHeaders.js';
import { COLON, CR, LF, SP, isFieldOctet, isToken, latin1, noBytes, octets } from './octets.js';

const STATUS_PREFIX = 0;
const REASON = 1;
const STATUS_LF = 2;
const FIRST_FIELD = 3;
const NAME = 4;
const VALUE = 5;
const VALUE_LF = 6;
const LAST_LF = 7;

const httpVersionPrefix = octets('HTTP/1.');

/**
 * Reads a status line with its fields, or a trailer section: strict, and one octet after the other, so that neither
 * the result nor the work depends on how the bytes were cut into segments (RFC 9112 sections 4 and 5).
 *
 * While a section is in one chunk it is read in place. Once one turns out to be cut, its beginning is copied and
 * the scan goes on, from where it was, in that copy.
 */
export class HeadParser {
  readonly framing = new FramingFields();
  /** After a head: */
  status = 0;
  minorVersion = 1;
  statusText = '';
  headers = HTTPHeaders.empty;

  private state = STATUS_PREFIX;
  private trailers = false;
  /** Octets of `HTTP/1.1 200` that have been read. */
  private prefix = 0;
  private limit = '';
  private limitValue = 0;
  /** Octets that may still come. */
  private budget = 0;
  private count = 0;
  /** A bit for each length, modulo 32, that a name has had. */
  private lengths = 0;
  // Offsets in the chunk, or in `held` once there is something in it.
  private reasonStart = 0;
  private reasonEnd = 0;
  private fieldsStart = 0;
  private nameStart = 0;
  private valueStart = 0;
  private wanted = false;

  private held = noBytes;
  private heldLength = 0;

  constructor(private readonly maxHeaderCount: number) {}

  /** Sets how many octets the sections to come may have together; `limit` is the name of that option. */
  allow(octets: number, limit: string, limitValue: number): void {
    this.budget = octets;
    this.limit = limit;
    this.limitValue = limitValue;
  }

  beginHead(): void {
    this.begin(STATUS_PREFIX);
    this.trailers = false;
    this.status = 0;
    this.prefix = 0;
  }

  beginTrailers(): void {
    this.begin(FIRST_FIELD);
    this.trailers = true;
  }

  /**
   * Reads on from `start`. Gives the offset behind the section, or -1 if all bytes were taken and more are needed.
   *
   * @throws ParseError, HeadersOverflowError
   */
  parse(chunk: Uint8Array, start: number, end: number): number {
    const { heldLength } = this;
    const room = this.budget - heldLength;
    const usable = end - start > room ? start + room : end;
    if (heldLength === 0) {
      const at = this.scan(chunk, start, usable);
      if (at >= 0) {
        this.finish(chunk, at);
        this.budget -= at - start;
        return at;
      }
      this.checkBudget(usable, end);
      this.hold(chunk, start, end);
      this.relocate(start);
      return -1;
    }
    this.hold(chunk, start, usable);
    const at = this.scan(this.held, heldLength, this.heldLength);
    if (at >= 0) {
      this.finish(this.held, at);
      this.budget -= at;
      // Cut heads are rare: a connection shall not keep memory for the next one.
      this.held = noBytes;
      this.heldLength = 0;
      return start + at - heldLength;
    }
    this.checkBudget(usable, end);
    return -1;
  }

  private begin(state: number): void {
    this.state = state;
    this.count = this.lengths = 0;
    this.headers = HTTPHeaders.empty;
    this.framing.reset();
    this.held = noBytes;
    this.heldLength = 0;
  }

  /** One pass over the bytes. Gives the offset behind the final CRLF, or -1 if it has not come. */
  private scan(bytes: Uint8Array, start: number, end: number): number {
    let pos = start;
    let state = this.state;
    if (state === STATUS_PREFIX) {
      while (pos < end && this.prefix < 12) {
        this.statusOctet(bytes[pos++]);
      }
      if (pos < end) {
        const octet = bytes[pos++];
        this.reasonStart = this.reasonEnd = pos;
        // A missing SP before a missing reason is common and harmless.
        state = octet === SP ? REASON : octet === CR ? STATUS_LF : fail('the status code does not end');
      }
    }
    while (pos < end) {
      switch (state) {
        case REASON:
          while (pos < end && isFieldOctet[bytes[pos]] === 1) pos++;
          if (pos < end) {
            if (bytes[pos] !== CR) fail('a control character in the status line');
            this.reasonEnd = pos++;
            state = STATUS_LF;
          }
          break;
        case STATUS_LF:
          if (bytes[pos++] !== LF) fail('CR without LF in the status line');
          state = FIRST_FIELD;
          break;
        case FIRST_FIELD:
          this.fieldsStart = this.nameStart = pos;
          state = NAME;
          break;
        case NAME:
          while (pos < end && isToken[bytes[pos]] === 1) pos++;
          if (pos < end) {
            if (bytes[pos] === COLON && pos > this.nameStart) {
              if (++this.count > this.maxHeaderCount) {
                throw new HeadersOverflowError('maxHeaderCount', this.maxHeaderCount);
              }
              this.lengths |= 1 << (pos - this.nameStart);
              this.wanted = this.framing.name(bytes, this.nameStart, pos);
              this.valueStart = ++pos;
              state = VALUE;
            } else if (bytes[pos] === CR && pos === this.nameStart) {
              pos++;
              state = LAST_LF;
            } else {
              fail('a field name that is no token, or white space beside it');
            }
          }
          break;
        case VALUE:
          // Four at a time: values are most of a head.
          while (
            pos + 3 < end &&
            (isFieldOctet[bytes[pos]] &
              isFieldOctet[bytes[pos + 1]] &
              isFieldOctet[bytes[pos + 2]] &
              isFieldOctet[bytes[pos + 3]]) ===
              1
          ) {
            pos += 4;
          }
          while (pos < end && isFieldOctet[bytes[pos]] === 1) pos++;
          if (pos < end) {
            if (bytes[pos] !== CR) fail('a control character in a field value');
            if (this.wanted) this.framing.value(bytes, this.valueStart, pos);
            pos++;
            state = VALUE_LF;
          }
          break;
        case VALUE_LF:
          if (bytes[pos++] !== LF) fail('CR without LF in a field');
          this.nameStart = pos;
          state = NAME;
          break;
        case LAST_LF:
          if (bytes[pos] !== LF) fail('CR without LF after the fields');
          return pos + 1;
      }
    }
    this.state = state;
    return -1;
  }

  /** One octet of `HTTP/1.1 200`: name and version exactly so, then three digits from 100 (RFC 9112 section 4). */
  private statusOctet(octet: number): void {
    const at = this.prefix++;
    if (at < 7) {
      if (octet !== httpVersionPrefix[at]) fail('the status line does not begin with HTTP/1.');
    } else if (at === 7) {
      if (octet !== 0x30 && octet !== 0x31) fail('the version is not 1.0 or 1.1');
      this.minorVersion = octet - 0x30;
    } else if (at === 8) {
      if (octet !== SP) fail('no space after the version');
    } else {
      if (octet < (at === 9 ? 0x31 : 0x30) || octet > 0x39) fail('the status code is not 100 to 999');
      this.status = this.status * 10 + octet - 0x30;
    }
  }

  private finish(bytes: Uint8Array, end: number): void {
    if (!this.trailers) {
      const { reasonStart, reasonEnd } = this;
      // Nearly every response says "OK": no string is made for it.
      const ok = reasonEnd - reasonStart === 2 && bytes[reasonStart] === 0x4f && bytes[reasonStart + 1] === 0x4b;
      this.statusText = ok ? 'OK' : latin1(bytes, reasonStart, reasonEnd);
    }
    this.headers = HTTPHeaders.parsed(latin1(bytes, this.fieldsStart, end - 2), this.lengths);
  }

  private checkBudget(usable: number, end: number): void {
    if (usable < end) {
      throw new HeadersOverflowError(this.limit, this.limitValue);
    }
  }

  /** Keeps a copy: the chunk is a window on a buffer that others will write to. */
  private hold(chunk: Uint8Array, start: number, end: number): void {
    const length = this.heldLength + end - start;
    if (length > this.held.length) {
      // Doubling keeps the copying linear in the size of the head.
      const larger = new Uint8Array(Math.min(this.budget, Math.max(1024, 2 * length)));
      larger.set(this.held.subarray(0, this.heldLength));
      this.held = larger;
    }
    if (end - start < 32) {
      for (let i = start, to = this.heldLength; i < end; i++, to++) this.held[to] = chunk[i];
    } else {
      this.held.set(chunk.subarray(start, end), this.heldLength);
    }
    this.heldLength = length;
  }

  /** The section now begins at offset 0. Offsets that have not been set yet are set before they are used. */
  private relocate(start: number): void {
    this.reasonStart -= start;
    this.reasonEnd -= start;
    this.fieldsStart -= start;
    this.nameStart -= start;
    this.valueStart -= start;
  }
}

function fail(what: string): never {
  throw new ParseError(`The response is malformed: ${what}`);
}
