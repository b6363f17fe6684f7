export { BodyFilter } from './BodyFilter.js';
export { collectBytes, collectJSON, collectText, discardBody, type Collect } from './collect.js';
export { byteOrderMarkOf, charsetOf, encodingOf, essenceOf } from './charset.js';
export type { Connection, ExchangeProgress, ProtocolContext, ProtocolFactory } from './Connection.js';
export { ConnectionSubjects } from './ConnectionSubjects.js';
export { dropBody } from './dropBody.js';
export type { ConnectionFactory, ExchangeConnection, ExchangeHandle, ExchangeReceiver } from './ExchangeConnection.js';
export { HTTP11ClientProtocol } from './HTTP11ClientProtocol.js';
export { HTTPBody } from './HTTPBody.js';
export type { IncomingBody, Validity } from './IncomingBody.js';
export { incomingOf } from './incomingOf.js';
export { isIdempotent } from './isIdempotent.js';
export { keepPrepared } from './outgoing.js';
export { protocolLimits, type ProtocolLimits } from './ProtocolLimits.js';
export {
  defaultTimeouts,
  notify,
  snapshotOf,
  type ExchangeTimeouts,
  type ProtocolRequest,
  type RequestObserver,
} from './ProtocolRequest.js';
export { IncomingResponse, type ProtocolResponse, type Timings } from './ProtocolResponse.js';
export { readOptions, type BytesOptions, type JSONOptions, type ReadOptions, type TextOptions } from './ReadOptions.js';
export { isReplayable, type BodyChunk, type BodySource, type RequestBody } from './RequestBody.js';
export { requestOver } from './requestOver.js';
export { transitions, type ConnectionInput, type ConnectionState, type Transition } from './transitions.js';
