import { STATUS_CODES } from 'node:http';
import type { Observable, Subscription } from 'rxjs';
import { HTTPHeaders, type HTTPHeadersInit, type HTTPRequest } from '../index.js';
import type { FakeTransport } from './FakeTransport.js';
import type { SeenRequest } from './readRequests.js';

/** A body of a response: text and bytes as they are, an Observable in chunks, null for none, all else as JSON. */
export type FlushBody = string | Uint8Array | Observable<Uint8Array | string> | object | number | boolean | null;

export interface FlushOptions {
  /** Default 200. */
  readonly status?: number;
  /** Default: that of the status. */
  readonly statusText?: string;
  readonly headers?: HTTPHeadersInit;
}

/** A request that waits for the answer that a test gives it. */
export class TestRequest {
  #answered = false;
  #upload: Subscription | undefined;

  /** @internal */
  constructor(
    /** The request as it came to the pool, all interceptors behind it. */
    readonly request: HTTPRequest,
    private readonly transport: FakeTransport,
  ) {}

  /** Nobody waits for an answer any more. */
  get cancelled(): boolean {
    return !this.#answered && this.transport.destroyed;
  }

  /** It has its answer. */
  get answered(): boolean {
    return this.#answered;
  }

  /** What was written of it: the headers that an agent adds are there as well, and the body, as latin1. */
  get sent(): SeenRequest {
    return this.transport.requests[0];
  }

  /** The body that was sent, as text in UTF-8. */
  get body(): string {
    return Buffer.from(this.sent.body, 'latin1').toString();
  }

  /** Sends an informational response (1xx); the answer is still to come. */
  informational(status: number, headers: HTTPHeadersInit = {}): void {
    this.#check('inform');
    this.transport.respond(headOf(status, undefined, HTTPHeaders.from(headers)));
  }

  /**
   * Answers it. Throws if it has its answer, or was cancelled.
   *
   * @example
   * controller.expectOne('/users/1').flush({ name: 'Ada' });
   * controller.expectOne('/users/2').flush('gone', { status: 410 });
   */
  flush(body: FlushBody = null, { status = 200, statusText, headers: init = {} }: FlushOptions = {}): void {
    this.#check('answer');
    this.#answered = true;
    let headers = HTTPHeaders.from(init);
    const { transport } = this;
    const bodiless = status === 204 || status === 304;
    if (isObservable(body)) {
      transport.respond(headOf(status, statusText, headers.with({ 'Transfer-Encoding': 'chunked' })));
      this.#upload = body.subscribe({
        next: piece => this.#chunk(piece),
        error: (error: Error) => transport.reset(error),
        complete: () => transport.respond('0\r\n\r\n'),
      });
      if (transport.destroyed) this.#upload.unsubscribe();
      return;
    }
    const isText = body === null || typeof body === 'string' || body instanceof Uint8Array;
    if (!isText && !headers.has('content-type')) headers = headers.with({ 'Content-Type': 'application/json' });
    const bytes = Buffer.from(isText ? (body ?? '') : JSON.stringify(body));
    if (!bodiless) headers = headers.with({ 'Content-Length': String(bytes.length) });
    const hasBody = !bodiless && this.request.method !== 'HEAD';
    // In one piece, as a server sends what is short.
    transport.respond(
      Buffer.concat([Buffer.from(headOf(status, statusText, headers), 'latin1'), hasBody ? bytes : none]),
    );
  }

  /** Loses the connection, with that as the system's error. Throws if it has its answer, or was cancelled. */
  error(error: Error = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })): void {
    this.#check('fail');
    this.#answered = true;
    this.transport.reset(error);
  }

  #chunk(piece: Uint8Array | string): void {
    const bytes = Buffer.from(piece as string);
    if (this.transport.destroyed) this.#upload?.unsubscribe();
    else if (bytes.length > 0) {
      this.transport.respond(
        Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]),
      );
    }
  }

  #check(what: string): void {
    const { method, url } = this.request;
    if (this.#answered) throw new Error(`Cannot ${what} ${method} ${url}: it has been answered`);
    if (this.cancelled) throw new Error(`Cannot ${what} ${method} ${url}: it was cancelled`);
  }
}

const none = Buffer.alloc(0);

function headOf(status: number, statusText: string | undefined, headers: HTTPHeaders): string {
  const fields = [...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${statusText ?? STATUS_CODES[status] ?? ''}\r\n${fields.join('')}\r\n`;
}

function isObservable(body: FlushBody): body is Observable<Uint8Array | string> {
  return (
    typeof body === 'object' && body !== null && typeof (body as Partial<Observable<unknown>>).subscribe === 'function'
  );
}
