import { Observable, ReplaySubject, Subject, type Subscriber } from 'rxjs';
import type { Transport } from '../../../src/endpoint/index.js';
import type { HTTPClientError } from '../../../src/errors/index.js';
import type {
  ConnectionState,
  ExchangeConnection,
  ExchangeHandle,
  ExchangeProgress,
  ExchangeReceiver,
  ProtocolRequest,
  ProtocolResponse,
} from '../../../src/protocol/index.js';
import type { SimDial, SimLease, SimRequest, World } from './World.js';

/** Where a connection is in the pool, as far as that can be told from outside. */
export type Place =
  | 'born'
  | 'validating'
  /** It was polled: the next one to be handed out, or cached, in the order of the queue. */
  | 'ready'
  | 'leased'
  | 'idle'
  | 'gone';

class Exchange implements ExchangeHandle {
  headed = false;
  endedAt = 0;
  readonly startedAt: number;

  constructor(
    readonly connection: SimConnection,
    readonly request: SimRequest,
    readonly subscriber: ExchangeReceiver,
  ) {
    this.startedAt = connection.world.clock.now();
  }

  progress(): ExchangeProgress {
    return this.connection.progress();
  }

  abort(reason?: unknown): void {
    if (this.connection.exchange === this) this.connection.close(reason);
  }
}

/**
 * A connection without bytes, which keeps the contract of `ExchangeConnection` as the HTTP/1.1 one does: the pool is told first,
 * then the consumer; `progress` speaks of the last exchange until the next one is accepted.
 */
export class SimConnection implements ExchangeConnection {
  readonly capacity = 1;
  readonly capacityChanged = null;
  readonly info = { authority: 'model', secure: false, timings: {} };
  readonly quiescent = new Subject<ExchangeHandle>();
  readonly disconnected: Observable<HTTPClientError | null>;
  readonly bornAt: number;
  place: Place = 'born';
  state: ConnectionState = 'quiescent';
  /** Requests carried to their end. */
  carried = 0;
  /** It has been idle. */
  cached = false;

  /** It may be stale: a request over it may be retried. */
  get reused(): boolean {
    return this.carried > 0 || this.cached;
  }
  /** Told by the server with the last response: it may be used so many times more, idle for so many seconds. */
  said: { readonly timeout?: number; readonly max?: number } | undefined = undefined;
  exchange: Exchange | null = null;
  lease: SimLease | null = null;
  /** Made for a retried request that has not got it yet. */
  claimed: boolean;
  validation: Subscriber<void> | null = null;
  transportOpen = true;
  idleUntil = Infinity;
  readonly #disconnected = new ReplaySubject<HTTPClientError | null>(1);
  #wrote = false;
  #responseByte = false;

  constructor(
    readonly world: World,
    readonly id: number,
    readonly dial: SimDial,
    private readonly lingers: boolean,
  ) {
    this.bornAt = world.clock.now();
    this.claimed = dial.claim !== null;
    this.disconnected = new Observable(subscriber => {
      // The pool listens: it has just moved the connection from connecting to validating.
      world.connected(this);
      return this.#disconnected.subscribe(subscriber);
    });
  }

  get key(): number {
    return this.dial.key;
  }

  get alive(): boolean {
    return this.state !== 'closed' && this.state !== 'upgraded';
  }

  get keepAlive(): { readonly timeout?: number; readonly max?: number } | undefined {
    this.world.asked(this);
    return this.said;
  }

  progress(): ExchangeProgress {
    return { state: this.state, wrote: this.#wrote, responseByte: this.#responseByte, bodySubscribed: this.#wrote };
  }

  ref(): void {
    this.world.taken(this);
  }

  unref(): void {
    this.world.cached(this);
  }

  send(protocolRequest: ProtocolRequest, receiver: ExchangeReceiver): ExchangeHandle | null {
    const { world } = this;
    const request = protocolRequest as SimRequest;
    const { errors } = world;
    world.attempted(this, request);
    if (this.state !== 'quiescent') {
      this.#tell(request, receiver, new errors.RequestNotSentError(`The connection is ${this.state}`));
      return null;
    }
    this.#wrote = this.#responseByte = false;
    if (request.mode === 'invalid') {
      receiver.error(new errors.InvalidRequestError('path', 'not a path'));
      return null;
    }
    this.#wrote = request.writes;
    if (request.writes) request.written++;
    const exchange = new Exchange(this, request, receiver);
    this.exchange = exchange;
    this.state = request.mode === 'slow' ? 'transmitting' : 'waiting';
    receiver.started(exchange);
    if (request.mode === 'answered') this.respond();
    else if (request.mode === 'lost') this.die();
    return exchange;
  }

  close(reason?: unknown): void {
    const { errors } = this.world;
    this.world.left(this);
    if (!this.alive) return;
    const known = errors.isHTTPClientError(reason) ? reason : null;
    const { exchange } = this;
    const error = exchange === null ? known : (known ?? new errors.AbortedError('closed', { cause: reason }));
    this.#end(error);
    if (exchange !== null && error !== null) this.#tellConsumer(exchange, error);
  }

  // ---- what servers do -------------------------------------------------------------------------------------------

  /** Head and body in one read. */
  respond(): void {
    const { exchange } = this;
    if (exchange === null) return;
    if (exchange.headed) {
      this.endBody();
      return;
    }
    exchange.headed = true;
    this.#complete(exchange);
    const response = new SimResponse(null, exchange.request);
    exchange.subscriber.next(response as unknown as ProtocolResponse);
    exchange.subscriber.complete();
  }

  respondHead(): void {
    const { exchange } = this;
    if (exchange === null || exchange.headed) return;
    exchange.headed = true;
    this.#responseByte = true;
    this.state = 'receiving';
    const response = new SimResponse(this, exchange.request);
    exchange.subscriber.next(response as unknown as ProtocolResponse);
    exchange.subscriber.complete();
  }

  endBody(): void {
    const { exchange } = this;
    if (exchange === null || !exchange.headed) return;
    this.#complete(exchange);
    this.world.bodyEnded(exchange.request);
  }

  /** The response says that the connection ends with it. */
  respondAndClose(): void {
    const { exchange } = this;
    if (exchange === null) return;
    this.#responseByte = true;
    this.#end(null);
    if (exchange.headed) {
      this.world.bodyEnded(exchange.request);
      return;
    }
    const response = new SimResponse(null, exchange.request);
    exchange.subscriber.next(response as unknown as ProtocolResponse);
    exchange.subscriber.complete();
  }

  /** A swallowed 1xx. */
  informational(): void {
    this.#responseByte = true;
  }

  upgrade(): void {
    const { exchange } = this;
    if (exchange === null || exchange.headed) return;
    exchange.headed = true;
    this.exchange = null;
    this.state = 'upgraded';
    this.#responseByte = true;
    this.transportOpen = false;
    this.#disconnected.next(null);
    this.#disconnected.complete();
    exchange.subscriber.next(new SimResponse(null, exchange.request) as unknown as ProtocolResponse);
    exchange.subscriber.complete();
  }

  /** The transport is lost, or, without an exchange, closed by the server. */
  die(error: HTTPClientError | null = this.#loss()): void {
    const { exchange } = this;
    if (!this.alive) return;
    this.#end(error);
    if (exchange !== null && error !== null) this.#tellConsumer(exchange, error);
  }

  bytes(): void {
    this.die(new this.world.errors.UnsolicitedDataError('bytes that nobody asked for'));
  }

  closeTransport(): void {
    if (this.alive || !this.transportOpen) return;
    this.transportOpen = false;
    this.#disconnected.complete();
  }

  get needsTransportClose(): boolean {
    return !this.alive && this.transportOpen;
  }

  // ---- what it comes to ------------------------------------------------------------------------------------------

  #loss(): HTTPClientError | null {
    const { errors } = this.world;
    const { exchange } = this;
    if (exchange === null) return null;
    if (exchange.headed) return new errors.TruncatedBodyError(undefined);
    if (this.#responseByte) return new errors.ResponseFailedError('lost within the head');
    if (this.state === 'transmitting') return new errors.RequestTransmissionFailedError('lost while sending');
    return new errors.ResponseNeverReceivedError('lost before a response');
  }

  #complete(exchange: Exchange): void {
    this.exchange = null;
    this.state = 'quiescent';
    this.#responseByte = true;
    this.carried++;
    this.world.exchanged(this);
    exchange.endedAt = this.world.clock.now();
    this.quiescent.next(exchange);
  }

  #end(error: HTTPClientError | null): void {
    this.exchange = null;
    this.state = 'closed';
    this.#disconnected.next(error);
    if (!this.lingers) this.closeTransport();
  }

  #tellConsumer(exchange: Exchange, error: HTTPClientError): void {
    if (exchange.headed) this.world.bodyEnded(exchange.request, 'failed');
    else this.#tell(exchange.request, exchange.subscriber, error);
  }

  /** Whether the pool dials for this very request is seen by what it does before it tells anybody. */
  #tell(request: SimRequest, subscriber: ExchangeReceiver, error: HTTPClientError): void {
    const { world } = this;
    const outer = world.failing;
    world.failing = request;
    request.failedAfter(this, error, this.#responseByte && error.code !== 'ERR_REQUEST_NOT_SENT');
    subscriber.error(error);
    world.failing = outer;
  }
}

/** What the pool looks at in a response: whether somebody has claimed the body. */
export class SimResponse {
  readonly body = { used: false };

  constructor(
    readonly connection: SimConnection | null,
    readonly request: SimRequest,
  ) {}
}

export class SimTransport {
  constructor(readonly dial: SimDial) {}

  destroy(): void {
    this.dial.world.transportDestroyed(this.dial);
  }

  asTransport(): Transport {
    return this as unknown as Transport;
  }
}
