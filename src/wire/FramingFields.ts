import { COMMA, EQUALS, HTAB, SP, matches, octets } from './octets.js';

const contentLengthName = octets('content-length');
const transferEncodingName = octets('transfer-encoding');
const connectionName = octets('connection');
const keepAliveName = octets('keep-alive');
const upgradeName = octets('upgrade');
const chunkedCoding = octets('chunked');
const closeOption = octets('close');
const timeoutParameter = octets('timeout');
const maxParameter = octets('max');

const NONE = 0;
const CONTENT_LENGTH = 1;
const TRANSFER_ENCODING = 2;
const CONNECTION = 3;
const KEEP_ALIVE = 4;
const UPGRADE = 5;

/**
 * What the fields of one section say about framing and persistence (RFC 9112 sections 6.3 and 9.3), read from the bytes
 * as they pass, without a string being made.
 *
 * A fault is noted, not thrown: whether it counts depends on the status, and a tunnel ignores it.
 */
export class FramingFields {
  /** -1: none. */
  contentLength = -1;
  /** The first thing wrong with Content-Length or Transfer-Encoding. */
  fault: string | undefined = undefined;
  /** Transfer-Encoding is there, whatever it says. */
  coded = false;
  /** Why the transfer coding cannot be decoded; counts if there is a body to decode. */
  codingFault: string | undefined = undefined;
  close = false;
  keepAlive = false;
  upgrade = false;
  /** Seconds, -1: none. */
  keepAliveTimeout = -1;
  keepAliveMax = -1;

  /** The field whose value comes next, as told from its name. */
  private current = NONE;

  reset(): void {
    this.contentLength = -1;
    this.fault = undefined;
    this.coded = false;
    this.codingFault = undefined;
    this.close = false;
    this.keepAlive = false;
    this.upgrade = false;
    this.keepAliveTimeout = -1;
    this.keepAliveMax = -1;
  }

  /** A field's name, a valid token, has been read. True: `value` wants its value. */
  name(bytes: Uint8Array, start: number, end: number): boolean {
    let field = NONE;
    // By length and first letter first: nearly all names are told apart by that.
    switch (end - start) {
      case 7:
        if ((bytes[start] | 0x20) === 0x75 && matches(bytes, start, upgradeName)) field = UPGRADE;
        break;
      case 10:
        if ((bytes[start] | 0x20) === 0x63 && matches(bytes, start, connectionName)) field = CONNECTION;
        else if ((bytes[start] | 0x20) === 0x6b && matches(bytes, start, keepAliveName)) field = KEEP_ALIVE;
        break;
      case 14:
        if ((bytes[start] | 0x20) === 0x63 && matches(bytes, start, contentLengthName)) field = CONTENT_LENGTH;
        break;
      case 17:
        if ((bytes[start] | 0x20) === 0x74 && matches(bytes, start, transferEncodingName)) field = TRANSFER_ENCODING;
        break;
    }
    this.current = field;
    return field !== NONE;
  }

  /** The value of the field last named, with any white space around it. */
  value(bytes: Uint8Array, start: number, end: number): void {
    while (start < end && isWhitespace(bytes[start])) start++;
    while (end > start && isWhitespace(bytes[end - 1])) end--;
    switch (this.current) {
      case CONTENT_LENGTH:
        this.readContentLength(bytes, start, end);
        break;
      case TRANSFER_ENCODING:
        this.readTransferEncoding(bytes, start, end);
        break;
      case CONNECTION:
      case KEEP_ALIVE:
        this.readList(bytes, start, end);
        break;
      case UPGRADE:
        this.upgrade ||= start < end;
        break;
    }
  }

  private readContentLength(bytes: Uint8Array, start: number, end: number): void {
    if (this.contentLength !== -1) {
      this.fault ??= 'Content-Length is there twice';
      return;
    }
    const length = integer(bytes, start, end);
    if (length === -1) {
      this.fault ??= 'Content-Length is no integer from 0 to 2^53-1';
    }
    this.contentLength = length;
    if (this.coded) {
      this.fault ??= 'Content-Length and Transfer-Encoding are both there';
    }
  }

  private readTransferEncoding(bytes: Uint8Array, start: number, end: number): void {
    if (this.coded) {
      this.fault ??= 'Transfer-Encoding is there twice';
    } else if (start === end) {
      this.fault ??= 'Transfer-Encoding is empty';
    } else if (end - start !== chunkedCoding.length || !matches(bytes, start, chunkedCoding)) {
      // Never read until close: what an intermediary took for chunks would be given to the caller as the body.
      this.codingFault = 'Transfer-Encoding is not exactly "chunked"';
    }
    this.coded = true;
    if (this.contentLength !== -1) {
      this.fault ??= 'Content-Length and Transfer-Encoding are both there';
    }
  }

  /** A comma-separated list: connection options, or the parameters of Keep-Alive. Elements compare whole. */
  private readList(bytes: Uint8Array, start: number, end: number): void {
    for (let from = start; from < end;) {
      let to = from;
      while (to < end && bytes[to] !== COMMA) to++;
      let last = to;
      while (from < last && isWhitespace(bytes[from])) from++;
      while (last > from && isWhitespace(bytes[last - 1])) last--;
      if (this.current === CONNECTION) {
        this.readConnectionOption(bytes, from, last);
      } else {
        this.readKeepAliveParameter(bytes, from, last);
      }
      from = to + 1;
    }
  }

  private readConnectionOption(bytes: Uint8Array, start: number, end: number): void {
    if (end - start === closeOption.length && matches(bytes, start, closeOption)) {
      this.close = true;
    } else if (end - start === keepAliveName.length && matches(bytes, start, keepAliveName)) {
      this.keepAlive = true;
    }
  }

  /** `timeout=5` or `max=100`. The field is a hint that no RFC defines well: what is not understood is passed over. */
  private readKeepAliveParameter(bytes: Uint8Array, start: number, end: number): void {
    if (isParameter(bytes, start, timeoutParameter)) {
      this.keepAliveTimeout = integer(bytes, start + timeoutParameter.length + 1, end);
    } else if (isParameter(bytes, start, maxParameter)) {
      this.keepAliveMax = integer(bytes, start + maxParameter.length + 1, end);
    }
  }
}

/** What stands behind a shorter element, a comma or white space or the line end, is none of `name` and `=`. */
function isParameter(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  return bytes[start + name.length] === EQUALS && matches(bytes, start, name);
}

function isWhitespace(octet: number): boolean {
  return octet === SP || octet === HTAB;
}

/** The value of 1*DIGIT, -1 if it is not that or exceeds 2^53-1. */
function integer(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) {
    return -1;
  }
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i] - 0x30;
    if (digit < 0 || digit > 9) {
      return -1;
    }
    // Never past 2^53 by more than one step, so the comparison is exact enough.
    value = value * 10 + digit;
    if (value > Number.MAX_SAFE_INTEGER) {
      return -1;
    }
  }
  return value;
}
