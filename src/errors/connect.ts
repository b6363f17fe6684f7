import { HTTPClientError, type HTTPClientErrorCode, type HTTPClientErrorInit } from './HTTPClientError.js';

/** No connection could be made: name lookup, TCP, TLS or the tunnel failed. Nothing was sent. `cause` says why. */
export class ConnectError extends HTTPClientError {
  constructor(message: string, init?: HTTPClientErrorInit, code: HTTPClientErrorCode = 'ERR_CONNECT') {
    super(code, message, { phase: 'connect', ...init });
  }
}

/** No connection within `connectTimeout` ms, counted over name lookup, TCP, tunnel and TLS. */
export class ConnectTimeoutError extends ConnectError {
  constructor(
    readonly authority: string,
    readonly connectTimeout: number,
  ) {
    super(`No connection to ${authority} within connectTimeout = ${connectTimeout} ms`, {}, 'ERR_CONNECT_TIMEOUT');
  }
}

/** A fresh connection spoke, or was closed, before it was asked anything: it is not trusted with a request. */
export class UnsolicitedDataError extends ConnectError {
  constructor(message: string, init?: HTTPClientErrorInit) {
    super(message, init, 'ERR_UNSOLICITED_DATA');
  }
}

/** A proxy did not let us through to the server: it refused, or answered what cannot be understood. */
export class ProxyError extends ConnectError {
  constructor(
    message: string,
    /** The status of its answer to CONNECT: 407 if it wants (other) credentials. Undefined if it gave none. */
    readonly status?: number,
    init?: HTTPClientErrorInit,
  ) {
    super(message, init, 'ERR_PROXY');
  }
}
