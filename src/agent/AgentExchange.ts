import type { Observer, Subscriber, Unsubscribable } from 'rxjs';
import type { ClientProtocol } from '../pool/index.js';
import type { ProtocolResponse } from '../protocol/index.js';
import { describe } from './describe.js';
import type { HTTPRequest } from './HTTPRequest.js';
import { AgentResponse, type Acquisition, type HTTPResponse } from './HTTPResponse.js';

/**
 * One attempt: a lease, a request over it, its response. It observes the pool and is the teardown of its subscriber, in
 * one object, as it is made for every request.
 */
export class AgentExchange implements Observer<ClientProtocol>, Unsubscribable {
  #get: Unsubscribable | null = null;
  #request: Unsubscribable | null = null;
  readonly #startedAt: number;
  #acquisition: Acquisition = { acquire: 0 };

  constructor(
    private readonly request: HTTPRequest,
    private readonly subscriber: Subscriber<HTTPResponse>,
    private readonly clock: { now(): number },
  ) {
    this.#startedAt = clock.now();
  }

  /** The subscription to `pool.get`. */
  set get(get: Unsubscribable) {
    this.#get = get;
  }

  next(lease: ClientProtocol): void {
    const { request } = this;
    request.operation?.track(lease);
    this.#acquisition = {
      acquire: this.clock.now() - this.#startedAt,
      ...(lease.reused ? undefined : lease.info?.timings),
    };
    this.#request = lease.request(request).subscribe({
      next: response => this.#response(response),
      error: error => this.error(error),
      complete: () => this.subscriber.complete(),
    });
  }

  #response(response: ProtocolResponse): void {
    this.subscriber.next(new AgentResponse(response, this.request, this.#acquisition));
  }

  error(error: unknown): void {
    this.subscriber.error(describe(error, this.request));
  }

  complete(): void {
    // The lease is there: what completes the subscriber is the response.
  }

  unsubscribe(): void {
    this.#get?.unsubscribe();
    this.#request?.unsubscribe();
  }
}
