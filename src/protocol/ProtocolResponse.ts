import type { Observable } from 'rxjs';
import { member } from '../errors/index.js';
import type { Transport } from '../endpoint/index.js';
import type { HTTPHeaders, ResponseHead } from '../wire/index.js';
import { collectBytes, collected, collectJSON, collectText, discardBody } from './collect.js';
import { HTTPBody } from './HTTPBody.js';
import type { IncomingBody } from './IncomingBody.js';
import { readOptions, type BytesOptions, type JSONOptions, type TextOptions } from './ReadOptions.js';

/** How long the parts of an exchange took, in ms. */
export interface Timings {
  /** From the request being subscribed to at the connection, to its last byte being written. */
  readonly send: number;
  /** From there to the response head; 0 if that came first. */
  readonly wait: number;
  /** From the head to the last byte of the body; undefined while it is on its way. */
  readonly receive: number | undefined;
}

/** A response: its head, and its body as far as it is wanted. */
export interface ProtocolResponse {
  readonly status: number;
  readonly statusText: string;
  /** The status is 2xx. A status is never an error by itself. */
  readonly ok: boolean;
  readonly httpVersion: '1.0' | '1.1';
  readonly headers: HTTPHeaders;
  readonly body: HTTPBody;
  /** Emits the trailers (mostly none) at the end of the body, and completes. */
  readonly trailers: Observable<HTTPHeaders>;
  readonly timings: Timings;
  /** After 101, and after 2xx to CONNECT: the connection itself, to be claimed within `bodyUnclaimed`. */
  readonly upgrade: Transport | undefined;
  /** The body as text, decoded as its byte order mark says, or its Content-Type, else as UTF-8. */
  text(options?: TextOptions): Observable<string>;
  /** The body parsed as JSON; errors with `ResponseFailedError` if it is none. */
  json<T = unknown>(options?: JSONOptions): Observable<T>;
  /** The body in one piece. */
  bytes(options?: BytesOptions): Observable<Uint8Array>;
  /** Reads the body and throws it away, which gives the connection back; emits once when that is done. */
  discard(): Observable<void>;
}

/** What a response asks of the exchange that it came from. */
interface ExchangeView {
  readonly timings: Timings;
  /** If they are not those of the body: it was changed on its way. */
  readonly trailers?: Observable<HTTPHeaders>;
}

/** The one implementation. What costs anything is made when it is asked for. */
export class IncomingResponse implements ProtocolResponse {
  readonly status: number;
  readonly httpVersion: '1.0' | '1.1';
  readonly headers: HTTPHeaders;
  readonly statusText: string;
  // Private for good: what logs a response does not log the request that it belongs to.
  readonly #incoming: IncomingBody;
  readonly #exchange: ExchangeView;
  #body: HTTPBody | null = null;

  constructor(
    head: ResponseHead,
    incoming: IncomingBody,
    exchange: ExchangeView,
    readonly upgrade: Transport | undefined,
  ) {
    this.#incoming = incoming;
    this.#exchange = exchange;
    this.status = head.status;
    this.statusText = head.statusText;
    this.httpVersion = head.httpVersion;
    this.headers = head.headers;
  }

  /** @internal For those who read it where it lies. */
  get incoming(): IncomingBody {
    return this.#incoming;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get body(): HTTPBody {
    return (this.#body ??= new HTTPBody(this.#incoming));
  }

  get trailers(): Observable<HTTPHeaders> {
    return member(this.#exchange, 'trailers') ?? this.#incoming.trailers;
  }

  get timings(): Timings {
    return this.#exchange.timings;
  }

  text(options?: TextOptions): Observable<string> {
    return collected(this.#incoming, collectText, readOptions(options));
  }

  json<T = unknown>(options?: JSONOptions): Observable<T> {
    return collected<T>(this.#incoming, collectJSON, readOptions(options));
  }

  bytes(options?: BytesOptions): Observable<Uint8Array> {
    return collected(this.#incoming, collectBytes, readOptions(options));
  }

  discard(): Observable<void> {
    return collected(this.#incoming, discardBody);
  }
}
