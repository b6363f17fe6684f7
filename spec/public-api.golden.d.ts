// Written by `npm run api:update`: every name that the package exports. A change here is a change for users.

// ---- rxjs-http-pool ----

export class AbortedError extends HTTPClientError {
    constructor(message?: string, init?: HTTPClientErrorInit);
}

export abstract class AcquireError extends HTTPClientError {
    readonly snapshot: PoolSnapshot;
    constructor(code: HTTPClientErrorCode, message: string, snapshot: PoolSnapshot, cause?: unknown);
}

export interface AcquireOptions {
    readonly acquireTimeout?: number;
}

export class AcquireTimeoutError extends AcquireError {
    readonly acquireTimeout: number;
    constructor(acquireTimeout: number, snapshot: PoolSnapshot, cause?: unknown);
}

export class Agent {
    readonly pool: HTTPConnectionPool;
    constructor(options?: AgentOptions);
    request(init: HTTPRequestInit | HTTPRequest): Observable<HTTPResponse>;
    get(url: string | URL, options?: RequestOptions): Observable<HTTPResponse>;
    head(url: string | URL, options?: RequestOptions): Observable<HTTPResponse>;
    delete(url: string | URL, options?: RequestOptions): Observable<HTTPResponse>;
    post(url: string | URL, body?: AgentBody | null, options?: RequestOptions): Observable<HTTPResponse>;
    put(url: string | URL, body?: AgentBody | null, options?: RequestOptions): Observable<HTTPResponse>;
    patch(url: string | URL, body?: AgentBody | null, options?: RequestOptions): Observable<HTTPResponse>;
    requestEvents(init: HTTPRequestInit | HTTPRequest): Observable<HTTPEvent>;
    extend(options: AgentOptions): Agent;
    keyOf(url: string | URL): string;
    close(options?: CloseOptions): Observable<void>;
    [Symbol.asyncDispose](): Promise<void>;
}

export type AgentBody = RequestBody | URLSearchParams | Blob | FormData | ArrayBuffer | ArrayBufferView;

export interface AgentOptions {
    readonly pool?: HTTPConnectionPool | HTTPConnectionPoolOptions;
    readonly interceptors?: readonly HTTPInterceptor[];
    readonly baseURL?: string | URL;
    readonly headers?: HTTPHeadersInit;
    readonly timeouts?: Timeouts;
    readonly decompress?: boolean | DecompressOptions;
    readonly connect?: ConnectOptions;
    readonly proxy?: ProxyInit | ProxySelector | null;
    readonly key?: (request: HTTPRequest) => string;
    readonly endpoint?: (request: HTTPRequest) => Endpoint;
}

export type AllTimeouts = Readonly<Required<Timeouts>>;

export interface BearerAuthOptions extends CredentialOptions {
    readonly scheduler?: SchedulerLike;
}

export type BodyChunk = Uint8Array | string;

export class BodyLengthMismatchError extends RequestGenerationFailedError {
    readonly expected: number;
    readonly actual: number;
    constructor(expected: number, actual: number);
}

export class BodyNotReplayableError extends RequestGenerationFailedError {
    constructor();
}

export type BodySource = BodyChunk | AsyncIterable<BodyChunk> | Observable<BodyChunk>;

export class BodyTimeoutError extends ResponseFailedError {
    readonly timeout: number;
    constructor(timeout: number);
}

export class BodyTooLargeError extends ResponseFailedError {
    readonly limit: number;
    constructor(limit: number);
}

export class BodyUnclaimedError extends ResponseFailedError {
    readonly timeout: number;
    constructor(timeout: number);
}

export class BodyUsedError extends ResponseFailedError {
    constructor();
}

export interface BytesOptions {
    readonly maxBytes?: number;
}

export interface CloseOptions {
    readonly gracePeriod?: number;
}

export class ConnectError extends HTTPClientError {
    constructor(message: string, init?: HTTPClientErrorInit, code?: HTTPClientErrorCode);
}

export type ConnectOptions = Omit<Partial<TLSOptions>, 'host' | 'port' | 'connectTimeout' | 'over'>;

export class ConnectTimeoutError extends ConnectError {
    readonly authority: string;
    readonly connectTimeout: number;
    constructor(authority: string, connectTimeout: number);
}

export class ContentDecodingError extends ResponseFailedError {
    constructor(message: string, init?: HTTPClientErrorInit);
}

export class ContentTypeError extends ResponseFailedError {
    readonly expected: string;
    readonly actual: string | null;
    constructor(expected: string, actual: string | null);
}

export interface CookieJarLike {
    getCookieString(url: string): string | PromiseLike<string>;
    setCookie(cookie: string, url: string, options: {
        readonly ignoreError: true;
    }): unknown;
}

export interface CredentialOptions {
    readonly origins: string | URL | readonly (string | URL)[];
}

export interface DecompressOptions {
    readonly maxRatio?: number;
    readonly maxBytes?: number;
}

export interface DuplexOptions {
    readonly authority?: string;
    readonly connectTimeout?: number;
    readonly scheduler?: SchedulerLike;
}

export type Endpoint = Observable<Transport>;

export interface EventSourceOptions extends Omit<RequestOptions, 'body' | 'json' | 'form'>, ServerSentEventsOptions {
    readonly lastEventId?: string;
    readonly reconnectDelay?: number;
    readonly maxReconnectDelay?: number;
    readonly jitter?: number;
    readonly maxFailures?: number;
    readonly scheduler?: SchedulerLike;
}

export type EvictionReason = 'idle-timeout' | 'closed-idle' | 'overflow' | 'room' | 'max-age' | 'max-requests' | 'not-persistent' | 'peer-closed' | 'unsolicited-data' | 'error' | 'cancelled' | 'leaked' | 'wrong-state' | 'upgraded' | 'pool-closed';

export interface ExchangeTimeouts {
    readonly headers?: number;
    readonly bodyIdle?: number;
    readonly bodyUnclaimed?: number;
}

export interface FollowRedirectsOptions {
    readonly maxRedirects?: number;
    readonly strict?: boolean;
    readonly keepHeaders?: readonly string[];
    readonly allowDowngrade?: boolean;
    readonly scheduler?: SchedulerLike;
}

export class HTTPBody extends Observable<Uint8Array> implements AsyncIterable<Uint8Array> {
    get used(): boolean;
    get length(): number | null;
    pull<R>(project: (chunk: Uint8Array, index: number) => ObservableInput<R>): Observable<R>;
    [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array>;
    readable(): Readable;
}

export interface HTTPBodyInit {
    readonly body?: AgentBody | null;
    readonly json?: unknown;
    readonly form?: URLSearchParams | Readonly<Record<string, string | number | boolean>>;
}

export class HTTPClientError extends Error {
    readonly code: HTTPClientErrorCode;
    phase: RequestPhase | undefined;
    reused: boolean;
    request: {
        readonly method: string;
        readonly url: string;
    } | undefined;
    constructor(code: HTTPClientErrorCode, message: string, init?: HTTPClientErrorInit);
}

export type HTTPClientErrorCode = 'ERR_INVALID_OPTION' | 'ERR_ACQUIRE_TIMEOUT' | 'ERR_POOL_QUEUE_FULL' | 'ERR_POOL_CLOSED' | 'ERR_CONNECT' | 'ERR_CONNECT_TIMEOUT' | 'ERR_UNSOLICITED_DATA' | 'ERR_PROXY' | 'ERR_REQUEST_NOT_SENT' | 'ERR_LEASE_USED' | 'ERR_REQUEST_GENERATION_FAILED' | 'ERR_INVALID_REQUEST' | 'ERR_BODY_LENGTH_MISMATCH' | 'ERR_BODY_NOT_REPLAYABLE' | 'ERR_REQUEST_TRANSMISSION_FAILED' | 'ERR_UPLOAD_TIMEOUT' | 'ERR_RESPONSE_NEVER_RECEIVED' | 'ERR_HEADERS_TIMEOUT' | 'ERR_RESPONSE_FAILED' | 'ERR_PARSE' | 'ERR_HEADERS_OVERFLOW' | 'ERR_TRUNCATED_BODY' | 'ERR_BODY_TIMEOUT' | 'ERR_BODY_UNCLAIMED' | 'ERR_BODY_USED' | 'ERR_CONTENT_DECODING' | 'ERR_BODY_TOO_LARGE' | 'ERR_RECORD_TOO_LARGE' | 'ERR_CONTENT_TYPE' | 'ERR_TOTAL_TIMEOUT' | 'ERR_STATUS' | 'ERR_REDIRECT' | 'ERR_TOO_MANY_REDIRECTS' | 'ERR_ABORTED';

export interface HTTPClientErrorInit {
    readonly cause?: unknown;
    readonly phase?: RequestPhase;
}

export class HTTPConnectionPool {
    constructor(options?: HTTPConnectionPoolOptions);
    get(key: string, endpoint$: Endpoint, options?: AcquireOptions): Observable<LeasedProtocol>;
    use<T>(key: string, endpoint$: Endpoint, project: (protocol: LeasedProtocol) => ObservableInput<T>, options?: AcquireOptions): Observable<T>;
    close(options?: CloseOptions): Observable<void>;
    warmUp(key: string, endpoint$: Endpoint, count: number): Observable<number>;
    closeIdle(key?: string): Observable<void>;
    stats(): PoolStats;
    stats(key: string): PoolStats | undefined;
    keys(): string[];
    get events(): Observable<PoolEvent>;
    [Symbol.asyncDispose](): Promise<void>;
}

export interface HTTPConnectionPoolOptions {
    readonly persistent?: boolean;
    readonly maxPersistentPerHost?: number;
    readonly idleOrder?: 'lifo' | 'fifo';
    readonly cachedConnectionTimeout?: number;
    readonly retryAutomatically?: boolean;
    readonly maxPersistent?: number;
    readonly maxConnectionsPerHost?: number;
    readonly maxConnections?: number;
    readonly maxPending?: number;
    readonly acquireTimeout?: number;
    readonly maxConnectionAge?: number;
    readonly maxRequestsPerConnection?: number;
    readonly validateIdle?: boolean | Observable<unknown>;
    readonly captureStacks?: boolean;
    readonly leaseTimeout?: number;
    readonly limits?: Partial<ProtocolLimits>;
    readonly protocolFactory?: ProtocolFactory;
    readonly scheduler?: SchedulerLike;
}

export class HTTPContext {
    constructor(values?: Iterable<readonly [
        HTTPContextToken<unknown>,
        unknown
    ]>);
    get<T>(token: HTTPContextToken<T>): T;
    has(token: HTTPContextToken<unknown>): boolean;
    with<T>(token: HTTPContextToken<T>, value: T): HTTPContext;
}

export class HTTPContextToken<T> {
    readonly defaultValue: () => T;
    constructor(defaultValue: () => T);
}

export type HTTPEvent = {
    readonly type: 'sent';
} | {
    readonly type: 'informational';
    readonly status: number;
    readonly headers: HTTPHeaders;
} | {
    readonly type: 'uploadProgress';
    readonly loaded: number;
    readonly total?: number | undefined;
} | {
    readonly type: 'response';
    readonly response: HTTPResponse;
} | {
    readonly type: 'downloadProgress';
    readonly loaded: number;
    readonly total?: number | undefined;
} | {
    readonly type: 'done';
    readonly timings: RequestTimings;
};

export type HTTPHandler = (request: HTTPRequest) => Observable<HTTPResponse>;

export class HTTPHeaders implements Iterable<[
    string,
    string
]> {
    static readonly empty: HTTPHeaders;
    private constructor();
    static from(init?: HTTPHeadersInit): HTTPHeaders;
    get raw(): readonly string[];
    get size(): number;
    get(name: string): string | null;
    getAll(name: string): readonly string[];
    has(name: string): boolean;
    with(init: HTTPHeadersInit): HTTPHeaders;
    without(...names: string[]): HTTPHeaders;
    [Symbol.iterator](): IterableIterator<[
        string,
        string
    ]>;
    toJSON(): Record<string, string | string[]>;
}

export type HTTPHeadersInit = HTTPHeaders | Iterable<readonly [
    string,
    string
]> | Readonly<Record<string, string | readonly string[] | undefined>>;

export type HTTPInterceptor = (request: HTTPRequest, next: HTTPHandler) => Observable<HTTPResponse>;

export class HTTPRequest {
    readonly method: string;
    readonly url: string;
    readonly headers: HTTPHeaders;
    readonly body: RequestBody | null;
    readonly timeouts: AllTimeouts;
    readonly signal: AbortSignal | undefined;
    readonly observer: RequestObserver | undefined;
    readonly context: HTTPContext;
    readonly idempotent: boolean | undefined;
    readonly path: string;
    constructor(init: HTTPRequestInit);
    with(update: HTTPRequestUpdate): HTTPRequest;
}

export interface HTTPRequestInit extends RequestOptions {
    readonly url: string | URL;
    readonly method?: string;
}

export interface HTTPRequestUpdate extends Partial<HTTPRequestInit> {
    readonly without?: readonly string[];
}

export interface HTTPResponse extends ProtocolResponse {
    readonly url: string;
    readonly request: HTTPRequest;
    readonly timings: RequestTimings;
    readonly history: readonly HTTPResponse[];
    with(update: HTTPResponseUpdate): HTTPResponse;
}

export interface HTTPResponseUpdate {
    readonly status?: number;
    readonly statusText?: string;
    readonly headers?: HTTPHeadersInit;
    readonly body?: BodySource;
    readonly history?: readonly HTTPResponse[];
}

export class HTTPStatusError extends HTTPClientError {
    readonly status: number;
    constructor(status: number, response: object, statusText?: string);
    get response(): object;
}

export class HeadersOverflowError extends ParseError {
    readonly limit: string;
    readonly value: number;
    constructor(limit: string, value: number);
}

export class HeadersTimeoutError extends ResponseNeverReceivedError {
    readonly timeout: number;
    constructor(timeout: number);
}

export class InvalidOptionError extends HTTPClientError {
    readonly option: string;
    constructor(option: string, value: unknown, expected: string);
    get value(): unknown;
}

export class InvalidRequestError extends RequestGenerationFailedError {
    readonly field: string;
    constructor(field: string, message: string, init?: HTTPClientErrorInit);
}

export interface JSONOptions extends BytesOptions {
    readonly reviver?: (this: unknown, key: string, value: unknown) => unknown;
}

export type LeaseState = 'ready' | 'transmitting' | 'waiting' | 'receiving' | 'released' | 'closed';

export class LeaseUsedError extends RequestNotSentError {
    constructor();
}

export interface LeasedProtocol {
    readonly key: string;
    readonly reused: boolean;
    readonly state: LeaseState;
    readonly info: TransportInfo | undefined;
    request(request: ProtocolRequest): Observable<ProtocolResponse>;
    release(): void;
    abort(reason?: unknown): void;
    readonly quiescent: Observable<void>;
    readonly disconnected: Observable<HTTPClientError | null>;
}

export interface LinesOptions {
    readonly maxLength?: number;
    readonly encoding?: string;
}

export class ParseError extends ResponseFailedError {
    constructor(message: string, code?: HTTPClientErrorCode);
}

export interface PoliteMapOptions<T, K> {
    readonly key: (value: T) => K;
    readonly concurrency?: number;
    readonly delay?: number | ((key: K) => number);
    readonly jitter?: number;
    readonly total?: number;
    readonly scheduler?: SchedulerLike;
}

export class PoolClosedError extends AcquireError {
    constructor(snapshot: PoolSnapshot);
}

export type PoolEvent = {
    readonly key: string;
    readonly at: number;
} & ({
    readonly type: 'connecting';
} | {
    readonly type: 'connected';
    readonly elapsed: number;
} | {
    readonly type: 'connect-failed';
    readonly error: HTTPClientError;
    readonly elapsed: number;
} | {
    readonly type: 'pending';
    readonly depth: number;
} | {
    readonly type: 'leased';
    readonly reused: boolean;
    readonly waited: number;
} | {
    readonly type: 'quiescent';
    readonly requests: number;
} | {
    readonly type: 'evicted';
    readonly reason: EvictionReason;
    readonly error?: unknown;
} | {
    readonly type: 'retried';
    readonly error: HTTPClientError;
} | {
    readonly type: 'refused';
    readonly error: HTTPClientError;
} | {
    readonly type: 'leaked';
    readonly held: number;
    readonly stack?: string | undefined;
} | {
    readonly type: 'error';
    readonly error: unknown;
} | {
    readonly type: 'closed';
});

export class PoolQueueFullError extends AcquireError {
    readonly maxPending: number;
    constructor(maxPending: number, snapshot: PoolSnapshot, cause?: unknown);
}

export interface PoolSnapshot {
    readonly key: string;
    readonly leased: number;
    readonly idle: number;
    readonly connecting: number;
    readonly pending: number;
    readonly max: number;
    readonly waited: number;
}

export interface PoolStats {
    readonly open: number;
    readonly leased: number;
    readonly seats: number;
    readonly idle: number;
    readonly connecting: number;
    readonly validating: number;
    readonly pending: number;
    readonly opened: number;
    readonly connectFailures: number;
    readonly leases: number;
    readonly reuses: number;
    readonly retries: number;
    readonly evictions: number;
    readonly refusals: number;
    readonly leaks: number;
}

export interface ProtocolLimits extends ResponseLimits {
    readonly maxDrain: number;
}

export interface ProtocolRequest {
    readonly method?: string;
    readonly path: string;
    readonly absoluteForm?: boolean;
    readonly headers?: HTTPHeadersInit;
    readonly body?: RequestBody | null;
    readonly idempotent?: boolean;
    readonly timeouts?: ExchangeTimeouts;
    readonly observer?: RequestObserver;
}

export interface ProtocolResponse {
    readonly status: number;
    readonly statusText: string;
    readonly ok: boolean;
    readonly httpVersion: '1.0' | '1.1';
    readonly headers: HTTPHeaders;
    readonly body: HTTPBody;
    readonly trailers: Observable<HTTPHeaders>;
    readonly timings: Timings;
    readonly upgrade: Transport | undefined;
    text(options?: TextOptions): Observable<string>;
    json<T = unknown>(options?: JSONOptions): Observable<T>;
    bytes(options?: BytesOptions): Observable<Uint8Array>;
    discard(): Observable<void>;
}

export class ProxyError extends ConnectError {
    readonly status?: number | undefined;
    constructor(message: string, status?: number | undefined, init?: HTTPClientErrorInit);
}

export type ProxyInit = string | URL | ProxyOptions;

export interface ProxyOptions {
    readonly url: string | URL;
    readonly authorization?: string;
    readonly headers?: HTTPHeadersInit;
    readonly connect?: ConnectOptions;
}

export type ProxySelector = (url: URL) => ProxyInit | null | undefined;

export type QueryInit = string | URLSearchParams | Readonly<Record<string, string | number | boolean | null | undefined | readonly (string | number | boolean)[]>>;

export interface RateLimitOptions {
    readonly requestsPerSecond?: number;
    readonly concurrency?: number;
    readonly key?: (request: HTTPRequest) => string;
    readonly scheduler?: SchedulerLike;
}

export class RecordTooLargeError extends ResponseFailedError {
    readonly limit: number;
    readonly record: number;
    constructor(limit: number, record: number);
}

export class RedirectError extends HTTPClientError {
    constructor(message: string, response: object, code?: HTTPClientErrorCode);
    get response(): object;
}

export type RequestBody = BodySource | (() => BodySource);

export interface RequestFailure {
    readonly error: unknown;
    readonly allowed: boolean;
    readonly first: boolean;
    readonly reused: boolean;
}

export class RequestGenerationFailedError extends HTTPClientError {
    constructor(message: string, init?: HTTPClientErrorInit, code?: HTTPClientErrorCode);
}

export class RequestNotSentError extends HTTPClientError {
    constructor(message: string, init?: HTTPClientErrorInit, code?: HTTPClientErrorCode);
}

export interface RequestObserver {
    sent?(): void;
    informational?(head: ResponseHead): void;
    uploadProgress?(loaded: number, total?: number): void;
    downloadProgress?(loaded: number, total?: number): void;
}

export interface RequestOptions extends HTTPBodyInit {
    readonly headers?: HTTPHeadersInit;
    readonly query?: QueryInit;
    readonly timeouts?: Timeouts;
    readonly signal?: AbortSignal;
    readonly observer?: RequestObserver;
    readonly context?: HTTPContext;
    readonly idempotent?: boolean;
}

export type RequestPhase = 'acquire' | 'connect' | 'transmit' | 'wait' | 'receive';

export interface RequestTimings extends Timings {
    readonly acquire: number;
    readonly queue: number;
    readonly dns?: number;
    readonly connect?: number;
    readonly tunnel?: number;
    readonly tls?: number;
}

export class RequestTransmissionFailedError extends HTTPClientError {
    constructor(message: string, init?: HTTPClientErrorInit, code?: HTTPClientErrorCode);
}

export class ResponseFailedError extends HTTPClientError {
    constructor(message: string, init?: HTTPClientErrorInit, code?: HTTPClientErrorCode);
    get response(): object | undefined;
    set response(response: object | undefined);
}

export interface ResponseHead {
    readonly status: number;
    readonly statusText: string;
    readonly httpVersion: '1.0' | '1.1';
    readonly headers: HTTPHeaders;
}

export interface ResponseLimits {
    readonly maxHeadSize: number;
    readonly maxHeaderCount: number;
    readonly maxInformational: number;
    readonly maxChunkExtensions: number;
    readonly maxTrailerSize: number;
}

export class ResponseNeverReceivedError extends HTTPClientError {
    constructor(message: string, init?: HTTPClientErrorInit, code?: HTTPClientErrorCode);
}

export interface RetryBudgetOptions {
    readonly ratio?: number;
    readonly floor?: number;
}

export type RetryEvent = {
    readonly request: HTTPRequest;
    readonly retry: number;
    readonly delay: number;
} & ({
    readonly type: 'status';
    readonly response: HTTPResponse;
} | {
    readonly type: 'error';
    readonly error: unknown;
});

export interface RetryFailuresOptions {
    readonly maxRetries?: number;
    readonly statuses?: readonly number[];
    readonly baseDelay?: number;
    readonly factor?: number;
    readonly maxDelay?: number;
    readonly maxRetryAfter?: number;
    readonly budget?: RetryBudgetOptions | false;
    readonly onRetry?: (event: RetryEvent) => void;
    readonly random?: () => number;
    readonly scheduler?: SchedulerLike;
}

export interface SavedFile {
    readonly path: string;
    readonly bytes: number;
}

export interface ServerSentEvent {
    readonly type: string;
    readonly data: string;
    readonly lastEventId: string;
    readonly retry: number | undefined;
}

export interface ServerSentEventsOptions {
    readonly maxLength?: number;
}

export interface SocksOptions {
    readonly host: string;
    readonly port: number;
    readonly username?: string;
    readonly password?: string;
    readonly connectTimeout?: number;
    readonly scheduler?: SchedulerLike;
}

export interface TCPOptions {
    readonly host: string;
    readonly port: number;
    readonly connectTimeout?: number;
    readonly autoSelectFamily?: boolean;
    readonly autoSelectFamilyAttemptTimeout?: number;
    readonly family?: 0 | 4 | 6;
    readonly localAddress?: string;
    readonly lookup?: LookupFunction;
    readonly keepAlive?: number | boolean;
    readonly noDelay?: boolean;
    readonly scheduler?: SchedulerLike;
}

export interface TLSIdentityOptions extends Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'ciphers' | 'minVersion' | 'maxVersion' | 'checkServerIdentity'> {
    readonly servername?: string;
    readonly rejectUnauthorized?: boolean;
    readonly ALPNProtocols?: readonly string[];
}

export interface TLSOptions extends TCPOptions, TLSIdentityOptions {
    readonly sessionCache?: boolean;
    readonly over?: Endpoint;
}

export interface TextOptions extends BytesOptions {
    readonly encoding?: string;
}

export interface Timeouts extends ExchangeTimeouts {
    readonly acquire?: number;
    readonly connect?: number;
    readonly total?: number;
}

export interface Timings {
    readonly send: number;
    readonly wait: number;
    readonly receive: number | undefined;
}

export interface ToFileOptions {
    readonly flag?: 'w' | 'wx';
    readonly mode?: number;
    readonly flush?: boolean;
}

export class TooManyRedirectsError extends RedirectError {
    readonly limit: number;
    constructor(limit: number, response: object);
}

export class TotalTimeoutError extends HTTPClientError {
    readonly timeout: number;
    constructor(timeout: number);
}

export interface Transport {
    read(sink: TransportSink): void;
    write(bytes: Uint8Array | string): boolean;
    drained(callback: () => void): void;
    ownBuffer(on: boolean): void;
    unshift(bytes: Uint8Array): void;
    pause(): void;
    resume(): void;
    ref(): void;
    unref(): void;
    end(): void;
    destroy(error?: Error): void;
    readonly info: TransportInfo;
    toDuplex(): Duplex;
}

export interface TransportInfo {
    readonly authority: string;
    readonly secure: boolean;
    readonly localAddress?: string;
    readonly localPort?: number;
    readonly remoteAddress?: string;
    readonly remotePort?: number;
    readonly alpn?: string;
    readonly authorized?: boolean;
    readonly resumed?: boolean;
    readonly timings: {
        readonly dns?: number;
        readonly connect?: number;
        readonly tunnel?: number;
        readonly tls?: number;
    };
}

export interface TransportSink {
    data(view: Uint8Array): void;
    end(): void;
    closed(error?: Error): void;
}

export class TruncatedBodyError extends ResponseFailedError {
    constructor(message?: string, init?: HTTPClientErrorInit);
}

export interface TunnelOptions {
    readonly host: string;
    readonly port: number;
    readonly authorization?: string;
    readonly headers?: HTTPHeadersInit;
    readonly connectTimeout?: number;
    readonly scheduler?: SchedulerLike;
}

export interface UnixOptions {
    readonly connectTimeout?: number;
    readonly scheduler?: SchedulerLike;
}

export class UnsolicitedDataError extends ConnectError {
    constructor(message: string, init?: HTTPClientErrorInit);
}

export class UploadTimeoutError extends RequestTransmissionFailedError {
    readonly timeout: number;
    constructor(timeout: number);
}

export function basicAuth(username: string, password: string, options: CredentialOptions): HTTPInterceptor;

export function bearerAuth(token: string | Observable<string> | (() => ObservableInput<string>), options: BearerAuthOptions): HTTPInterceptor;

export function bytes(options?: BytesOptions): OperatorFunction<ProtocolResponse, Uint8Array>;

export function cookies(jar: CookieJarLike): HTTPInterceptor;

export function decompress(options?: DecompressOptions): HTTPInterceptor;

export function discard(): OperatorFunction<ProtocolResponse, void>;

export function duplex(factory: () => Duplex, options?: DuplexOptions): Endpoint;

export function endpointFor(url: URL, options?: Omit<Partial<TLSOptions>, 'host' | 'port'>, through?: (server: {
    readonly host: string;
    readonly port: number;
}) => Endpoint): Endpoint;

export function eventSource(agent: Agent, url: string | URL, options?: EventSourceOptions): Observable<ServerSentEvent>;

export function followRedirects(options?: FollowRedirectsOptions): HTTPInterceptor;

export function isHTTPClientError(error: unknown, code?: HTTPClientErrorCode): error is HTTPClientError;

export function isIdempotent(request: ProtocolRequest): boolean;

export function json<T = unknown>(options?: JSONOptions): OperatorFunction<ProtocolResponse, T>;

export function limitBody(maxBytes: number): HTTPInterceptor;

export function limitBytes(maxBytes: number): MonoTypeOperatorFunction<Uint8Array>;

export function lines(options?: LinesOptions): OperatorFunction<ProtocolResponse, string>;

export function ndjson<T = unknown>(options?: LinesOptions): OperatorFunction<ProtocolResponse, T>;

export function politeMap<T, R, K = unknown>(project: (value: T, index: number) => ObservableInput<R>, options: PoliteMapOptions<T, K>): OperatorFunction<T, R>;

export function proxyFromEnvironment(env?: Readonly<Record<string, string | undefined>>): ProxySelector;

export function rateLimit(options?: RateLimitOptions): HTTPInterceptor;

export function retryFailures(options?: RetryFailuresOptions): HTTPInterceptor;

export function serverSentEvents(options?: ServerSentEventsOptions): OperatorFunction<ProtocolResponse, ServerSentEvent>;

export function shouldRetry(failure: RequestFailure, request: ProtocolRequest, progress: ExchangeProgress): boolean;

export function socks(proxy$: Endpoint, options: SocksOptions): Endpoint;

export function tcp(options: TCPOptions): Endpoint;

export function text(options?: TextOptions): OperatorFunction<ProtocolResponse, string>;

export function throwIfNotOk<R extends ProtocolResponse>(): MonoTypeOperatorFunction<R>;

export function throwOnStatus(statuses?: readonly number[] | ((status: number, response: HTTPResponse) => boolean)): HTTPInterceptor;

export function tls(options: TLSOptions): Endpoint;

export function tlsIdentity(options: TLSIdentityOptions): string;

export function toFile(path: string, options?: ToFileOptions): OperatorFunction<ProtocolResponse, SavedFile>;

export function tunnel(proxy$: Endpoint, options: TunnelOptions): Endpoint;

export function unix(path: string, options?: UnixOptions): Endpoint;

export function userAgent(text: string): HTTPInterceptor;

// ---- rxjs-http-pool/protocol ----

export interface Connection {
    readonly capacity: number;
    readonly info: TransportInfo;
    readonly keepAlive?: {
        readonly timeout?: number;
        readonly max?: number;
    } | undefined;
    request(request: ProtocolRequest): Observable<ProtocolResponse>;
    progress(): ExchangeProgress;
    readonly quiescent: Observable<unknown>;
    readonly disconnected: Observable<HTTPClientError | null>;
    close(reason?: unknown): void;
    ref(): void;
    unref(): void;
}

export type ConnectionState = 'quiescent' | 'transmitting' | 'waiting' | 'early' | 'receiving' | 'draining' | 'upgraded' | 'closed';

export class Deadline {
    constructor(sweep: DeadlineSweep, callback: () => void);
    start(duration: number): void;
    startAt(at: number): void;
    get running(): boolean;
    clear(): void;
    dispose(): void;
}

export class DeadlineSweep {
    constructor(scheduler: SchedulerLike);
    now(): number;
    close(): void;
}

export interface ExchangeProgress {
    readonly state: ConnectionState;
    readonly wrote: boolean;
    readonly responseByte: boolean;
    readonly bodySubscribed: boolean;
}

export const HTTP11ClientProtocol: new (transport: Transport, context: ProtocolContext) => Connection;

export interface ProtocolContext {
    readonly persistent: boolean;
    readonly limits: ProtocolLimits;
    readonly deadlines: DeadlineSweep;
    report(error: unknown): void;
}

export type ProtocolFactory = (transport: Transport, context: ProtocolContext) => Connection;

// ---- rxjs-http-pool/testing ----

export class FakeEndpoint extends Observable<Transport> {
    readonly connections: FakeTransport[];
    dials: number;
    constructor(options?: FakeEndpointOptions);
    get last(): FakeTransport;
    get requests(): SeenRequest[];
}

export interface FakeEndpointOptions extends Omit<FakeTransportOptions, 'onWrite'> {
    readonly dial?: Observable<unknown>;
    readonly onRequest?: (request: SeenRequest, transport: FakeTransport) => Uint8Array | string | undefined;
}

export class FakeTransport implements Transport {
    readonly info: TransportInfo;
    readonly writes: Buffer[];
    destroyed: boolean;
    isClosed: boolean;
    ended: boolean;
    paused: boolean;
    refs: number;
    buffered: number;
    delivered: number;
    readonly highWaterMark: number;
    onWrite: FakeTransportOptions['onWrite'];
    constructor({ highWaterMark, authority, onWrite }?: FakeTransportOptions);
    get hasOwnBuffer(): boolean;
    get written(): string;
    get requests(): SeenRequest[];
    respond(bytes: Uint8Array | string): void;
    respondOneByOne(bytes: Uint8Array | string): void;
    fin(): void;
    reset(error?: Error): void;
    drain(): void;
    read(sink: TransportSink): void;
    write(bytes: Uint8Array | string): boolean;
    drained(callback: () => void): void;
    ownBuffer(on: boolean): void;
    unshift(bytes: Uint8Array): void;
    pause(): void;
    resume(): void;
    ref(): void;
    unref(): void;
    end(): void;
    destroy(error?: Error): void;
    toDuplex(): Duplex;
}

export interface FakeTransportOptions {
    readonly highWaterMark?: number;
    readonly authority?: string;
    readonly onWrite?: (bytes: Buffer, transport: FakeTransport) => void;
}

export type FlushBody = string | Uint8Array | Observable<Uint8Array | string> | object | number | boolean | null;

export interface FlushOptions {
    readonly status?: number;
    readonly statusText?: string;
    readonly headers?: HTTPHeadersInit;
}

export class HTTPTestingController {
    readonly options: Pick<Required<AgentOptions>, 'pool' | 'key' | 'endpoint'>;
    readonly agent: Agent;
    constructor({ pool, ...options }?: Omit<AgentOptions, 'key' | 'endpoint'>);
    expectOne(match: RequestMatch, description?: string): TestRequest;
    expectNone(match: RequestMatch, description?: string): void;
    match(match: RequestMatch): TestRequest[];
    verify({ ignoreCancelled }?: {
        readonly ignoreCancelled?: boolean;
    }): void;
}

export interface MarbleEndpointOptions {
    readonly dial?: string;
    readonly response?: string;
    readonly bytes?: Readonly<Record<string, Uint8Array | string>>;
    readonly error?: unknown;
}

export type RequestMatch = string | {
    readonly method?: string;
    readonly url?: string;
} | ((request: HTTPRequest) => boolean);

export interface SeenRequest {
    readonly method: string;
    readonly path: string;
    readonly headers: readonly (readonly [
        name: string,
        value: string
    ])[];
    readonly body: string;
    readonly complete: boolean;
}

export class TestRequest {
    readonly request: HTTPRequest;
    get cancelled(): boolean;
    get answered(): boolean;
    get sent(): SeenRequest;
    get body(): string;
    informational(status: number, headers?: HTTPHeadersInit): void;
    flush(body?: FlushBody, { status, statusText, headers: init }?: FlushOptions): void;
    error(error?: Error): void;
}

export function marbleEndpoint(scheduler: TestScheduler, options?: MarbleEndpointOptions): FakeEndpoint;

export function readRequests(bytes: Buffer): SeenRequest[];
