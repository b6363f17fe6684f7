import { Observable, ReplaySubject, Subject, type Subscriber } from 'rxjs';
import type { HTTPClientError } from '../../../src/errors/index.js';
import type {
  ExchangeConnection,
  ExchangeHandle,
  ExchangeReceiver,
  ProtocolRequest,
  ProtocolResponse,
} from '../../../src/protocol/index.js';
import type { SimDial } from './SimDial.js';
import { SimExchange, SimResponse } from './SimExchange.js';
import type { SimLease } from './SimLease.js';
import type { SimRequest } from './SimRequest.js';
import type { World } from './World.js';

/** Where a connection is in the pool, as far as that can be told from outside. */
export type Place =
  | 'born'
  | 'validating'
  /** It was polled: the next one to be handed out, or cached, in the order of the queue. */
  | 'ready'
  | 'leased'
  | 'idle'
  | 'gone';

/** A connection without bytes, which keeps the contract of `ExchangeConnection`: the pool is told first, then the consumer. */
export class SimConnection implements ExchangeConnection {
  readonly info = { authority: 'model', secure: false, timings: {} };
  readonly quiescent = new Subject<ExchangeHandle>();
  readonly disconnected: Observable<HTTPClientError | null>;
  readonly capacityChanged: Subject<void> | null;
  readonly bornAt: number;
  place: Place = 'born';
  capacity: number;
  alive = true;
  /** Requests carried to their end. */
  carried = 0;
  /** It has been idle. */
  cached = false;
  /** It was neither leased nor idle yet: if it dies, its dial has failed. */
  fresh = true;
  /** It was seen to be of no use for another lease: nobody may insist on one. */
  spent = false;
  /** The server ended it. */
  died = false;
  /** A lease has gone on from it over a new connection. */
  redialled = false;
  /** Told by the server with the last response: it may be used so many times more, idle for so many seconds. */
  keepAlive: { readonly timeout?: number; readonly max?: number } | undefined = undefined;
  readonly exchanges: SimExchange[] = [];
  /** The leases that have a seat, as far as that was seen: `seated` are those that have it still. */
  readonly leases: SimLease[] = [];
  /** The leases that had a seat when it died. */
  bereaved: readonly SimLease[] = [];
  /** Made for a retried request that has not got it yet. */
  claimed: boolean;
  validation: Subscriber<void> | null = null;
  transportOpen = true;
  idleUntil = Infinity;
  readonly #disconnected = new ReplaySubject<HTTPClientError | null>(1);

  constructor(
    readonly world: World,
    readonly id: number,
    readonly dial: SimDial,
    private readonly lingers: boolean,
    capacity: number,
  ) {
    this.capacity = capacity;
    this.capacityChanged = world.settings.capacity > 1 ? new Subject() : null;
    this.bornAt = world.clock.now();
    this.claimed = dial.claim !== null;
    this.disconnected = new Observable(subscriber => {
      // The pool listens: it has just moved the connection from connecting to validating.
      world.connections.connected(this);
      return this.#disconnected.subscribe(subscriber);
    });
  }

  get key(): number {
    return this.dial.key;
  }

  /** It carries exchanges side by side, each of which can end alone. */
  get shared(): boolean {
    return this.capacityChanged !== null;
  }

  /** It may be stale: a request over it may be retried. */
  get reused(): boolean {
    return this.carried > 0 || this.cached;
  }

  get seated(): readonly SimLease[] {
    return this.leases.filter(lease => lease.isLive);
  }

  ref(): void {
    this.world.connections.taken(this);
  }

  unref(): void {
    this.world.connections.becomesIdle(this);
  }

  send(protocolRequest: ProtocolRequest, receiver: ExchangeReceiver): ExchangeHandle | null {
    const { world } = this;
    const request = protocolRequest as SimRequest;
    const { errors } = world;
    world.leases.attempted(this, request);
    if (!this.alive || (!this.shared && this.exchanges.length > 0)) {
      this.#tell(request, receiver, new errors.RequestNotSentError('The connection takes no request'), false, true);
      return null;
    }
    if (request.mode === 'invalid') {
      receiver.error(new errors.InvalidRequestError('path', 'not a path'));
      return null;
    }
    if (request.writes) request.written++;
    const exchange = new SimExchange(this, request, receiver);
    this.exchanges.push(exchange);
    receiver.started(exchange);
    if (request.mode === 'answered') this.respond(exchange);
    else if (request.mode === 'lost') this.die();
    return exchange;
  }

  close(reason?: unknown): void {
    const { errors } = this.world;
    this.world.connections.left(this);
    if (!this.alive) return;
    const known = errors.isHTTPClientError(reason) ? reason : null;
    const open = this.exchanges.slice();
    const error = open.length === 0 ? known : (known ?? new errors.AbortedError('closed', { cause: reason }));
    this.#end(error);
    if (error !== null) for (const exchange of open) this.#tellConsumer(exchange, error, true);
  }

  /** The owner of an exchange gives it up. Where there are no others beside it, that is the end of the connection. */
  abort(exchange: SimExchange, reason?: unknown): void {
    if (!this.exchanges.includes(exchange)) return;
    const { errors } = this.world;
    if (this.shared) {
      if (this.exchanges.length > 1) this.world.tally.sight('an abort leaves neighbours alive');
      const error = errors.isHTTPClientError(reason) ? reason : new errors.AbortedError('aborted', { cause: reason });
      this.#endAlone(exchange, error);
    } else this.close(reason);
  }

  // ---- what servers do -------------------------------------------------------------------------------------------

  setCapacity(capacity: number): void {
    this.capacity = capacity;
    if (this.alive && this.seated.length > capacity) this.world.tally.sight('the capacity falls below the seats taken');
    this.capacityChanged?.next();
  }

  /** Ends one exchange, and no other. */
  reset(exchange: SimExchange): void {
    this.#endAlone(exchange, new this.world.errors.ResponseNeverReceivedError('reset'));
  }

  /** Head and body in one read. */
  respond(exchange: SimExchange): void {
    if (exchange.headed) {
      this.endBody(exchange);
      return;
    }
    this.#quiesce(exchange, 'quiescent');
    this.#tellHead(exchange);
  }

  respondHead(exchange: SimExchange): void {
    if (exchange.headed) return;
    exchange.responseByte = true;
    exchange.state = 'receiving';
    this.#tellHead(exchange);
  }

  endBody(exchange: SimExchange): void {
    if (!exchange.headed) return;
    this.#quiesce(exchange, 'quiescent');
    this.world.leases.bodyEnded(exchange.request);
  }

  /** The response says that the connection ends with it. */
  respondAndClose(exchange: SimExchange): void {
    if (this.exchanges.length > 1) {
      this.respond(exchange);
      return;
    }
    exchange.responseByte = true;
    this.#end(null);
    if (exchange.headed) this.world.leases.bodyEnded(exchange.request);
    else this.#tellHead(exchange);
  }

  /** A swallowed 1xx. */
  informational(exchange: SimExchange): void {
    exchange.responseByte = true;
  }

  upgrade(exchange: SimExchange): void {
    if (exchange.headed || this.shared) return;
    this.exchanges.length = 0;
    this.alive = false;
    exchange.state = 'upgraded';
    exchange.responseByte = true;
    this.transportOpen = false;
    this.#disconnected.next(null);
    this.#disconnected.complete();
    this.#tellHead(exchange);
  }

  /** The transport is lost, or, without an exchange, closed by the server. */
  die(given?: HTTPClientError): void {
    if (!this.alive) return;
    this.died = true;
    const open = this.exchanges.slice();
    const { errors } = this.world;
    const losses = open.map(exchange => given ?? exchange.loss());
    const all = losses.length > 1 ? new errors.ResponseNeverReceivedError('lost') : losses[0];
    this.#end(given ?? all ?? null);
    open.forEach((exchange, at) => this.#tellConsumer(exchange, losses[at], true));
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
  #endAlone(exchange: SimExchange, error: HTTPClientError): void {
    this.#quiesce(exchange, 'closed');
    this.#tellConsumer(exchange, error, false);
  }

  /** The end of one exchange, of which the pool hears first. */
  #quiesce(exchange: SimExchange, state: 'quiescent' | 'closed'): void {
    const { world } = this;
    exchange.state = state;
    exchange.responseByte ||= state === 'quiescent';
    this.exchanges.splice(this.exchanges.indexOf(exchange), 1);
    this.carried++;
    world.connections.exchanged(this);
    exchange.endedAt = world.clock.now();
    this.quiescent.next(exchange);
    const { connection, get, isLive } = exchange.request.lease;
    if (connection === this && isLive) world.fail(`get ${get.id} keeps its seat after its exchange`);
  }

  #end(error: HTTPClientError | null): void {
    const { world } = this;
    for (const exchange of this.exchanges) if (exchange.state !== 'upgraded') exchange.state = 'closed';
    this.exchanges.length = 0;
    this.alive = false;
    this.bereaved = this.seated;
    if (this.fresh && !this.claimed) this.dial.get.doomed = true;
    this.#disconnected.next(error);
    const kept = this.bereaved.filter(lease => lease.connection === this && lease.isLive);
    if (kept.length > 1) world.fail(`${kept.length} leases keep the place of connection ${this.id}, which died`);
    if (!this.lingers) this.closeTransport();
  }

  #tellHead(exchange: SimExchange): void {
    exchange.headed = true;
    exchange.receiver.next(new SimResponse(exchange.request) as unknown as ProtocolResponse);
    exchange.receiver.complete();
  }

  #tellConsumer({ headed, request, receiver, responseByte }: SimExchange, error: HTTPClientError, lost: boolean): void {
    if (headed) this.world.leases.bodyEnded(request, 'failed');
    else this.#tell(request, receiver, error, responseByte, lost);
  }

  /** Whether the pool dials for this very request is seen by what it does before it tells anybody. */
  #tell(
    request: SimRequest,
    receiver: ExchangeReceiver,
    error: HTTPClientError,
    responseByte: boolean,
    lost: boolean,
  ): void {
    const { world } = this;
    const outer = world.failing;
    world.failing = request;
    request.failedAfter(this, error, responseByte, lost);
    receiver.error(error);
    world.failing = outer;
  }
}
