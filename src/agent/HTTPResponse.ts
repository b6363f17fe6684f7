import type { Observable } from 'rxjs';
import type { Transport } from '../endpoint/index.js';
import { own, ResponseFailedError } from '../errors/index.js';
import {
  incomingOf,
  IncomingResponse,
  type BodySource,
  type BytesOptions,
  type HTTPBody,
  type IncomingBody,
  type JSONOptions,
  type ProtocolResponse,
  type TextOptions,
  type Timings,
} from '../protocol/index.js';
import { HTTPHeaders, type HTTPHeadersInit } from '../wire/index.js';
import { describe } from './describe.js';
import type { HTTPRequest } from './HTTPRequest.js';

/** How long the parts of a request took, in ms. The dial's parts are there if it made a connection of its own. */
export interface RequestTimings extends Timings {
  /** From asking the pool to having a lease: `queue` and the dial. */
  readonly acquire: number;
  /** Of that, what was not spent on its own dial: waiting for a connection, and seeing whether it is alive. */
  readonly queue: number;
  readonly dns?: number;
  readonly connect?: number;
  readonly tunnel?: number;
  readonly tls?: number;
}

export interface HTTPResponse extends ProtocolResponse {
  /** The URL that answered. */
  readonly url: string;
  readonly request: HTTPRequest;
  readonly timings: RequestTimings;
  /** The responses that led to this one, such as redirects, the first one first; their bodies are gone. */
  readonly history: readonly HTTPResponse[];
  /** A copy in which what is given replaces what is here; for interceptors. */
  with(update: HTTPResponseUpdate): HTTPResponse;
}

/** What an interceptor can change of a response. */
export interface HTTPResponseUpdate {
  readonly status?: number;
  readonly statusText?: string;
  /** All of them: `response.headers.without(…)`, `response.headers.with(…)`. */
  readonly headers?: HTTPHeadersInit;
  /** Gotcha: a new body does not end the old one. Make it of that, or discard that. */
  readonly body?: BodySource;
  readonly history?: readonly HTTPResponse[];
}

/** How a request got its connection. */
export interface Acquisition {
  readonly acquire: number;
  readonly dns?: number;
  readonly connect?: number;
  readonly tunnel?: number;
  readonly tls?: number;
}

const noHistory: readonly HTTPResponse[] = Object.freeze([]);

/** A protocol's response, with the request that it answers. */
export class AgentResponse implements HTTPResponse {
  readonly status: number;
  readonly headers: HTTPHeaders;
  readonly #response: ProtocolResponse;
  readonly #acquisition: Acquisition;

  constructor(
    response: ProtocolResponse,
    readonly request: HTTPRequest,
    acquisition: Acquisition,
    readonly history: readonly HTTPResponse[] = noHistory,
  ) {
    this.#response = response;
    this.#acquisition = acquisition;
    this.status = response.status;
    this.headers = response.headers;
    const { incoming } = this;
    if (incoming !== undefined) incoming.about = this;
  }

  /** @internal The body of our own protocol's responses; those of another `protocolFactory` have none. */
  get incoming(): IncomingBody | undefined {
    return (this.#response as Partial<IncomingResponse>).incoming;
  }

  /** @internal The same, made of the body of another `protocolFactory` if it must be. */
  get source(): IncomingBody {
    return this.incoming ?? incomingOf(this.body, this.headers);
  }

  /** @internal An error of the body says which request it is about, as those before the head do. */
  explain(error: unknown): void {
    if (error instanceof ResponseFailedError) error.response ??= this;
    describe(error, this.request);
  }

  get statusText(): string {
    return this.#response.statusText;
  }

  get ok(): boolean {
    return this.#response.ok;
  }

  get httpVersion(): '1.0' | '1.1' {
    return this.#response.httpVersion;
  }

  get url(): string {
    return this.request.url;
  }

  get body(): HTTPBody {
    return this.#response.body;
  }

  get trailers(): Observable<HTTPHeaders> {
    return this.#response.trailers;
  }

  get upgrade(): Transport | undefined {
    return this.#response.upgrade;
  }

  get timings(): RequestTimings {
    const { acquire } = this.#acquisition;
    const dial = (['dns', 'connect', 'tls', 'tunnel'] as const).map(part => own(this.#acquisition, part) ?? 0);
    const queue = Math.max(acquire - dial.reduce((sum, part) => sum + part), 0);
    return { ...this.#acquisition, queue, ...this.#response.timings };
  }

  with(update: HTTPResponseUpdate): AgentResponse {
    const body = own(update, 'body');
    if (body === undefined) return this.derive(update);
    return this.derive(update, incomingOf(body, HTTPHeaders.from(own(update, 'headers') ?? this.headers)));
  }

  /** @internal `with`, its body in our own form. */
  derive(update: Omit<HTTPResponseUpdate, 'body'>, body?: IncomingBody): AgentResponse {
    const headers = own(update, 'headers');
    const head = {
      status: own(update, 'status') ?? this.status,
      statusText: own(update, 'statusText') ?? this.statusText,
      httpVersion: this.httpVersion,
      headers: headers === undefined ? this.headers : HTTPHeaders.from(headers),
    };
    const response = new IncomingResponse(head, body ?? this.source, this.#response, this.upgrade);
    return new AgentResponse(response, this.request, this.#acquisition, own(update, 'history') ?? this.history);
  }

  text(options?: TextOptions): Observable<string> {
    return this.#response.text(options);
  }

  json<T = unknown>(options?: JSONOptions): Observable<T> {
    return this.#response.json<T>(options);
  }

  bytes(options?: BytesOptions): Observable<Uint8Array> {
    return this.#response.bytes(options);
  }

  discard(): Observable<void> {
    return this.#response.discard();
  }
}
