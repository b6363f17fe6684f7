import type { Subscriber, Unsubscribable } from 'rxjs';
import type { TransportInfo } from '../endpoint/index.js';
import { isGone, type InnerLease, type Receiver } from '../pool/index.js';
import type { ProtocolRequest, ProtocolResponse } from '../protocol/index.js';
import { describe } from './describe.js';
import { decoded } from './decoded.js';
import type { DecompressLimits } from './DecompressOptions.js';
import type { HTTPRequest } from './HTTPRequest.js';
import { AgentResponse, type HTTPResponse } from './HTTPResponse.js';

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
    clock: { now(): number },
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
    const { request, subscriber, startedAt } = this;
    request.operation?.track(lease);
    // The dial of another get is none of this request's.
    const dial = lease.reused ? undefined : lease.info?.timings;
    const answer = new Answer(request, subscriber, this.decompress, lease, startedAt, dial);
    this.#request = lease.send(this.message, answer);
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
    private readonly decompress: DecompressLimits | null,
    private readonly lease: InnerLease,
    private readonly askedAt: number,
    private readonly dial: TransportInfo['timings'] | undefined,
  ) {}

  get closed(): boolean {
    return this.subscriber.closed;
  }

  next(response: ProtocolResponse): void {
    const acquire = this.lease.startedAt - this.askedAt;
    const acquisition = this.dial === undefined ? { acquire } : { acquire, ...this.dial };
    let answer: HTTPResponse = new AgentResponse(response, this.request, acquisition);
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
