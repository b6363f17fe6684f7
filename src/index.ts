// The whole public surface of the root entry.

/* Client */
export { Agent, HTTPContext, HTTPContextToken, HTTPRequest, proxyFromEnvironment } from './agent/index.js';
export type {
  AgentBody,
  AgentOptions,
  AllTimeouts,
  ConnectOptions,
  DecompressOptions,
  HTTPBodyInit,
  HTTPEvent,
  HTTPHandler,
  HTTPInterceptor,
  HTTPRequestInit,
  HTTPRequestUpdate,
  HTTPResponse,
  HTTPResponseUpdate,
  ProxyInit,
  ProxyOptions,
  ProxySelector,
  QueryInit,
  RequestOptions,
  RequestTimings,
  Timeouts,
} from './agent/index.js';

/* Interceptors */
export {
  basicAuth,
  bearerAuth,
  cookies,
  decompress,
  followRedirects,
  limitBody,
  rateLimit,
  retryFailures,
  throwOnStatus,
  userAgent,
} from './interceptors/index.js';
export type {
  BearerAuthOptions,
  CookieJarLike,
  CredentialOptions,
  FollowRedirectsOptions,
  RateLimitOptions,
  RetryBudgetOptions,
  RetryEvent,
  RetryFailuresOptions,
} from './interceptors/index.js';

/* Operators */
export {
  bytes,
  discard,
  eventSource,
  json,
  limitBytes,
  lines,
  ndjson,
  politeMap,
  serverSentEvents,
  text,
  throwIfNotOk,
  toFile,
} from './operators/index.js';
export type {
  EventSourceOptions,
  LinesOptions,
  PoliteMapOptions,
  SavedFile,
  ServerSentEvent,
  ServerSentEventsOptions,
  ToFileOptions,
} from './operators/index.js';

/* Pool */
export { HTTPConnectionPool, shouldRetry } from './pool/index.js';
export type {
  AcquireOptions,
  LeasedProtocol,
  CloseOptions,
  RequestFailure,
  HTTPConnectionPoolOptions,
  LeaseState,
  PoolStats,
} from './pool/index.js';
export type { EvictionReason, PoolEvent } from './events/index.js';

/* Protocol */
export { isIdempotent } from './protocol/index.js';
export type { HTTPBody } from './protocol/index.js';
export type {
  BodyChunk,
  BodySource,
  BytesOptions,
  ExchangeTimeouts,
  JSONOptions,
  ProtocolLimits,
  ProtocolRequest,
  ProtocolResponse,
  RequestBody,
  RequestObserver,
  TextOptions,
  Timings,
} from './protocol/index.js';

/* Headers */
export { HTTPHeaders } from './wire/index.js';
export type { HTTPHeadersInit, ResponseHead, ResponseLimits } from './wire/index.js';

/* Endpoints */
export { duplex, endpointFor, socks, tcp, tls, tlsIdentity, tunnel, unix } from './endpoint/index.js';
export type {
  DuplexOptions,
  Endpoint,
  SocksOptions,
  TCPOptions,
  TLSIdentityOptions,
  TLSOptions,
  Transport,
  TransportInfo,
  TransportSink,
  TunnelOptions,
  UnixOptions,
} from './endpoint/index.js';

/* Errors */
export {
  AbortedError,
  AcquireError,
  AcquireTimeoutError,
  BodyLengthMismatchError,
  BodyNotReplayableError,
  BodyTimeoutError,
  BodyTooLargeError,
  BodyUnclaimedError,
  BodyUsedError,
  ConnectError,
  ConnectTimeoutError,
  ContentDecodingError,
  ContentTypeError,
  HeadersOverflowError,
  HeadersTimeoutError,
  HTTPClientError,
  HTTPStatusError,
  InvalidOptionError,
  InvalidRequestError,
  isHTTPClientError,
  LeaseUsedError,
  ParseError,
  PoolClosedError,
  PoolQueueFullError,
  RecordTooLargeError,
  ProxyError,
  RedirectError,
  RequestGenerationFailedError,
  RequestNotSentError,
  RequestTransmissionFailedError,
  ResponseFailedError,
  ResponseNeverReceivedError,
  TooManyRedirectsError,
  TotalTimeoutError,
  TruncatedBodyError,
  UnsolicitedDataError,
  UploadTimeoutError,
} from './errors/index.js';
export type { HTTPClientErrorCode, HTTPClientErrorInit, RequestPhase, PoolSnapshot } from './errors/index.js';
