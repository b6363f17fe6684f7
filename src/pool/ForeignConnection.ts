import type { Subscription } from 'rxjs';
import type { Transport, TransportInfo } from '../endpoint/index.js';
import {
  AbortedError,
  ConnectError,
  HTTPClientError,
  isHTTPClientError,
  RequestTransmissionFailedError,
  ResponseNeverReceivedError,
  textOf,
} from '../errors/index.js';
import {
  ConnectionSubjects,
  type Connection,
  type ConnectionFactory,
  type ConnectionState,
  type ExchangeConnection,
  type ExchangeHandle,
  type ExchangeProgress,
  type ExchangeReceiver,
  type ProtocolContext,
  type ProtocolFactory,
  type ProtocolRequest,
  type ProtocolResponse,
} from '../protocol/index.js';
import { loopTurn } from '../timing/index.js';

/** Connections of a user's `protocolFactory`, as the pool drives connections. */
export function foreignConnections(factory: ProtocolFactory): ConnectionFactory {
  return (transport, context) => {
    const connection: unknown = factory(transport, context);
    if (!isConnection(connection)) throw new ConnectError(`it returned ${textOf(connection)}, and no Connection`);
    if (connection.capacity !== 1) {
      try {
        connection.close();
      } catch (error) {
        context.report(error);
      }
      throw new ConnectError(`it returned a Connection of capacity ${connection.capacity}, and only 1 is supported`);
    }
    return new ForeignConnection(connection, transport, context);
  };
}

function isConnection(value: unknown): value is Connection {
  return typeof value === 'object' && value !== null && typeof (value as Connection).request === 'function';
}

/**
 * A user's connection behind the one interface of the pool. The user's code may break the contract of `Connection`: what
 * it throws is reported, and a connection that cannot be trusted is destroyed.
 */
class ForeignConnection extends ConnectionSubjects<ExchangeHandle> implements ExchangeConnection {
  #exchange: ForeignExchange | null = null;
  #isLost = false;
  #isClosing = false;
  /** The connection broke its contract. Nothing it says of itself counts any more. */
  #isBroken = false;

  constructor(
    private readonly connection: Connection,
    private readonly transport: Transport,
    private readonly context: ProtocolContext,
  ) {
    super();
    connection.quiescent.subscribe({ next: () => this.#rested(), error: error => this.distrust(error) });
    connection.disconnected.subscribe({
      next: error => this.#lose(error),
      error: error => this.distrust(error),
      complete: () => {
        this.#lose(null);
        this.tellClosed();
      },
    });
  }

  /** A connection that died without a word is found out here, when the pool is about to rely on it, and leaves the pool. */
  get capacity(): number {
    if (!this.#isLost && isDead(this.state)) this.#lose(null);
    return this.#isLost ? 0 : 1;
  }

  get info(): TransportInfo {
    return this.connection.info;
  }

  get keepAlive(): Connection['keepAlive'] {
    return this.#ask(() => this.connection.keepAlive, undefined);
  }

  /** The state of the connection. A connection whose `progress` throws counts as `closed`. */
  get state(): ConnectionState {
    return this.progress().state;
  }

  progress(): ExchangeProgress {
    return this.#ask(() => this.connection.progress(), unknownProgress);
  }

  send(request: ProtocolRequest, receiver: ExchangeReceiver): ExchangeHandle {
    const exchange = new ForeignExchange(this, receiver, this.context.deadlines.now());
    this.#exchange = exchange;
    receiver.started(exchange);
    exchange.run(() => this.connection.request(request).subscribe(exchange));
    return exchange;
  }

  /** The exchange failed. Without a word of the connection's own, its state tells what the failure means. */
  failed(error: unknown): void {
    if (this.#isLost || this.state === 'quiescent') return;
    this.#lose(isHTTPClientError(error) ? error : null);
    this.close(error);
  }

  /** An exchange was answered twice. One that is over has nothing to do with the connection: another may be under way. */
  answeredTwice(exchange: ForeignExchange): void {
    const error = new Error('The connection answered a request twice');
    if (exchange.isOver) this.context.report(error);
    else this.distrust(error);
  }

  /** The connection broke its contract: it is reported, and ends. `reason`: what that means for its exchange. */
  distrust(error: unknown, reason?: HTTPClientError): void {
    this.context.report(error);
    this.#isBroken = true;
    this.close(reason);
  }

  report(error: unknown): void {
    this.context.report(error);
  }

  close(reason?: unknown): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const exchange = this.#exchange;
    const isPending = exchange !== null && exchange.isPending;
    const known = reason instanceof HTTPClientError ? reason : null;
    let isClosed = false;
    try {
      this.connection.close(reason);
    } catch (error) {
      this.context.report(error);
      this.#destroyTransport();
      isClosed = true;
    }
    this.#lose(known);
    if (isClosed) this.tellClosed();
    // The connection may close without a word to its request.
    if (isPending) exchange.error(known ?? new AbortedError('The connection was closed'));
  }

  ref(): void {
    this.#ask(() => this.connection.ref(), undefined);
  }

  unref(): void {
    this.#ask(() => this.connection.unref(), undefined);
  }

  #rested(): void {
    const exchange = this.#exchange;
    // The pool has no lease for a stray exchange, and destroys the connection.
    if (exchange === null || exchange.isOver || this.state !== 'quiescent') {
      this.tellQuiescent(stray);
      return;
    }
    exchange.isOver = true;
    exchange.endedAt = this.context.deadlines.now();
    this.tellQuiescent(exchange);
  }

  #lose(error: HTTPClientError | null): void {
    if (this.#isLost) return;
    this.#isLost = true;
    const exchange = this.#exchange;
    if (exchange !== null) exchange.isOver = true;
    this.tellDisconnected(error);
    if (exchange === null || exchange.isSettled) return;
    // Its own error, or a response that came whole, is about to follow. A connection that forgets it leaves nobody waiting.
    const forgotten = error ?? new ResponseNeverReceivedError('The connection was lost without a word to its request');
    loopTurn.after(() => exchange.error(forgotten));
  }

  /** Asks the user's code. If it throws, the connection is not used any more, and not asked again. */
  #ask<T>(question: () => T, otherwise: T): T {
    if (this.#isBroken) return otherwise;
    try {
      return question();
    } catch (error) {
      this.distrust(error);
      return otherwise;
    }
  }

  #destroyTransport(): void {
    try {
      this.transport.destroy();
    } catch (error) {
      this.context.report(error);
    }
  }
}

class ForeignExchange implements ExchangeHandle {
  /** The connection told its end. */
  isOver = false;
  endedAt = 0;
  /** The receiver has its response, or its error. */
  isSettled = false;
  #isAnswered = false;
  #subscription: Subscription | null = null;

  constructor(
    private readonly connection: ForeignConnection,
    private readonly receiver: ExchangeReceiver,
    readonly startedAt: number,
  ) {}

  /** The receiver waits, and the connection has not told its end. */
  get isPending(): boolean {
    return !this.isSettled && !this.isOver;
  }

  progress(): ExchangeProgress {
    return this.connection.progress();
  }

  abort(reason?: unknown): void {
    if (this.isOver) return;
    this.connection.close(reason);
    try {
      this.#subscription?.unsubscribe();
    } catch (error) {
      this.connection.report(error);
    }
  }

  run(subscribe: () => Subscription): void {
    try {
      const subscription = subscribe();
      if (this.isSettled) subscription.unsubscribe();
      else this.#subscription = subscription;
    } catch (cause) {
      this.#broken(new RequestTransmissionFailedError(`The connection's request threw: ${textOf(cause)}`, { cause }));
    }
  }

  next(response: ProtocolResponse): void {
    if (this.#isAnswered) this.connection.answeredTwice(this);
    if (this.isSettled) return;
    this.isSettled = this.#isAnswered = true;
    this.receiver.next(response);
    this.receiver.complete();
  }

  error(error: unknown): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.connection.failed(error);
    this.receiver.error(error);
  }

  complete(): void {
    this.#broken(new ResponseNeverReceivedError('The connection completed the request without a response'));
  }

  #broken(error: HTTPClientError): void {
    if (this.isSettled) return;
    this.connection.distrust(error, error);
    this.error(error);
  }
}

function isDead(state: ConnectionState): boolean {
  return state === 'closed' || state === 'upgraded';
}

const unknownProgress: ExchangeProgress = { state: 'closed', wrote: true, responseByte: true, bodySubscribed: true };

/** Stands for the exchange of a `quiescent` that no exchange explains. */
const stray: ExchangeHandle = { startedAt: 0, endedAt: 0, progress: () => unknownProgress, abort: () => undefined };
