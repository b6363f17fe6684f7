import { ReplaySubject, Subject } from 'rxjs';
import type { Transport, TransportInfo } from '../../../src/endpoint/index.js';
import { AbortedError, HTTPClientError, ResponseNeverReceivedError } from '../../../src/errors/index.js';
import type {
  ExchangeConnection,
  ExchangeHandle,
  ExchangeProgress,
  ExchangeReceiver,
  ProtocolRequest,
  ProtocolResponse,
} from '../../../src/protocol/index.js';

/** An exchange of a connection that carries several. The test answers it, in any order. */
export class SeatsExchange implements ExchangeHandle {
  readonly startedAt = 0;
  readonly endedAt = 0;
  #isOver = false;

  constructor(
    private readonly connection: SeatsConnection,
    readonly request: ProtocolRequest,
    private readonly receiver: ExchangeReceiver,
  ) {}

  get isOver(): boolean {
    return this.#isOver;
  }

  progress(): ExchangeProgress {
    return { state: 'waiting', wrote: true, responseByte: false, bodySubscribed: false };
  }

  answer(): void {
    this.#isOver = true;
    this.connection.quiescent.next(this);
    this.receiver.next({ status: 200, body: { used: true } } as unknown as ProtocolResponse);
    this.receiver.complete();
  }

  /** As a reset of one stream: the others of the connection go on. */
  abort(reason?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.connection.quiescent.next(this);
    this.receiver.error(reason instanceof HTTPClientError ? reason : new AbortedError());
  }

  /** @internal */
  fail(error: HTTPClientError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.receiver.error(error);
  }
}

/** A connection with several seats, whose number may change. */
export class SeatsConnection implements ExchangeConnection {
  readonly exchanges: SeatsExchange[] = [];
  readonly quiescent = new Subject<ExchangeHandle>();
  readonly disconnected = new ReplaySubject<HTTPClientError | null>(1);
  readonly capacityChanged = new Subject<void>();
  closes = 0;
  #isClosed = false;

  constructor(
    private readonly transport: Transport,
    public capacity: number,
  ) {}

  get info(): TransportInfo {
    return this.transport.info;
  }

  /** The exchanges that are under way, oldest first. */
  get pending(): SeatsExchange[] {
    return this.exchanges.filter(({ isOver }) => !isOver);
  }

  send(request: ProtocolRequest, receiver: ExchangeReceiver): ExchangeHandle {
    const exchange = new SeatsExchange(this, request, receiver);
    this.exchanges.push(exchange);
    receiver.started(exchange);
    return exchange;
  }

  changeCapacity(capacity: number): void {
    this.capacity = capacity;
    this.capacityChanged.next();
  }

  /** The connection is lost, and all its exchanges with it. */
  lose(error: HTTPClientError | null = new ResponseNeverReceivedError('reset')): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { pending } = this;
    this.disconnected.next(error);
    this.disconnected.complete();
    for (const exchange of pending) exchange.fail(error ?? new AbortedError());
  }

  close(reason?: unknown): void {
    this.closes++;
    this.lose(reason instanceof HTTPClientError ? reason : null);
  }

  ref(): void {}
  unref(): void {}
}
