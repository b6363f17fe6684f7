import { HTTPClientError, type HTTPClientErrorCode, type HTTPClientErrorInit } from './HTTPClientError.js';

/** Not a byte of the request was written: the connection was dead or busy. */
export class RequestNotSentError extends HTTPClientError {
  constructor(message: string, init?: HTTPClientErrorInit, code: HTTPClientErrorCode = 'ERR_REQUEST_NOT_SENT') {
    super(code, message, { phase: 'transmit', ...init });
  }
}

/** A lease is for one request, and this one has had it, or was released, aborted or lost. Nothing was touched. */
export class LeaseUsedError extends RequestNotSentError {
  constructor() {
    super('The lease was used already: a lease is for one request, get another', {}, 'ERR_LEASE_USED');
  }
}

/** The request could not be produced: a fault on this side of the wire. */
export class RequestGenerationFailedError extends HTTPClientError {
  constructor(
    message: string,
    init?: HTTPClientErrorInit,
    code: HTTPClientErrorCode = 'ERR_REQUEST_GENERATION_FAILED',
  ) {
    super(code, message, { phase: 'transmit', ...init });
  }
}

/** A method, URL, path, header or framing that may not go on the wire. Nothing was written. */
export class InvalidRequestError extends RequestGenerationFailedError {
  constructor(
    /** What was wrong: `method`, `path`, `url`, `body`, or a header's name. */
    readonly field: string,
    message: string,
    init?: HTTPClientErrorInit,
  ) {
    super(message, init, 'ERR_INVALID_REQUEST');
  }
}

/** The body had more or fewer bytes than announced. The connection was destroyed before the server could be fooled. */
export class BodyLengthMismatchError extends RequestGenerationFailedError {
  constructor(
    readonly expected: number,
    readonly actual: number,
  ) {
    super(
      `The request body has ${actual > expected ? 'more' : 'fewer'} bytes than announced: ${actual} instead of ${expected}`,
      {},
      'ERR_BODY_LENGTH_MISMATCH',
    );
  }
}

/** A one-shot body (a stream, an iterator) was asked for a second time. Give a factory to make it replayable. */
export class BodyNotReplayableError extends RequestGenerationFailedError {
  constructor() {
    super('The request body can be read only once: pass a function that makes it', {}, 'ERR_BODY_NOT_REPLAYABLE');
  }
}

/** The connection was lost while the request was being sent; the server may have seen a part of it. */
export class RequestTransmissionFailedError extends HTTPClientError {
  constructor(
    message: string,
    init?: HTTPClientErrorInit,
    code: HTTPClientErrorCode = 'ERR_REQUEST_TRANSMISSION_FAILED',
  ) {
    super(code, message, { phase: 'transmit', ...init });
  }
}

/** The peer took no byte of the upload for `bodyIdle` ms. */
export class UploadTimeoutError extends RequestTransmissionFailedError {
  constructor(readonly timeout: number) {
    super(`The server took no byte of the request body for bodyIdle = ${timeout} ms`, {}, 'ERR_UPLOAD_TIMEOUT');
  }
}
