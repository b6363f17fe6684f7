import { HeadersOverflowError, ParseError, TruncatedBodyError } from '../errors/index.js';
import { ChunkedDecoder } from './ChunkedDecoder.js';
import { HeadParser } from './HeadParser.js';
import { HTTPHeaders } from './HTTPHeaders.js';
import { noBytes } from './octets.js';
import { noHead, type KeepAlive, type ResponseFraming, type ResponseHead } from './ResponseHead.js';
import { defaultResponseLimits, type ResponseLimits } from './ResponseLimits.js';

/**
 * What `read` came upon: `more` bytes are needed; an `informational` (1xx) head, after which the exchange goes on; the
 * `head`; a range of the body's `data`; the `end` of the response; an `upgrade`, behind which the connection speaks
 * another protocol.
 */
export type ResponseToken = 'more' | 'informational' | 'upgrade' | 'head' | 'data' | 'end';

type Mode = 'head' | 'length' | 'chunked' | 'trailers' | 'close' | 'ending' | 'done' | 'upgraded' | 'failed';

/**
 * A strict incremental parser of HTTP/1.1 responses that is pulled: no callbacks, no copies of the body.
 *
 * ```ts
 * parser.start({ method: 'GET', upgrade: false });
 * parser.feed(chunk);
 * for (let token = parser.read(); token !== 'more' && token !== 'end'; token = parser.read()) { … }
 * ```
 *
 * Gotchas: a chunk has to be read until `more`, `end` or `upgrade` before the next is fed, and is not kept beyond that.
 * After an error noBytes can be said about where a response ends, so that the connection is lost and the parser
 * unusable until `start`.
 */
export class ResponseParser {
  /** After `informational`, `head` and `upgrade`. */
  head: ResponseHead = noHead;
  framing: ResponseFraming = 'none';
  /** The Content-Length of the head, also where it frames noBytes, as in an answer to HEAD. */
  contentLength: number | null = null;
  /** By what this response says, the connection may serve another request after it (RFC 9112 section 9.3). */
  persistent = false;
  /** The hints of the head's Keep-Alive field, undefined if there are none. Junk is passed over. */
  keepAlive: KeepAlive | undefined = undefined;
  /** After `end`. */
  trailers = HTTPHeaders.empty;

  /** The bytes that were fed; let go when `read` gives `more`. */
  chunk: Uint8Array = noBytes;
  /** The next unread offset of `chunk`. After `end` and `upgrade`: what is there up to `end` is not of the response. */
  position = 0;
  /** The end given to `feed`. */
  end = 0;
  /** After `data`: the range in `chunk`, never empty. */
  dataStart = 0;
  dataEnd = 0;

  private mode: Mode = 'done';
  private method = '';
  private upgrade = false;
  private informational = 0;
  /** A byte of the response has come. */
  private begun = false;
  private unread = 0;
  private readonly headParser: HeadParser;
  private readonly decoder: ChunkedDecoder;

  constructor(private readonly limits: ResponseLimits = defaultResponseLimits) {
    this.headParser = new HeadParser(limits.maxHeaderCount);
    this.decoder = new ChunkedDecoder(limits.maxChunkExtensions);
  }

  /**
   * Arms the parser for the response to a new request and forgets the one before. `upgrade`: the request offers to
   * switch protocols, so that a 101 is welcome.
   */
  start(request: { readonly method: string; readonly upgrade: boolean }): void {
    this.method = request.method;
    this.upgrade = request.upgrade;
    this.forget();
    this.framing = 'none';
    this.contentLength = null;
    this.persistent = this.begun = false;
    this.position = this.end = this.dataStart = this.dataEnd = this.informational = this.unread = 0;
    this.mode = 'head';
    this.keepAlive = undefined;
    const { maxHeadSize } = this.limits;
    this.headParser.allow(maxHeadSize, 'maxHeadSize', maxHeadSize);
    this.headParser.beginHead();
  }

  /** Lets go of the response that was read: a connection may be idle for long. */
  forget(): void {
    this.head = noHead;
    this.trailers = this.headParser.headers = HTTPHeaders.empty;
    this.chunk = noBytes;
  }

  feed(chunk: Uint8Array, start = 0, end = chunk.length): void {
    this.chunk = chunk;
    this.position = start;
    this.end = end;
  }

  /**
   * The next token. `end` and `upgrade` are repeated if asked again.
   *
   * @throws ParseError if this is no response that can be trusted to end where it seems to, HeadersOverflowError if a
   * limit was passed.
   */
  read(): ResponseToken {
    if (this.mode === 'ending' || this.mode === 'done') {
      this.mode = 'done';
      return 'end';
    }
    if (this.mode === 'upgraded') return 'upgrade';
    if (this.position === this.end && this.mode !== 'failed') {
      this.chunk = noBytes;
      return 'more';
    }
    this.begun = true;
    const { mode } = this;
    if (mode === 'length' || mode === 'close') {
      return this.readBytes();
    }
    // Until the contrary is known: an error below leaves the parser unusable.
    this.mode = 'failed';
    switch (mode) {
      case 'head':
        return this.readHead();
      case 'chunked':
        return this.readChunked();
      case 'trailers':
        return this.readTrailers();
      default:
        throw new ParseError('The parser was asked to go on after an error');
    }
  }

  /**
   * The peer has sent FIN. `end`: that completes the response, as its body ends with the connection, or it was complete.
   * `none`: not one byte of a response had come.
   *
   * @throws TruncatedBodyError if the response was cut, be it in its head or in its body (RFC 9112 section 8).
   */
  eof(): 'end' | 'none' {
    switch (this.mode) {
      case 'close':
      case 'ending':
        this.mode = 'done';
        return 'end';
      case 'done':
      case 'upgraded':
        return 'end';
      case 'head':
        if (!this.begun) {
          return 'none';
        }
        this.mode = 'failed';
        throw new TruncatedBodyError('The connection ended before the response head was complete');
      default:
        this.mode = 'failed';
        throw new TruncatedBodyError();
    }
  }

  /** Octets of the body that have not been read, -1 if unknown. */
  get remaining(): number {
    return this.mode === 'length' ? this.unread : this.mode === 'ending' || this.mode === 'done' ? 0 : -1;
  }

  private readHead(): ResponseToken {
    const { headParser } = this;
    const at = headParser.parse(this.chunk, this.position, this.end);
    if (at < 0) {
      return this.more('head');
    }
    this.position = at;
    const { status, minorVersion, statusText, headers, framing } = headParser;
    this.head = { status, statusText, httpVersion: minorVersion === 1 ? '1.1' : '1.0', headers };

    if (this.method === 'CONNECT' && status >= 200 && status < 300) {
      // RFC 9112 section 6.3: a client MUST ignore Content-Length and Transfer-Encoding here.
      this.mode = 'upgraded';
      return 'upgrade';
    }
    if (framing.fault !== undefined || (framing.coded && minorVersion === 0)) {
      throw new ParseError(`The framing is ambiguous: ${framing.fault ?? 'Transfer-Encoding in HTTP/1.0'}`);
    }
    if (status < 200) {
      return this.readInformational(status);
    }
    this.contentLength = framing.contentLength < 0 ? null : framing.contentLength;
    this.beginBody(status);
    this.persistent = this.framing !== 'close' && !framing.close && (minorVersion === 1 || framing.keepAlive);
    const { keepAliveTimeout: timeout, keepAliveMax: max } = framing;
    if (timeout >= 0 || max >= 0) {
      this.keepAlive = { timeout: timeout < 0 ? undefined : timeout, max: max < 0 ? undefined : max };
    }
    return 'head';
  }

  private readInformational(status: number): ResponseToken {
    if (status === 101) {
      if (!this.upgrade || !this.headParser.framing.upgrade) {
        throw new ParseError(
          this.upgrade
            ? 'A 101 response without an Upgrade field'
            : 'A 101 response to a request that offered no upgrade',
        );
      }
      this.mode = 'upgraded';
      return 'upgrade';
    }
    if (++this.informational > this.limits.maxInformational) {
      throw new HeadersOverflowError('maxInformational', this.limits.maxInformational);
    }
    this.headParser.beginHead();
    this.mode = 'head';
    return 'informational';
  }

  /** The table of RFC 9112 section 6.3, for what is left of it here. */
  private beginBody(status: number): void {
    const { framing } = this.headParser;
    if (this.method === 'HEAD' || status === 204 || status === 304) {
      this.framing = 'none';
      this.mode = 'ending';
    } else if (framing.coded) {
      if (framing.codingFault !== undefined) {
        throw new ParseError(`The body cannot be decoded: ${framing.codingFault}`);
      }
      this.framing = 'chunked';
      this.mode = 'chunked';
      this.decoder.begin();
    } else if (this.contentLength !== null) {
      this.framing = 'length';
      this.unread = this.contentLength;
      this.mode = this.unread === 0 ? 'ending' : 'length';
    } else {
      this.framing = 'close';
      this.mode = 'close';
    }
  }

  private readBytes(): ResponseToken {
    const { position, end } = this;
    const length = this.mode === 'length' ? Math.min(this.unread, end - position) : end - position;
    if (this.mode === 'length') {
      this.unread -= length;
      if (this.unread === 0) {
        this.mode = 'ending';
      }
    }
    this.dataStart = position;
    this.position = this.dataEnd = position + length;
    return 'data';
  }

  private readChunked(): ResponseToken {
    const { decoder } = this;
    const found = decoder.read(this.chunk, this.position, this.end);
    this.position = decoder.position;
    switch (found) {
      case 'data':
        this.dataStart = decoder.dataStart;
        this.dataEnd = decoder.position;
        this.mode = 'chunked';
        return 'data';
      case 'more':
        return this.more('chunked');
      case 'last': {
        // The closing CRLF is no trailer and not counted.
        const { maxTrailerSize } = this.limits;
        this.headParser.allow(maxTrailerSize + 2, 'maxTrailerSize', maxTrailerSize);
        this.headParser.beginTrailers();
        return this.readTrailers();
      }
    }
  }

  private readTrailers(): ResponseToken {
    const { headParser } = this;
    const at = headParser.parse(this.chunk, this.position, this.end);
    if (at < 0) {
      return this.more('trailers');
    }
    this.position = at;
    const { framing } = headParser;
    if (framing.coded || framing.contentLength >= 0 || framing.fault !== undefined) {
      throw new ParseError('A framing field among the trailers');
    }
    this.trailers = headParser.headers;
    this.mode = 'done';
    return 'end';
  }

  private more(mode: Mode): 'more' {
    this.mode = mode;
    this.position = this.end;
    this.chunk = noBytes;
    return 'more';
  }
}
