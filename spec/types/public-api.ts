// Checked by the compiler, never run: what the types promise, and what they forbid.
import { of, type Observable } from 'rxjs';
import {
  Agent,
  bytes,
  eventSource,
  HTTPConnectionPool,
  HTTPContext,
  HTTPContextToken,
  HTTPHeaders,
  json,
  limitBytes,
  lines,
  ndjson,
  politeMap,
  proxyFromEnvironment,
  serverSentEvents,
  tcp,
  text,
  throwIfNotOk,
  toFile,
  type LeasedProtocol,
  type Endpoint,
  type HTTPBody,
  type HTTPEvent,
  type HTTPInterceptor,
  type HTTPResponse,
  type PoolEvent,
  type ProtocolResponse,
  type SavedFile,
  type ServerSentEvent,
} from 'rxjs-http-pool';

/** Compiles only if the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

/** Compiles only if the value has exactly that type. */
function is<T>() {
  return <U>(_value: U, _same: Same<T, U>): void => undefined;
}

declare const agent: Agent;
declare const pool: HTTPConnectionPool;
declare const response: HTTPResponse;
declare const poolEvent: PoolEvent;
declare const event: HTTPEvent;

// A get emits a lease, and a lease's request a response.
const endpoint$: Endpoint = tcp({ host: 'localhost', port: 80 });
same<ReturnType<typeof pool.get>, Observable<LeasedProtocol>>(true);
pool.get('key', endpoint$).subscribe(protocol => {
  const response$ = protocol.request({ path: '/' });
  is<Observable<ProtocolResponse>>()(response$, true);
  // @ts-expect-error a request has a path
  protocol.request({ method: 'GET' });
  // @ts-expect-error a lease's key is not to be changed
  protocol.key = 'other';
});
// @ts-expect-error an endpoint is an Observable of a transport
pool.get('key', 'localhost:80');
// @ts-expect-error no such option
new HTTPConnectionPool({ maxSockets: 1 });
// @ts-expect-error a number of ms
new HTTPConnectionPool({ acquireTimeout: '1s' });

// `use` emits what the inner Observable does.
const used$ = pool.use('key', endpoint$, () => Promise.resolve(1));
is<Observable<number>>()(used$, true);

// Operators keep the type of the response, and give that of the body.
interface User {
  readonly name: string;
}
const user$ = agent.get('/').pipe(throwIfNotOk(), json<User>());
is<Observable<User>>()(user$, true);
const unknown$ = agent.get('/').pipe(json());
is<Observable<unknown>>()(unknown$, true);
const text$ = agent.get('/').pipe(text());
is<Observable<string>>()(text$, true);
const ok$ = agent.get('/').pipe(throwIfNotOk());
is<Observable<HTTPResponse>>()(ok$, true);

// Those that read bodies piece by piece.
is<Observable<string>>()(agent.get('/').pipe(lines({ maxLength: 1, encoding: 'latin1' })), true);
is<Observable<User>>()(agent.get('/').pipe(ndjson<User>()), true);
is<Observable<unknown>>()(agent.get('/').pipe(ndjson()), true);
is<Observable<ServerSentEvent>>()(agent.get('/').pipe(serverSentEvents()), true);
is<Observable<ServerSentEvent>>()(eventSource(agent, '/', { headers: { a: 'b' }, jitter: 0 }), true);
is<Observable<SavedFile>>()(agent.get('/').pipe(toFile('x', { flag: 'wx' })), true);
is<Observable<Uint8Array>>()(response.body.pipe(limitBytes(1)), true);
is<Observable<User>>()(response.json<User>({ maxBytes: 1, reviver: (_key, value) => value }), true);
// @ts-expect-error a name of a charset
text({ encoding: 8 });
// @ts-expect-error bytes have no charset
bytes({ encoding: 'latin1' });
// @ts-expect-error to append is no way to have a whole file
toFile('x', { flag: 'a' });
// @ts-expect-error an event source gets
eventSource(agent, '/', { body: 'x' });

// Lanes have the type of their key, values that of what is projected, and responses keep theirs.
const polite$ = of('http://a/').pipe(
  politeMap((url, index) => [url.length, index], { key: url => new URL(url), delay: host => host.port.length }),
);
is<Observable<number>>()(polite$, true);
const pages$ = of('http://a/').pipe(politeMap(url => agent.get(url), { key: url => url }));
is<Observable<HTTPResponse>>()(pages$, true);
// @ts-expect-error without a key there are no lanes
politeMap((url: string) => [url], { delay: 1 });

// A body is an Observable of bytes, iterable, and pulled with the type of what is made of it.
const body: HTTPBody = response.body;
const bytes$: Observable<Uint8Array> = body;
const pulled$ = body.pull(chunk => [chunk.length]);
is<Observable<number>>()(pulled$, true);
const iterable: AsyncIterable<Uint8Array> = body;
// @ts-expect-error a response is read only
response.status = 200;

// Requests are an object with a URL; a method is a string; a body one of the kinds that can be sent.
agent.request({ url: '/', method: 'POST', json: { a: 1 } });
agent.post('/', new FormData(), { timeouts: { total: 1_000 } });
agent.post('/', () => new ReadableStreamLike());
// @ts-expect-error a request has a URL
agent.request({ method: 'GET' });
// @ts-expect-error a number is no body
agent.post('/', 1);
// @ts-expect-error no such timeout
agent.get('/', { timeouts: { response: 1 } });

// Interceptors are functions from a request to responses.
const interceptor: HTTPInterceptor = (request, next) => next(request.with({ headers: { a: 'b' } }));
// @ts-expect-error it must give a response
const wrong: HTTPInterceptor = (request, next) => next(request).pipe(text());
// @ts-expect-error a request is immutable
const mutating: HTTPInterceptor = (request, next) => next(((request.method = 'GET'), request));

// Contexts are typed by their tokens.
const cacheable = new HTTPContextToken(() => false);
is<boolean>()(new HTTPContext().with(cacheable, true).get(cacheable), true);
// @ts-expect-error the token is of a boolean
new HTTPContext().with(cacheable, 'yes');

// Events are told apart by their type.
if (poolEvent.type === 'evicted') same<typeof poolEvent.key, string>(true);
// @ts-expect-error only an evicted connection has a reason
void poolEvent.reason;
if (event.type === 'response') same<typeof event.response, HTTPResponse>(true);

HTTPHeaders.from([['a', 'b']]);
// @ts-expect-error headers are made by `from`
new HTTPHeaders();

class ReadableStreamLike implements AsyncIterable<Uint8Array> {
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1);
  }
}

export { bytes$, interceptor, iterable, mutating, wrong };

// A proxy is a URL, options, a function of the URL, or none.
new Agent({ proxy: 'http://proxy.test' });
new Agent({ proxy: { url: new URL('https://proxy.test'), headers: { a: 'b' }, connect: { ca: 'PEM' } } });
new Agent({ proxy: url => (url.protocol === 'https:' ? { url: 'socks5h://localhost' } : null) });
new Agent({ proxy: proxyFromEnvironment({ HTTP_PROXY: 'a' }) });
new Agent({ proxy: null });
// @ts-expect-error options have a URL
new Agent({ proxy: { headers: {} } });
// @ts-expect-error it must answer at once
new Agent({ proxy: () => Promise.resolve('http://proxy.test') });
// @ts-expect-error how the proxy is reached is not for its TLS options to say
new Agent({ proxy: { url: 'http://proxy.test', connect: { over: endpoint$ } } });
