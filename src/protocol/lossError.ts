import {
  RequestTransmissionFailedError,
  ResponseFailedError,
  ResponseNeverReceivedError,
  TruncatedBodyError,
  type HTTPClientError,
} from '../errors/index.js';
import type { Exchange } from './Exchange.js';

/** The error of an exchange whose connection ended: its class says how far the exchange had got. */
export function lossError(exchange: Exchange, transmitting: boolean, cause: unknown): HTTPClientError {
  if (exchange.head !== null) return new TruncatedBodyError(undefined, { cause });
  if (exchange.responseByte) return new ResponseFailedError('The connection ended within the response head', { cause });
  if (transmitting) {
    return new RequestTransmissionFailedError('The connection was lost while the request was being sent', { cause });
  }
  return new ResponseNeverReceivedError('The connection was lost before a response came', { cause });
}
