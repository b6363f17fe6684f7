/* eslint-disable max-lines -- one state machine, whose steps are best read next to each other */
import { Observable, type Observer, type Unsubscribable } from 'rxjs';
import { UpgradedTransport, type Transport, type TransportInfo, type TransportSink } from '../endpoint/index.js';
import {
  AbortedError,
  BodyTimeoutError,
  BodyUnclaimedError,
  HeadersTimeoutError,
  HTTPClientError,
  ParseError,
  RequestNotSentError,
  RequestTransmissionFailedError,
  ResponseFailedError,
  ResponseNeverReceivedError,
  TruncatedBodyError,
  UnsolicitedDataError,
  UploadTimeoutError,
} from '../errors/index.js';
import { Deadline, loopTurn } from '../timing/index.js';
import { HTTPHeaders, type ResponseHead } from '../wire/index.js';
import type { Connection, ExchangeProgress, ProtocolContext } from './Connection.js';
import { Exchange, type ExchangeOwner } from './Exchange.js';
import { Lifecycle, type ConnectionOwner } from './Lifecycle.js';
import { outgoing, type Outgoing } from './outgoing.js';
import type { ProtocolRequest } from './ProtocolRequest.js';
import type { ProtocolResponse } from './ProtocolResponse.js';
import { RequestWriter, type WriterOwner } from './RequestWriter.js';
import { ResponseReader, type ReaderOwner } from './ResponseReader.js';
import { transitions, type ConnectionInput, type ConnectionState } from './transitions.js';

/** How long the rest of a body may take whose consumer has gone, in ms. */
const drainTimeout = 1_000;

/** Whose silence the deadline measures. */
type Wait = 'headers' | 'bodyIdle' | 'upload' | 'unclaimed' | 'drain';

/**
 * One connection that speaks HTTP/1.1, for one exchange at a time (RFC 9112). Its states are those of `transitions.ts`.
 *
 * The order of things is the contract: whatever ends an exchange is first told to whoever owns the connection
 * (`quiescent` or `disconnected`), then to the consumer, as the consumer may ask for the next connection at once.
 */
export class HTTP11ClientProtocol implements Connection, TransportSink, ExchangeOwner, WriterOwner, ReaderOwner {
  readonly capacity = 1;
  readonly #life = new Lifecycle();
  readonly #writer: RequestWriter;
  readonly #reader: ResponseReader;
  readonly #deadline: Deadline;
  #keepAlive: Connection['keepAlive'] = undefined;
  #waitingFor: Wait = 'headers';
  #state: ConnectionState = 'quiescent';
  #exchange: Exchange | null = null;
  #peerFinished = false;
  /** Its body is complete unless the connection turns out to have been reset. */
  #unconfirmed: Exchange | null = null;
  #wrote = false;
  #responseByte = false;
  #bodySubscribed = false;

  /** @internal One of these whose `request` is what it is here: a `protocolFactory` may have put its own in that place. */
  static isPlain(connection: Connection): connection is HTTP11ClientProtocol {
    return connection instanceof HTTP11ClientProtocol && connection.request === HTTP11ClientProtocol.prototype.request;
  }

  constructor(
    private readonly transport: Transport,
    private readonly context: ProtocolContext,
  ) {
    this.#writer = new RequestWriter(transport, context.deadlines, this);
    this.#reader = new ResponseReader(transport, context.limits, this);
    this.#deadline = new Deadline(context.deadlines, () => this.#expired());
    transport.read(this);
  }

  get quiescent(): Observable<void> {
    return this.#life.quiescent;
  }

  get disconnected(): Observable<HTTPClientError | null> {
    return this.#life.disconnected;
  }

  /** @internal */
  set owner(owner: ConnectionOwner) {
    this.#life.owner = owner;
  }

  get info(): TransportInfo {
    return this.transport.info;
  }

  get keepAlive(): { readonly timeout?: number; readonly max?: number } | undefined {
    return this.#keepAlive;
  }

  progress(): ExchangeProgress {
    return {
      state: this.#state,
      wrote: this.#wrote,
      responseByte: this.#responseByte,
      bodySubscribed: this.#bodySubscribed,
    };
  }

  request(request: ProtocolRequest): Observable<ProtocolResponse> {
    return new Observable(subscriber => this.send(request, subscriber));
  }

  close(reason?: unknown): void {
    const known = reason instanceof HTTPClientError ? reason : null;
    const exchange = this.#exchange;
    if (exchange !== null) {
      this.#fail(exchange, known ?? new AbortedError('The connection was closed', { cause: reason }), 'close');
    } else if (this.#enter('close')) this.#disconnect(known);
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

  // ---- the request goes out --------------------------------------------------------------------------------------

  /**
   * @internal `request`, subscribed to: the pool does without an Observable in between, as all requests go through it.
   * `now`: the time, if it was just read.
   */
  send(request: ProtocolRequest, observer: Observer<ProtocolResponse>, now?: number): Unsubscribable | undefined {
    if (this.#refused(observer)) return undefined;
    this.#wrote = this.#responseByte = this.#bodySubscribed = false;
    this.#waitingFor = 'headers';
    let message: Outgoing;
    try {
      message = outgoing(request, this.transport.info.authority, this.context.persistent);
    } catch (error) {
      // Nothing was written: the connection is as good as before.
      observer.error(error);
      return undefined;
    }
    // The function that makes the body may have used, or closed, the connection meanwhile.
    if (this.#refused(observer)) return undefined;
    const exchange = new Exchange(this, observer, message);
    // Not what was read before the caller's function made the body: that may have taken its time.
    exchange.startedAt = now === undefined || message.body !== null ? this.context.deadlines.now() : now;
    this.#exchange = exchange;
    this.#enter('request');
    this.#reader.start(exchange);
    this.#wrote = true;
    this.#bodySubscribed = message.body !== null;
    try {
      this.#writer.write(exchange);
    } catch (cause) {
      // A transport of somebody else's, which must not throw.
      const error = new RequestTransmissionFailedError('The transport threw when it was written to', { cause });
      if (this.#exchange === exchange) this.#fail(exchange, error, 'fail');
      else this.context.report(error);
    }
    return exchange;
  }

  #refused(observer: Observer<ProtocolResponse>): boolean {
    if (transitions[this.#state].request !== 'refused') return false;
    observer.error(new RequestNotSentError(`The connection is ${this.#state}: it takes no request`));
    return true;
  }

  written(exchange: Exchange, now: number): void {
    if (this.#exchange !== exchange) return;
    exchange.writtenAt = now;
    if (this.#enter('written') === 'waiting') {
      this.#waitingFor = 'headers';
      this.#deadline.startAt(now + exchange.message.timeouts.headers);
    }
    exchange.tell('sent');
  }

  blocked(exchange: Exchange, blocked: boolean): void {
    // A response that is being read meanwhile has a deadline of its own.
    if (this.#exchange !== exchange || this.#state !== 'transmitting') return;
    if (blocked) this.#wait('upload', exchange.message.timeouts.bodyIdle);
    else this.#deadline.clear();
  }

  moved(exchange: Exchange): void {
    // The server has answered and waits for the rest: its silence is no fault while that is on its way.
    if (this.#exchange !== exchange || this.#state !== 'early' || !this.#deadline.running) return;
    if (this.#waitingFor === 'bodyIdle') this.#wait('bodyIdle', exchange.message.timeouts.bodyIdle);
  }

  unsendable(exchange: Exchange, error: HTTPClientError): void {
    if (this.#exchange === exchange) this.#fail(exchange, error, 'fail');
  }

  // ---- bytes come in ---------------------------------------------------------------------------------------------

  data(view: Uint8Array): void {
    const exchange = this.#exchange;
    if (exchange === null) {
      if (!this.#enter('unsolicited')) return;
      this.#disconnect(new UnsolicitedDataError(`The server sent ${view.length} bytes that no request had asked for`));
      return;
    }
    this.#responseByte = true;
    if (this.#waitingFor === 'bodyIdle') this.#wait('bodyIdle', exchange.message.timeouts.bodyIdle);
    this.#reader.read(view);
  }

  end(): void {
    this.#peerFinished = true;
    const exchange = this.#exchange;
    if (exchange === null) {
      if (this.#enter('lost')) this.#disconnect(null);
      return;
    }
    try {
      if (this.#reader.finish() === 'end') {
        this.#confirmEnd(exchange);
        return;
      }
    } catch (error) {
      this.#fail(exchange, error instanceof HTTPClientError ? error : this.#lossError(exchange, error), 'lost');
      return;
    }
    this.#fail(exchange, this.#lossError(exchange, undefined), 'lost');
  }

  /**
   * Only the end of the connection says that a body without a length is complete, and only an end in order does (RFC
   * 9112 section 8). A reset that came with the last bytes is told after them: the loop polls before it is believed.
   */
  #confirmEnd(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    this.#unconfirmed = exchange;
    loopTurn.after(() => {
      if (this.#exchange === exchange) this.#completeByEnd(exchange);
    });
  }

  /** Such a body has no trailers: they stand behind one in chunks, which says itself where it ends. */
  #completeByEnd(exchange: Exchange): void {
    this.complete(exchange, HTTPHeaders.empty, false);
  }

  closed(error?: Error): void {
    this.#peerFinished = true;
    const exchange = this.#exchange;
    if (exchange !== null) {
      this.#reader.drain();
      if (this.#exchange === exchange && this.#unconfirmed === exchange && error === undefined) {
        this.#completeByEnd(exchange);
      }
      if (this.#exchange === exchange) this.#fail(exchange, this.#lossError(exchange, error), 'lost');
    } else if (this.#enter('lost')) {
      this.#disconnect(error === undefined ? null : new ResponseFailedError('The connection failed', { cause: error }));
    }
    this.#life.close();
  }

  #lossError(exchange: Exchange, cause: unknown): HTTPClientError {
    if (exchange.head !== null) return new TruncatedBodyError(undefined, { cause });
    if (this.#responseByte) return new ResponseFailedError('The connection ended within the response head', { cause });
    if (this.#state === 'transmitting') {
      return new RequestTransmissionFailedError('The connection was lost while the request was being sent', { cause });
    }
    return new ResponseNeverReceivedError('The connection was lost before a response came', { cause });
  }

  // ---- what they mean ----------------------------------------------------------------------------------------------

  informational(exchange: Exchange, head: ResponseHead): void {
    exchange.tell('informational', head);
  }

  head(exchange: Exchange, head: ResponseHead, length: number | null): void {
    exchange.headAt = this.context.deadlines.now();
    exchange.headed(head, this.context.limits.maxDrain, length);
    this.#keepAlive = this.#reader.keepAlive;
    if (this.#enter('head') !== 'early') return;
    exchange.writtenAt = exchange.headAt;
    // Anything but success before the upload is over means that the server does not want the rest of it.
    if (head.status >= 300) exchange.upload?.stop();
  }

  announce(exchange: Exchange): void {
    this.#wait('bodyIdle', exchange.message.timeouts.bodyIdle);
    exchange.announce();
  }

  flow(exchange: Exchange, flowing: boolean): void {
    const { bodyIdle, bodyUnclaimed } = exchange.message.timeouts;
    if (this.#state === 'draining') return;
    if (flowing) this.#wait('bodyIdle', bodyIdle);
    else if (!exchange.body!.claimed) this.#wait('unclaimed', bodyUnclaimed);
    else {
      // The consumer holds: the silence is its own, and no deadline of the exchange runs.
      this.#waitingFor = 'unclaimed';
      this.#deadline.clear();
    }
  }

  bodyWanted(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    if (this.#waitingFor === 'unclaimed') this.#deadline.clear();
    this.#reader.pump();
  }

  bodyOwnBuffer(on: boolean): void {
    this.#reader.ownBuffer(on);
  }

  bodyDropped(exchange: Exchange, working: boolean): void {
    if (this.#exchange !== exchange) return;
    const { remaining } = this.#reader;
    // Work that cannot be stopped keeps its view of the connection's buffer: nothing is read into that any more.
    if (working) this.#reader.abandonBuffer();
    if (working || this.#state !== 'receiving' || remaining < 0 || remaining > this.context.limits.maxDrain) {
      this.cancelled(exchange);
      return;
    }
    this.#enter('drain');
    this.#wait('drain', drainTimeout);
    this.#reader.pump();
  }

  // ---- the exchange ends -------------------------------------------------------------------------------------------

  complete(exchange: Exchange, trailers: HTTPHeaders, reusable: boolean): void {
    this.#over(exchange);
    exchange.endedAt = exchange.settled ? this.context.deadlines.now() : exchange.headAt;
    const again = reusable && exchange.message.persistent && !this.#peerFinished;
    if (this.#enter(again ? 'complete' : 'final') === 'quiescent') {
      this.#reader.release();
      this.#life.rest(exchange.endedAt);
    } else this.#disconnect(null);
    exchange.ended(trailers);
  }

  upgrade(exchange: Exchange, head: ResponseHead, rest: Uint8Array): void {
    if (this.#state !== 'waiting') {
      const error = new ParseError('The server switched protocols before the request was complete');
      this.#fail(exchange, error, 'upgrade');
      return;
    }
    this.#over(exchange);
    this.#enter('upgrade');
    const done = (): void => this.#deadline.dispose();
    const upgraded = new UpgradedTransport(this.transport, done, done);
    if (rest.length > 0) this.transport.unshift(rest);
    this.#wait('unclaimed', exchange.message.timeouts.bodyUnclaimed);
    // It is no connection of ours any more, and nobody waits for its end.
    this.#life.lose(null);
    this.#life.close();
    exchange.upgraded(head, upgraded, this.context.deadlines.now());
  }

  malformed(exchange: Exchange, error: HTTPClientError): void {
    this.#fail(exchange, error, 'fail');
  }

  cancelled(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    this.#over(exchange);
    const error = new AbortedError('The request was unsubscribed from');
    if (this.#enter('cancel')) this.#disconnect(error);
    // Nobody reads the body any more, but somebody may wait for its trailers.
    exchange.body?.fail(error);
  }

  #fail(exchange: Exchange, error: HTTPClientError, input: ConnectionInput): void {
    this.#over(exchange);
    if (this.#enter(input)) this.#disconnect(error);
    exchange.failed(error);
  }

  /** From here on the exchange cannot touch the connection, nor the connection it. */
  #over(exchange: Exchange): void {
    exchange.over = true;
    this.#exchange = null;
    this.#deadline.clear();
    this.#reader.stop();
    exchange.upload?.stop();
  }

  #disconnect(error: HTTPClientError | null): void {
    this.#deadline.dispose();
    try {
      this.transport.destroy();
    } catch (cause) {
      this.context.report(cause); // one of somebody else's: whoever waits is told all the same
    }
    this.#life.lose(error);
  }

  #expired(): void {
    const exchange = this.#exchange;
    if (exchange === null) {
      // An upgraded transport that nobody claimed; all other exchanges stop the deadline when they end.
      this.transport.destroy();
      return;
    }
    const { headers, bodyIdle, bodyUnclaimed } = exchange.message.timeouts;
    switch (this.#waitingFor) {
      case 'headers':
        return this.#fail(exchange, new HeadersTimeoutError(headers), 'fail');
      case 'upload':
        return this.#fail(exchange, new UploadTimeoutError(bodyIdle), 'fail');
      case 'bodyIdle':
        return this.#fail(exchange, new BodyTimeoutError(bodyIdle), 'fail');
      case 'unclaimed': {
        const error = new BodyUnclaimedError(bodyUnclaimed);
        this.context.report(error);
        return this.#fail(exchange, error, 'fail');
      }
      case 'drain':
        return this.#fail(exchange, new AbortedError('The rest of an unwanted body did not come in time'), 'fail');
    }
  }

  #wait(what: Wait, duration: number): void {
    this.#waitingFor = what;
    this.#deadline.start(duration);
  }

  /** Takes one step of the table; returns the state it led to, or null if the input does nothing here. */
  #enter(input: ConnectionInput): ConnectionState | null {
    const next = transitions[this.#state][input];
    if (next === 'refused' || next === 'ignored') return null;
    if (next !== 'never') return (this.#state = next);
    // A defect of this file. Loud, but not fatal: the connection is not trusted any more.
    this.context.report(new Error(`HTTP11ClientProtocol: ${input} cannot happen while ${this.#state}`));
    return (this.#state = 'closed');
  }
}
