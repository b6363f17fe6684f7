import { ResponseFailedError, type HTTPClientError } from '../errors/index.js';
import type { Transport } from '../endpoint/index.js';
import { guarded, reportUnhandled } from '../timing/index.js';
import { HTTPHeaders, type ResponseHead } from '../wire/index.js';
import type { ExchangeProgress } from './Connection.js';
import type { ExchangeHandle, ExchangeReceiver } from './ExchangeConnection.js';
import { IncomingBody, type BodyOwner, type Validity } from './IncomingBody.js';
import type { Outgoing } from './outgoing.js';
import { notify, type RequestObserver } from './ProtocolRequest.js';
import { IncomingResponse, type Timings } from './ProtocolResponse.js';
import type { ConnectionState } from './transitions.js';
import type { Upload } from './Upload.js';

/** The connection, as its one exchange sees it. */
export interface ExchangeOwner {
  readonly flow: {
    wanted(exchange: Exchange): void;
    dropped(exchange: Exchange, working: boolean): void;
    ownBuffer(on: boolean): void;
  };
  /** The exchange is to end with an error. */
  aborted(exchange: Exchange, reason: unknown): void;
  stateOf(exchange: Exchange): ConnectionState;
  report(error: unknown): void;
}

/**
 * One request and its response: who asked, what is being sent, what came. It settles exactly once: with a response, whose
 * body then settles exactly once, or with an error.
 */
export class Exchange implements BodyOwner, ExchangeHandle {
  upload: Upload | null = null;
  /** The head of the final response, once it is read. */
  head: ResponseHead | null = null;
  body: IncomingBody | null = null;
  /** The subscriber has its response, or its error. */
  settled = false;
  /** It has nothing to do with its connection any more. */
  over = false;
  /** The first byte of a response arrived. An informational response (1xx) counts. */
  responseByte = false;
  startedAt = 0;
  writtenAt = 0;
  headAt = 0;
  endedAt = 0;
  /** Let go when the exchange settles, so that a kept response does not keep its receiver. */
  #receiver: ExchangeReceiver;
  #response: IncomingResponse | null = null;
  #received = 0;

  constructor(
    private readonly owner: ExchangeOwner,
    receiver: ExchangeReceiver,
    readonly message: Outgoing,
  ) {
    this.#receiver = receiver;
  }

  progress(): ExchangeProgress {
    const { responseByte, message } = this;
    // A body is opened and its head is written in the step that starts the exchange.
    return { state: this.owner.stateOf(this), wrote: true, responseByte, bodySubscribed: message.body !== null };
  }

  abort(reason?: unknown): void {
    if (!this.over) this.owner.aborted(this, reason);
  }

  get timings(): Timings {
    return {
      send: this.writtenAt - this.startedAt,
      wait: Math.max(this.headAt - this.writtenAt, 0),
      receive: this.endedAt === 0 ? undefined : this.endedAt - this.headAt,
    };
  }

  /** The final head is read. Nobody is told before the read that brought it is parsed to its end. */
  headed(head: ResponseHead, readAhead: number, length: number | null): IncomingBody {
    this.head = head;
    this.body = new IncomingBody(this, readAhead, length, head.headers);
    return this.body;
  }

  /** Gives the response to the subscriber. The body, and with it the connection, is its consumer's from here on. */
  announce(upgrade?: Transport): void {
    const receiver = this.#settle();
    // What a finalizer throws must not keep the rest from being done: above all, views of the shared buffer are copied.
    try {
      receiver.next(this.#responseWith(upgrade));
    } catch (error) {
      reportUnhandled(error);
    }
    // Before the completion, after which observers of the whole may be gone.
    if (this.#received > 0) this.#tellProgress();
    try {
      receiver.complete();
    } catch (error) {
      reportUnhandled(error);
    }
  }

  /** The connection speaks another protocol now: the response is its transport. */
  upgraded(head: ResponseHead, transport: Transport, at: number): void {
    this.headAt = this.endedAt = at;
    this.headed(head, 0, null).end(HTTPHeaders.empty);
    // Whoever heard of it first may have unsubscribed this one.
    if (!this.settled) this.announce(transport);
  }

  /** `loaded` bytes of the request body are written. */
  uploaded(loaded: number): void {
    const { framing } = this.message;
    this.tell('uploadProgress', loaded, framing.kind === 'length' ? framing.length : undefined);
  }

  bytes(view: Uint8Array, start: number, end: number, valid: Validity): void {
    this.body!.push(view, start, end, valid);
    this.#received += end - start;
    // What came along with the head is told after it.
    if (this.settled && !this.body!.dropped) this.#tellProgress();
  }

  /** The last bytes of the body: given to whoever reads it by `ended`, when the connection is back. */
  lastBytes(view: Uint8Array, start: number, end: number, valid: Validity): void {
    this.body!.hold(view, start, end, valid);
    this.#received += end - start;
    if (this.settled && !this.body!.dropped) this.#tellProgress();
  }

  #tellProgress(): void {
    this.tell('downloadProgress', this.#received, this.body!.length ?? undefined);
  }

  /** The response is complete, and what it means for the connection is done: tells whoever is left to be told. */
  ended(trailers: HTTPHeaders): void {
    this.body!.end(trailers);
    if (!this.settled) {
      this.announce();
      this.body!.settle();
    }
  }

  /** The exchange failed, and what it means for the connection is done: tells the subscriber, or the body's consumer. */
  failed(error: HTTPClientError): void {
    if (this.head !== null) {
      if (error instanceof ResponseFailedError) error.response ??= this.#responseWith(undefined);
      this.body!.fail(error);
      if (this.settled) return;
      // The head had come whole: it is delivered, and the failure is the body's.
      this.announce();
      this.body!.settle();
    } else if (!this.settled) {
      const receiver = this.#settle();
      guarded(() => receiver.error(error));
    }
  }

  #responseWith(upgrade: Transport | undefined): IncomingResponse {
    return (this.#response ??= new IncomingResponse(this.head!, this.body!, this, upgrade));
  }

  /** Tells the user's observer, if it asks for that. What it throws is reported; the exchange has nothing to do with it. */
  tell<K extends keyof RequestObserver>(what: K, ...details: Parameters<Required<RequestObserver>[K]>): void {
    try {
      notify(this.message.observer, what, ...details);
    } catch (error) {
      this.owner.report(error);
    }
  }

  wanted(): void {
    this.owner.flow.wanted(this);
  }

  dropped(working: boolean): void {
    this.owner.flow.dropped(this, working);
  }

  ownBuffer(on: boolean): void {
    this.owner.flow.ownBuffer(on);
  }

  #settle(): ExchangeReceiver {
    const receiver = this.#receiver;
    this.settled = true;
    this.#receiver = noReceiver;
    return receiver;
  }
}

const ignore = (): undefined => undefined;
const noReceiver: ExchangeReceiver = { closed: true, started: ignore, next: ignore, error: ignore, complete: ignore };
