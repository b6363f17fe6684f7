import type { Observable } from 'rxjs';
import type { Transport } from '../endpoint/index.js';
import type { HTTPBody, IncomingBody, IncomingResponse, ProtocolResponse, Timings } from '../protocol/index.js';
import type { HTTPHeaders } from '../wire/index.js';
import { describe } from './describe.js';
import type { HTTPRequest } from './HTTPRequest.js';

/** How long the parts of a request took, in ms. The dial's parts are there if it made a connection of its own. */
export interface RequestTimings extends Timings {
  /** From asking the pool to having a lease. */
  readonly acquire: number;
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
}

/** How a request got its connection. */
export interface Acquisition {
  readonly acquire: number;
  readonly dns?: number;
  readonly connect?: number;
  readonly tunnel?: number;
  readonly tls?: number;
}

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

  /** @internal An error of the body says which request it is about, as those before the head do. */
  explain(error: unknown): void {
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
    return { ...this.#acquisition, ...this.#response.timings };
  }

  text(): Observable<string> {
    return this.#response.text();
  }

  json<T = unknown>(): Observable<T> {
    return this.#response.json<T>();
  }

  bytes(): Observable<Uint8Array> {
    return this.#response.bytes();
  }

  discard(): Observable<void> {
    return this.#response.discard();
  }
}
