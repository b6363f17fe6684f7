import type { Subscriber, Unsubscribable } from 'rxjs';
import { isGone, type InnerLease, type Receiver } from '../pool/index.js';
import type { ProtocolRequest, ProtocolResponse } from '../protocol/index.js';
import { describe } from './describe.js';
import { decoded } from './decoded.js';
import type { DecompressLimits } from './DecompressOptions.js';
import type { HTTPRequest } from './HTTPRequest.js';
import { AgentResponse, type Acquisition, type HTTPResponse } from './HTTPResponse.js';

/**
 * One attempt: a lease, a request over it, its response. It is the receiver of the lease and the teardown of its
 * subscriber in one object, as it is made for every request.
 */
export class AgentExchange implements Receiver<InnerLease>, Unsubscribable {
  #get: Unsubscribable | undefined;
  #request: Unsubscribable | undefined;
  /** On the pool's clock, which is read as seldom as can be: a reading costs as much as a subscription. */
  readonly startedAt: number;

  constructor(
    private readonly request: HTTPRequest,
    private readonly subscriber: Subscriber<HTTPResponse>,
    private readonly clock: { now(): number },
    /** Null: bodies stay as they come. */
    private readonly decompress: DecompressLimits | null,
    /** What is sent for it. */
    private readonly message: ProtocolRequest = request,
  ) {
    this.startedAt = clock.now();
  }

  get closed(): boolean {
    return isGone(this.subscriber);
  }

  /** What it asked the pool for. */
  set get(get: Unsubscribable | undefined) {
    this.#get = get;
  }

  next(lease: InnerLease): void {
    const { request, subscriber } = this;
    request.operation?.track(lease);
    const now = this.clock.now();
    const acquire = now - this.startedAt;
    const acquisition = lease.reused ? { acquire } : { acquire, ...lease.info?.timings };
    this.#request = lease.send(this.message, new Answer(request, subscriber, acquisition, this.decompress), now);
    // A callback of the caller's, such as its observer, may have unsubscribed before there was a request to end.
    if (this.closed) this.#request?.unsubscribe();
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

/** Makes a protocol's response one of an agent. */
class Answer implements Receiver<ProtocolResponse> {
  constructor(
    private readonly request: HTTPRequest,
    private readonly subscriber: Subscriber<HTTPResponse>,
    private readonly acquisition: Acquisition,
    private readonly decompress: DecompressLimits | null,
  ) {}

  get closed(): boolean {
    return this.subscriber.closed;
  }

  next(response: ProtocolResponse): void {
    let answer: HTTPResponse = new AgentResponse(response, this.request, this.acquisition);
    if (this.decompress !== null) {
      try {
        answer = decoded(answer, this.decompress);
      } catch (error) {
        this.error(error);
        return;
      }
    }
    this.subscriber.next(answer);
  }

  error(error: unknown): void {
    this.subscriber.error(describe(error, this.request));
  }

  complete(): void {
    this.subscriber.complete();
  }
}
