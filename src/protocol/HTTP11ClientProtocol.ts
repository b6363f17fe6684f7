import type { Observable } from 'rxjs';
import { UpgradedTransport, type Transport, type TransportInfo, type TransportSink } from '../endpoint/index.js';
import {
  AbortedError,
  HTTPClientError,
  ParseError,
  RequestNotSentError,
  RequestTransmissionFailedError,
  ResponseFailedError,
  UnsolicitedDataError,
} from '../errors/index.js';
import { loopTurn } from '../timing/index.js';
import { HTTPHeaders, type ResponseHead } from '../wire/index.js';
import { BodyFlow } from './BodyFlow.js';
import type { Connection, ExchangeProgress, ProtocolContext } from './Connection.js';
import { ConnectionSubjects } from './ConnectionSubjects.js';
import { Exchange, type ExchangeOwner } from './Exchange.js';
import type { ExchangeConnection, ExchangeReceiver } from './ExchangeConnection.js';
import { ExchangeTimer, type TimerOwner } from './ExchangeTimer.js';
import { lossError } from './lossError.js';
import { closeMade, outgoing, type Outgoing } from './outgoing.js';
import type { ProtocolRequest } from './ProtocolRequest.js';
import type { ProtocolResponse } from './ProtocolResponse.js';
import { requestOver } from './requestOver.js';
import { RequestWriter, type WriterOwner } from './RequestWriter.js';
import { ResponseReader, type ReaderOwner } from './ResponseReader.js';
import { StateMachine } from './StateMachine.js';
import { transitions, type ConnectionInput, type ConnectionState } from './transitions.js';

/**
 * One connection that speaks HTTP/1.1, for one exchange at a time (RFC 9112). `transitions.ts` has its states.
 *
 * The order is the contract: the end of an exchange is first told to the pool (`quiescent` or `disconnected`), then to
 * the consumer, because the consumer may ask for the next connection at once.
 */
export class HTTP11ClientProtocol
  extends ConnectionSubjects<Exchange>
  implements Connection, ExchangeConnection, TransportSink, ExchangeOwner, WriterOwner, ReaderOwner, TimerOwner
{
  readonly capacity = 1;
  keepAlive: Connection['keepAlive'] = undefined;
  readonly flow: BodyFlow;
  readonly #machine: StateMachine;
  readonly #writer: RequestWriter;
  readonly #reader: ResponseReader;
  readonly #timer: ExchangeTimer;
  #exchange: Exchange | null = null;
  // The progress of the last exchange, which is not kept: it would keep its request and its response.
  #wrote = false;
  #responseByte = false;
  #bodySubscribed = false;
  #peerFinished = false;
  /** An exchange whose body is complete unless the connection turns out to have been reset. */
  #unconfirmed: Exchange | null = null;

  constructor(
    private readonly transport: Transport,
    private readonly context: ProtocolContext,
  ) {
    super();
    this.#machine = new StateMachine(context);
    this.#timer = new ExchangeTimer(context.deadlines, this);
    this.#writer = new RequestWriter(transport, context.deadlines, this.#machine, this.#timer, this);
    this.#reader = new ResponseReader(transport, context.limits, this);
    this.flow = new BodyFlow(this.#reader, this.#timer, this.#machine, context.limits.maxDrain, this);
    transport.read(this);
  }

  get info(): TransportInfo {
    return this.transport.info;
  }

  progress(): ExchangeProgress {
    if (this.#exchange !== null) return this.#exchange.progress();
    const { state } = this.#machine;
    return { state, wrote: this.#wrote, responseByte: this.#responseByte, bodySubscribed: this.#bodySubscribed };
  }

  request(request: ProtocolRequest): Observable<ProtocolResponse> {
    return requestOver(this, request);
  }

  close(reason?: unknown): void {
    const exchange = this.#exchange;
    if (exchange !== null) this.aborted(exchange, reason, 'The connection was closed');
    else if (this.#machine.enter('close')) this.#disconnect(reason instanceof HTTPClientError ? reason : null);
  }

  ref(): void {
    this.transport.ref();
  }

  unref(): void {
    this.transport.unref();
  }

  report(error: unknown): void {
    this.context.report(error);
  }

  stateOf(exchange: Exchange): ConnectionState {
    // A later exchange on this connection says nothing of an earlier one, which then has ended in order.
    return this.#exchange === null || this.#exchange === exchange ? this.#machine.state : 'quiescent';
  }

  /** `request` without an Observable: every request of the pool comes this way. */
  send(request: ProtocolRequest, receiver: ExchangeReceiver): Exchange | null {
    if (this.#refuses(receiver)) return null;
    this.#wrote = this.#responseByte = this.#bodySubscribed = false;
    let message: Outgoing;
    try {
      message = outgoing(request, this.transport.info.authority, this.context.persistent);
    } catch (error) {
      // Nothing was written: the connection is as good as before.
      receiver.error(error);
      return null;
    }
    // The function that makes the body may have unsubscribed, or used, or closed, the connection meanwhile.
    if (this.#refuses(receiver)) {
      closeMade(request, message);
      return null;
    }
    const exchange = new Exchange(this, receiver, message);
    exchange.startedAt = this.context.deadlines.now();
    this.#exchange = exchange;
    this.#wrote = true;
    this.#machine.enter('request');
    this.#timer.reset(message.timeouts);
    this.#reader.start(exchange);
    receiver.started(exchange);
    try {
      if (!exchange.over) this.#writer.write(exchange);
    } catch (cause) {
      // A foreign transport, which must not throw.
      const error = new RequestTransmissionFailedError('The transport threw when it was written to', { cause });
      if (this.#exchange === exchange) this.failed(exchange, error);
      else this.context.report(error);
    }
    return exchange;
  }

  #refuses(receiver: ExchangeReceiver): boolean {
    const { state } = this.#machine;
    if (receiver.closed) return true;
    if (transitions[state].request !== 'refused') return false;
    receiver.error(new RequestNotSentError(`The connection is ${state}: it takes no request`));
    return true;
  }

  data(view: Uint8Array): void {
    const exchange = this.#exchange;
    if (exchange === null) {
      if (!this.#machine.enter('unsolicited')) return;
      this.#disconnect(new UnsolicitedDataError(`The server sent ${view.length} bytes that no request had asked for`));
      return;
    }
    exchange.responseByte = true;
    if (this.#timer.waitingFor === 'bodyIdle') this.#timer.wait('bodyIdle');
    this.#reader.read(view);
  }

  end(): void {
    this.#peerFinished = true;
    const exchange = this.#exchange;
    if (exchange === null) {
      if (this.#machine.enter('lost')) this.#disconnect(null);
      return;
    }
    let cause: unknown;
    try {
      if (this.#reader.finish() === 'end') {
        if (this.#exchange === exchange) this.#confirmEnd(exchange);
        return;
      }
    } catch (error) {
      cause = error;
    }
    this.failed(exchange, cause instanceof HTTPClientError ? cause : this.#loss(exchange, cause), 'lost');
  }

  /**
   * A body without a length is complete when the connection ends in order (RFC 9112 section 8). A reset that came with
   * the last bytes is told after them, so the loop polls before the end is believed.
   */
  #confirmEnd(exchange: Exchange): void {
    this.#unconfirmed = exchange;
    loopTurn.after(() => {
      if (this.#exchange === exchange) this.complete(exchange, HTTPHeaders.empty, false);
    });
  }

  closed(error?: Error): void {
    this.#peerFinished = true;
    const exchange = this.#exchange;
    if (exchange !== null) {
      this.#reader.drain();
      const isWhole = this.#unconfirmed === exchange && error === undefined;
      if (this.#exchange === exchange && isWhole) this.complete(exchange, HTTPHeaders.empty, false);
      if (this.#exchange === exchange) this.failed(exchange, this.#loss(exchange, error), 'lost');
    } else if (this.#machine.enter('lost')) {
      this.#disconnect(error === undefined ? null : new ResponseFailedError('The connection failed', { cause: error }));
    }
    this.tellClosed();
  }

  #loss(exchange: Exchange, cause: unknown): HTTPClientError {
    return lossError(exchange, this.#machine.state === 'transmitting', cause);
  }

  head(exchange: Exchange, head: ResponseHead, length: number | null): void {
    exchange.headAt = this.context.deadlines.now();
    exchange.headed(head, this.context.limits.maxDrain, length);
    this.keepAlive = this.#reader.keepAlive;
    if (this.#machine.enter('head') !== 'early') return;
    exchange.writtenAt = exchange.headAt;
    // Anything but success before the upload is over means that the server does not want the rest of it.
    if (head.status >= 300) exchange.upload?.stop();
  }

  complete(exchange: Exchange, trailers: HTTPHeaders, reusable: boolean): void {
    this.#over(exchange);
    exchange.endedAt = exchange.settled ? this.context.deadlines.now() : exchange.headAt;
    const again = reusable && exchange.message.persistent && !this.#peerFinished;
    if (this.#machine.enter(again ? 'complete' : 'final') === 'quiescent') {
      this.#reader.release();
      this.tellQuiescent(exchange);
    } else this.#disconnect(null);
    exchange.ended(trailers);
  }

  upgrade(exchange: Exchange, head: ResponseHead, rest: Uint8Array): void {
    if (this.#machine.state !== 'waiting') {
      this.failed(exchange, new ParseError('The server switched protocols before the request was complete'), 'upgrade');
      return;
    }
    this.#over(exchange);
    this.#machine.enter('upgrade');
    const done = (): void => this.#timer.dispose();
    const upgraded = new UpgradedTransport(this.transport, done, done);
    if (rest.length > 0) this.transport.unshift(rest);
    this.#timer.wait('unclaimed');
    // The transport is no connection of ours any more, and the pool does not wait for its end.
    this.tellDisconnected(null);
    this.tellClosed();
    exchange.upgraded(head, upgraded, this.context.deadlines.now());
  }

  cancelled(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    this.#over(exchange);
    const error = new AbortedError('The request was unsubscribed from');
    if (this.#machine.enter('cancel')) this.#disconnect(error);
    // The trailers of an unread body may have an observer.
    exchange.body?.fail(error);
  }

  aborted(exchange: Exchange, reason: unknown, message?: string): void {
    const error = reason instanceof HTTPClientError ? reason : new AbortedError(message, { cause: reason });
    this.failed(exchange, error, 'close');
  }

  failed(exchange: Exchange, error: HTTPClientError, input: ConnectionInput = 'fail'): void {
    this.#over(exchange);
    if (this.#machine.enter(input)) this.#disconnect(error);
    exchange.failed(error);
  }

  /** From here on the exchange cannot touch the connection, nor the connection it. */
  #over(exchange: Exchange): void {
    exchange.over = true;
    this.#responseByte = exchange.responseByte;
    this.#bodySubscribed = exchange.message.body !== null;
    this.#exchange = null;
    this.#timer.clear();
    this.#reader.stop();
    exchange.upload?.stop();
  }

  #disconnect(error: HTTPClientError | null): void {
    this.#timer.dispose();
    try {
      this.transport.destroy();
    } catch (cause) {
      this.context.report(cause); // a foreign transport: the waiting consumers are told all the same
    }
    this.tellDisconnected(error);
  }

  expired(error: HTTPClientError): void {
    const exchange = this.#exchange;
    if (exchange === null) {
      // An upgraded transport that no consumer claimed: every exchange stops the timer when it ends.
      this.transport.destroy();
      return;
    }
    if (error.code === 'ERR_BODY_UNCLAIMED') this.context.report(error);
    this.failed(exchange, error);
  }
}
