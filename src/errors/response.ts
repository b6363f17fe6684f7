import { HTTPClientError, type HTTPClientErrorCode, type HTTPClientErrorInit } from './HTTPClientError.js';

/** The request was sent and not one byte of a response came. The server may have acted on it. */
export class ResponseNeverReceivedError extends HTTPClientError {
  constructor(message: string, init?: HTTPClientErrorInit, code: HTTPClientErrorCode = 'ERR_RESPONSE_NEVER_RECEIVED') {
    super(code, message, { phase: 'wait', ...init });
  }
}

/** No complete response head within `headers` ms after the request was written. */
export class HeadersTimeoutError extends ResponseNeverReceivedError {
  constructor(readonly timeout: number) {
    super(`No response head within headers = ${timeout} ms`, {}, 'ERR_HEADERS_TIMEOUT');
  }
}

/** A part of a response came, but not all of it. `response` is there if its head was seen. */
export class ResponseFailedError extends HTTPClientError {
  #response: object | undefined = undefined;

  constructor(message: string, init?: HTTPClientErrorInit, code: HTTPClientErrorCode = 'ERR_RESPONSE_FAILED') {
    super(code, message, { phase: 'receive', ...init });
  }

  /** The response whose body failed, if its head was seen. Kept aside: what prints an error does not print it. */
  get response(): object | undefined {
    return this.#response;
  }

  set response(response: object | undefined) {
    this.#response = response;
  }
}

/** The bytes are no HTTP/1.1 response, or one whose end could be argued about. */
export class ParseError extends ResponseFailedError {
  constructor(message: string, code: HTTPClientErrorCode = 'ERR_PARSE') {
    super(message, {}, code);
  }
}

/** A response head, its trailers, its chunk extensions or its 1xx responses passed a limit. */
export class HeadersOverflowError extends ParseError {
  constructor(
    /** The option that was passed, such as `maxHeadSize`. */
    readonly limit: string,
    readonly value: number,
  ) {
    super(`The response passed the limit ${limit} = ${value}`, 'ERR_HEADERS_OVERFLOW');
  }
}

/** The connection ended before the body did (RFC 9112 section 8). */
export class TruncatedBodyError extends ResponseFailedError {
  constructor(message = 'The connection ended before the response body was complete', init?: HTTPClientErrorInit) {
    super(message, init, 'ERR_TRUNCATED_BODY');
  }
}

/** The server sent no byte of the body for `bodyIdle` ms while it was being read. */
export class BodyTimeoutError extends ResponseFailedError {
  constructor(readonly timeout: number) {
    super(`The server sent no byte of the response body for bodyIdle = ${timeout} ms`, {}, 'ERR_BODY_TIMEOUT');
  }
}

/** Nobody read the body within `bodyUnclaimed` ms; it was discarded and its connection closed. */
export class BodyUnclaimedError extends ResponseFailedError {
  constructor(readonly timeout: number) {
    super(`The response body was not read within bodyUnclaimed = ${timeout} ms`, {}, 'ERR_BODY_UNCLAIMED');
  }
}

/** A body can be read once; this one has been, or was cancelled. */
export class BodyUsedError extends ResponseFailedError {
  constructor() {
    super('The response body can be read only once', {}, 'ERR_BODY_USED');
  }
}

/** The body is not what its Content-Encoding says, ends too early, or grows beyond what `decompress` allows. */
export class ContentDecodingError extends ResponseFailedError {
  constructor(message: string, init?: HTTPClientErrorInit) {
    super(message, init, 'ERR_CONTENT_DECODING');
  }
}

/** A body has more bytes than were asked for, as by `limitBody`, `limitBytes` or `text({ maxBytes })`. Its connection was let go. */
export class BodyTooLargeError extends ResponseFailedError {
  constructor(
    /** The most bytes that it might have had. */
    readonly limit: number,
  ) {
    super(`The body has more than ${limit} bytes`, {}, 'ERR_BODY_TOO_LARGE');
  }
}

/** A line, or an event of an event stream, is longer than `maxLength`. The connection was let go. */
export class RecordTooLargeError extends ResponseFailedError {
  constructor(
    /** The `maxLength` that it passed, in characters (UTF-16 code units). */
    readonly limit: number,
    /** Which one it was, from 1. */
    readonly record: number,
  ) {
    super(`Record ${record} of the response body is longer than maxLength = ${limit}`, {}, 'ERR_RECORD_TOO_LARGE');
  }
}

/** The body is of another type than what reads it is for. It was not touched, and can be read: `response`. */
export class ContentTypeError extends ResponseFailedError {
  constructor(
    readonly expected: string,
    /** The Content-Type of the response, null if it has none. */
    readonly actual: string | null,
  ) {
    const found = actual === null ? 'none' : JSON.stringify(actual.slice(0, 64));
    super(`The response is not ${expected}: its Content-Type is ${found}`, {}, 'ERR_CONTENT_TYPE');
  }
}

/** The whole of a request, its retries and its body took longer than `total` ms. */
export class TotalTimeoutError extends HTTPClientError {
  constructor(readonly timeout: number) {
    super('ERR_TOTAL_TIMEOUT', `The request did not end within total = ${timeout} ms`);
  }
}

/** A response whose status is not 2xx, as asked for by `throwIfNotOk`. */
export class HTTPStatusError extends HTTPClientError {
  readonly #response: object;

  constructor(
    readonly status: number,
    response: object,
    statusText = '',
  ) {
    super('ERR_STATUS', `The server answered ${status}${statusText && ` ${statusText}`}`, { phase: 'receive' });
    this.#response = response;
  }

  /** The response; its body can still be read. Kept aside: what prints an error does not print it. */
  get response(): object {
    return this.#response;
  }
}
