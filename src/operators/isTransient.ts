import {
  AcquireTimeoutError,
  BodyTooLargeError,
  ConnectError,
  ContentTypeError,
  HTTPStatusError,
  PoolQueueFullError,
  RecordTooLargeError,
  RequestNotSentError,
  RequestTransmissionFailedError,
  ResponseFailedError,
  ResponseNeverReceivedError,
  TotalTimeoutError,
} from '../errors/index.js';

const transient = [
  AcquireTimeoutError,
  PoolQueueFullError,
  ConnectError,
  RequestNotSentError,
  RequestTransmissionFailedError,
  ResponseNeverReceivedError,
  ResponseFailedError,
  TotalTimeoutError,
];
const lasting = [BodyTooLargeError, ContentTypeError, RecordTooLargeError];

/** Another connection, later, may do better. */
export function isTransient(error: unknown): boolean {
  if (error instanceof HTTPStatusError) return error.status >= 500 || error.status === 408 || error.status === 429;
  return transient.some(kind => error instanceof kind) && !lasting.some(kind => error instanceof kind);
}
