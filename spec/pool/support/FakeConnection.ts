import { Observable, ReplaySubject, Subject, type Subscriber } from 'rxjs';
import type { Transport, TransportInfo } from '../../../src/endpoint/index.js';
import {
  AbortedError,
  HTTPClientError,
  RequestNotSentError,
  ResponseNeverReceivedError,
  UnsolicitedDataError,
} from '../../../src/errors/index.js';
import type {
  Connection,
  ConnectionState,
  ExchangeProgress,
  ProtocolContext,
  ProtocolRequest,
  ProtocolResponse,
} from '../../../src/protocol/index.js';

import { IncomingBody } from '../../../src/protocol/IncomingBody.js';
import { IncomingResponse } from '../../../src/protocol/ProtocolResponse.js';
import { HTTPHeaders } from '../../../src/wire/index.js';

export interface FakeConnectionOptions {
  /** Its socket closes only when the test says so. */
  lingers?: boolean;
  /** Answers every request at once, from within `subscribe`. */
  answers?: boolean;
}

/** A connection that does what its test says, and keeps the order that `Connection` promises. */
export class FakeConnection implements Connection {
  readonly capacity = 1;
  readonly requests: ProtocolRequest[] = [];
  keepAlive: { timeout?: number; max?: number } | undefined = undefined;
  /** What a request does to the progress before it is answered. A one-shot body is begun, as the real one does. */
  writes = true;
  closes = 0;
  closeReasons: unknown[] = [];
  refs = 0;
  unrefs = 0;
  readonly #quiescent = new Subject<void>();
  readonly #disconnected = new ReplaySubject<HTTPClientError | null>(1);
  #state: ConnectionState = 'quiescent';
  #wrote = false;
  #responseByte = false;
  #bodySubscribed = false;
  #subscriber: Subscriber<ProtocolResponse> | null = null;
  #body: IncomingBody | null = null;
  #socketClosed = false;

  constructor(
    readonly transport: Transport,
    readonly context: ProtocolContext,
    readonly options: FakeConnectionOptions = {},
  ) {}

  get info(): TransportInfo {
    return this.transport.info;
  }

  get quiescent(): Observable<void> {
    return this.#quiescent;
  }

  get disconnected(): Observable<HTTPClientError | null> {
    return this.#disconnected;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** It keeps the process alive. */
  get reffed(): boolean {
    return this.refs >= this.unrefs;
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
    return new Observable(subscriber => {
      if (this.#state !== 'quiescent') {
        // As the real one: what `progress` says is still that of the last exchange.
        subscriber.error(new RequestNotSentError(`The connection is ${this.#state}`));
        return;
      }
      this.requests.push(request);
      this.#wrote = this.writes;
      this.#responseByte = false;
      this.#bodySubscribed = request.body != null;
      this.#state = 'waiting';
      this.#subscriber = subscriber;
      if (this.options.answers) this.answer();
      return () => {
        if (this.#subscriber !== subscriber) return;
        this.#subscriber = null;
        this.#leave(new AbortedError('The request was unsubscribed from'));
      };
    });
  }

  /** The response head comes; the body is on its way. */
  respond(): void {
    this.#head()();
  }

  /** A 1xx comes, which is a byte of a response and nothing that the caller sees. */
  informational(): void {
    this.#responseByte = true;
  }

  data(text: string): void {
    const bytes = Buffer.from(text);
    this.#body!.push(bytes, 0, bytes.length, 'ever');
  }

  /** The last byte of the response comes. */
  finish(): void {
    const body = this.#over();
    this.#state = 'quiescent';
    this.#quiescent.next();
    body?.end(HTTPHeaders.empty);
  }

  /** Head and body in one read: the connection goes back first, then the response is emitted. */
  answer(text = ''): void {
    const announce = this.#head();
    if (text !== '') this.data(text);
    const body = this.#over();
    this.#state = 'quiescent';
    this.#quiescent.next();
    body?.end(HTTPHeaders.empty);
    announce();
  }

  /** The whole response comes, and says that the connection ends with it. */
  answerAndClose(): void {
    const announce = this.#head();
    const body = this.#over();
    this.#leave(null);
    body?.end(HTTPHeaders.empty);
    announce();
  }

  /** The connection is lost, or its exchange fails. */
  fail(error: HTTPClientError = new ResponseNeverReceivedError('reset')): void {
    const subscriber = this.#subscriber;
    const body = this.#over();
    this.#leave(error);
    body?.fail(error);
    subscriber?.error(error);
  }

  /** The server closes it in order. */
  finFromServer(): void {
    this.#leave(null);
  }

  unsolicited(): void {
    this.#leave(new UnsolicitedDataError('bytes that no request had asked for'));
  }

  /** A defect of the protocol: it says that it is quiescent when it is not leased. */
  quiescentByMistake(): void {
    this.#quiescent.next();
  }

  /** It speaks another protocol now. */
  upgrade(): void {
    const announce = this.#head();
    const body = this.#over();
    this.#state = 'upgraded';
    this.#disconnected.next(null);
    this.#disconnected.complete();
    body?.end(HTTPHeaders.empty);
    announce();
  }

  close(reason?: unknown): void {
    this.closes++;
    this.closeReasons.push(reason);
    if (this.#state === 'closed' || this.#state === 'upgraded') return;
    const known = reason instanceof HTTPClientError ? reason : null;
    if (this.#subscriber === null && this.#body === null) this.#leave(known);
    else this.fail(known ?? new AbortedError('The connection was closed'));
  }

  /** The socket of a connection that `lingers` is closed at last. */
  socketCloses(): void {
    this.#socketClosed = true;
    this.#disconnected.complete();
  }

  ref(): void {
    this.refs++;
  }

  unref(): void {
    this.unrefs++;
  }

  #head(): () => void {
    const subscriber = this.#subscriber!;
    this.#subscriber = null;
    this.#responseByte = true;
    this.#state = 'receiving';
    const dropped = (): void => {
      if (this.#body !== body) return;
      this.#body = null;
      this.#leave(new AbortedError('The body was unsubscribed from'));
    };
    const body = new IncomingBody({ wanted() {}, dropped, ownBuffer() {} }, 65_536, null);
    this.#body = body;
    const head = { status: 200, statusText: 'OK', httpVersion: '1.1', headers: HTTPHeaders.empty } as const;
    const clock = { timings: { send: 0, wait: 0, receive: undefined } };
    return () => {
      subscriber.next(new IncomingResponse(head, body, clock, undefined));
      subscriber.complete();
    };
  }

  #over(): IncomingBody | null {
    const body = this.#body;
    this.#body = null;
    this.#subscriber = null;
    return body;
  }

  #leave(error: HTTPClientError | null): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.transport.destroy();
    this.#disconnected.next(error);
    this.#quiescent.complete();
    if (!this.options.lingers && !this.#socketClosed) this.socketCloses();
  }
}
