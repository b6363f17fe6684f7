import type { Transport } from '../endpoint/index.js';
import { ParseError, type HTTPClientError } from '../errors/index.js';
import { ResponseParser, type HTTPHeaders, type ResponseHead } from '../wire/index.js';
import type { Exchange } from './Exchange.js';
import type { Validity } from './IncomingBody.js';
import type { ProtocolLimits } from './ProtocolLimits.js';

/** What the reader finds, told to the connection as it finds it. Each may end the exchange. */
export interface ReaderOwner {
  readonly flow: {
    /** The read that brought the head is parsed as far as it goes: the subscriber can have the response. */
    announce(exchange: Exchange): void;
    flow(exchange: Exchange, flowing: boolean): void;
  };
  head(exchange: Exchange, head: ResponseHead, length: number | null): void;
  /** The last byte was read; `reusable` as far as the response decides it. */
  complete(exchange: Exchange, trailers: HTTPHeaders, reusable: boolean): void;
  /** The connection speaks another protocol from here on; `rest` is what was read of that. */
  upgrade(exchange: Exchange, head: ResponseHead, rest: Uint8Array): void;
  failed(exchange: Exchange, error: HTTPClientError): void;
}

/** More than these in use at once, as in a burst of cut responses, are left to the collector. */
const maxFree = 16;
/** Parsers that no connection uses, by the limits that they were made for. */
const freeParsers = new WeakMap<ProtocolLimits, ResponseParser[]>();

/**
 * Moves bytes from the transport through the parser to the exchange, only as fast as its body is taken.
 *
 * ```
 *   transport ──data──► parser ──tokens──► exchange ──► body ──► its consumer
 *       ▲                                                │
 *       └───────────── pause / resume ───────────────────┘
 * ```
 */
export class ResponseReader {
  /** From the first byte of a response to its end: an idle connection, or one that waits, holds none. */
  #parser: ResponseParser | null = null;
  readonly #free: ResponseParser[];
  #exchange: Exchange | null = null;
  #pumping = false;
  #paused = false;
  #ownBuffer = false;
  /** Of what is being parsed. */
  #valid: Validity = 'call';
  /** The peer has finished where that ends the body: nothing is read any more, whoever asks for it. */
  #finished = false;

  constructor(
    private readonly transport: Transport,
    private readonly limits: ProtocolLimits,
    private readonly owner: ReaderOwner,
  ) {
    let free = freeParsers.get(limits);
    if (free === undefined) freeParsers.set(limits, (free = []));
    this.#free = free;
  }

  /** What the response that is being read says about keep-alive. */
  get keepAlive(): { readonly timeout?: number; readonly max?: number } | undefined {
    return this.#parser?.keepAlive;
  }

  /** The number of bytes of the body that are still to come, −1 if that is not known. */
  get remaining(): number {
    return this.#parser?.remaining ?? -1;
  }

  /** Expects the response to a new request. */
  start(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#finished = false;
    // It has one if the last response has just been read, and somebody who heard of that asks already.
    this.#parser?.start(exchange.message);
  }

  /** Expects nothing any more. */
  stop(): void {
    const body = this.#exchange?.body;
    if (this.#ownBuffer) {
      // Views that a consumer works on yet outlast the connection, which is lost in that case. They do while it is paused.
      if (body?.holding) this.transport.pause();
      else {
        body?.settle(true);
        this.ownBuffer(false);
      }
    }
    this.#exchange = null;
  }

  /** The connection is idle. The transport flows, as it must: else nobody would see it close. */
  release(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.transport.resume();
  }

  /** Leaves the connection's buffer to whoever works on it yet. The connection is not used again. */
  abandonBuffer(): void {
    this.#ownBuffer = false;
  }

  ownBuffer(on: boolean): void {
    this.#ownBuffer = on;
    this.transport.ownBuffer(on);
  }

  /** Bytes arrived for the exchange that was started. */
  read(view: Uint8Array): void {
    const exchange = this.#exchange!;
    const parser = (this.#parser ??= this.#takeParser(exchange));
    this.#valid = this.#ownBuffer ? 'pause' : 'call';
    parser.feed(view, 0, view.length);
    this.pump();
    // Also if that was its end: a body that nobody has claimed yet outlives its exchange.
    exchange.body?.settle();
    if (this.#exchange !== exchange) return;
    // What there was no room for lies in a buffer that the next read, of whichever socket, writes over.
    const { position, end } = parser;
    if (position < end && this.#valid === 'call') {
      parser.feed(Uint8Array.prototype.slice.call(view, position, end));
      this.#valid = 'ever';
    }
  }

  /** The peer has finished. True if that was the end of a body which only that could end. */
  finish(): 'end' | 'none' {
    this.drain();
    if (this.#exchange === null) return 'end';
    this.#finished = true;
    return this.#parser?.eof() ?? 'none';
  }

  /** The connection is gone: what was read before, while the consumer held, may still complete the response. */
  drain(): void {
    const exchange = this.#exchange;
    if (exchange?.body == null || this.#finished) return;
    const parser = this.#parser!;
    // Of a body that has come whole, the end is still to be read, and takes no bytes.
    while (this.#exchange === exchange && (parser.position < parser.end || parser.remaining === 0)) {
      this.#parse(exchange, parser);
    }
  }

  /**
   * Parses what was read until the bytes end, the consumer is full, or the exchange is over. A consumer that wants more
   * gets what is left of earlier reads first.
   */
  pump(): void {
    // A consumer that asks for more from inside one of the calls below: the loop sees to it, the stack does not grow.
    const exchange = this.#exchange;
    const parser = this.#parser;
    if (this.#pumping || this.#finished || exchange === null || parser === null) return;
    this.#pumping = true;
    try {
      do {
        this.#parse(exchange, parser);
        if (this.#exchange === exchange && exchange.head !== null && !exchange.settled)
          this.owner.flow.announce(exchange);
      } while (this.#exchange === exchange && exchange.body?.hungry && parser.position < parser.end);
    } finally {
      this.#pumping = false;
      if (this.#exchange === null) this.#giveParser();
    }
    if (this.#exchange !== exchange || exchange.body === null || exchange.body.hungry !== this.#paused) return;
    this.#paused = !exchange.body.hungry;
    this.owner.flow.flow(exchange, !this.#paused);
    if (this.#paused) this.transport.pause();
    else this.transport.resume();
  }

  #takeParser({ message }: Exchange): ResponseParser {
    const parser = this.#free.pop() ?? new ResponseParser(this.limits);
    parser.start(message);
    return parser;
  }

  /**
   * Not before the last step of what it was read with is over: whoever takes it next starts it anew. One that has not
   * come to an end is left to the collector, with the half of a head that it may hold.
   */
  #giveParser(): void {
    const parser = this.#parser;
    this.#parser = null;
    if (parser?.remaining !== 0 || this.#free.length >= maxFree) return;
    parser.forget();
    this.#free.push(parser);
  }

  /**
   * Reads tokens, and gives each piece of the body when it is known what follows it in this read: the last piece comes
   * after the connection was given back, as whoever gets it may ask for a connection at once.
   */
  #parse(exchange: Exchange, parser: ResponseParser): void {
    // The piece that was read last, and not given yet.
    let piece: Uint8Array | null = null;
    let start = 0;
    let end = 0;
    try {
      while (this.#exchange === exchange) {
        switch (parser.read()) {
          case 'more':
            if (piece !== null) exchange.bytes(piece, start, end, this.#valid);
            return;
          case 'informational':
            exchange.tell('informational', parser.head);
            break;
          case 'head':
            this.owner.head(exchange, parser.head, parser.contentLength);
            break;
          case 'data': {
            if (piece !== null) exchange.bytes(piece, start, end, this.#valid);
            piece = parser.chunk;
            start = parser.dataStart;
            end = parser.dataEnd;
            if (exchange.body!.hungry) break;
            exchange.bytes(piece, start, end, this.#valid); // it waits in the body's queue
            return;
          }
          case 'end': {
            // Bytes behind the end belong to no request of ours: such a connection is not trusted with another.
            const reusable = parser.persistent && parser.position === parser.end;
            if (piece !== null) exchange.lastBytes(piece, start, end, this.#valid);
            this.owner.complete(exchange, parser.trailers, reusable);
            return;
          }
          case 'upgrade':
            this.owner.upgrade(exchange, parser.head, parser.chunk.subarray(parser.position, parser.end));
            return;
        }
      }
    } catch (error) {
      if (!(error instanceof ParseError) || this.#exchange !== exchange) throw error;
      if (piece !== null) exchange.bytes(piece, start, end, this.#valid); // what came before the fault is the consumer's
      if (this.#exchange === exchange) this.owner.failed(exchange, error);
    }
  }
}
