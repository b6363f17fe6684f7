/**
 * The same work again and again, each time with something else on `Object.prototype`: whoever gets there must change
 * neither where requests go, nor their bytes, nor what becomes of them. Its servers are in another process, where nothing
 * is polluted.
 *
 * Argument: a `Task` as JSON. Prints `Finding[]` as JSON.
 */
import { lastValueFrom, map, mergeMap, of, toArray, type Observable } from 'rxjs';
import * as library from '../../../src/index.js';

export interface Task {
  readonly http: number;
  readonly https: number;
  readonly selfSigned: number;
  readonly unix: string;
  /** A URL. */
  readonly proxy: string;
  readonly ca: string;
  /** The names to pollute. */
  readonly names: readonly string[];
  /** `values`: with harmful values. `reads`: with getters that tell which lines of this script fall through to them. */
  readonly mode: 'values' | 'reads';
}

export interface Finding {
  readonly name: string;
  /** The kind of value that it had, or `read`. */
  readonly value: string;
  /** What came of the work where it differed, or the number of the line that read the name. */
  readonly got: string;
}

const task = JSON.parse(process.argv[2]) as Task;
const { Agent, HTTPConnectionPool, HTTPHeaders, HTTPRequest, isHTTPClientError, tcp, text, throwIfNotOk, tls, unix } =
  library;
// Kept, as they are looked for while the prototype is polluted.
const { defineProperty, setPrototypeOf } = Object;
const descriptor = (given: PropertyDescriptor): PropertyDescriptor => setPrototypeOf(given, null) as PropertyDescriptor;

/** What does the most harm under a name, should it be believed. */
const harmful: Record<string, unknown> = {
  method: 'DELETE',
  url: `http://127.0.0.1:${task.http}/evil`,
  path: '/evil',
  baseURL: 'http://127.0.0.9/evil/',
  host: '127.0.0.9',
  port: 9,
  headers: { Evil: '1', Host: 'evil.test' },
  body: 'evil',
  json: { evil: true },
  form: { evil: 'yes' },
  query: { evil: 'yes' },
  timeouts: { headers: 1, total: 1 },
  signal: AbortSignal.abort(),
  rejectUnauthorized: false,
  checkServerIdentity: () => undefined,
  servername: 'evil.test',
  lookup: (_host: string, _options: unknown, done: (...all: unknown[]) => void) => done(null, '127.0.0.9', 4),
  localAddress: '127.0.0.9',
  family: 6,
  interceptors: [() => of({ status: 200 })],
  absoluteForm: true,
  maxHeadSize: 1,
  cause: new Error('evil'),
  get: undefined,
  set: undefined,
  [Symbol.iterator]: function* () {
    yield ['Evil', '1'];
  },
  [Symbol.asyncIterator]: async function* () {
    yield await Promise.resolve('evil');
  },
};

/** Functions that Node itself takes from the prototype when it makes a TLS socket, of which no option of ours is told. */
const takenByNode = new Set(['destroy', 'onread', 'write']);

const kinds: Record<string, (name: string) => unknown> = {
  harm: name => harmful[name] ?? 'evil',
  text: () => 'evil',
  nothing: () => null,
  zero: () => 0,
  one: () => 1,
  yes: () => true,
  no: () => false,
  object: () => ({}),
  list: () => [],
  function: name => (takenByNode.has(name) ? 'evil' : () => 'evil'),
};

/** What an interceptor may answer instead of the server. */
const madeUp = { status: 200, ok: true, text: () => of('made up') } as unknown as library.HTTPResponse;

async function sizeOf(body: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of body) size += chunk.length;
  return size;
}

/** Each step in words: what the server saw, as it says in its response, or the error. */
async function work(): Promise<string> {
  const told: string[] = [];
  const step = async (what: string, make: () => Observable<unknown>): Promise<void> => {
    try {
      told.push(`${what}: ${JSON.stringify(await lastValueFrom(make()))}`);
    } catch (error) {
      const { message } = error as Error;
      const cause = Object.hasOwn(error as Error, 'cause') ? (error as Error).cause : undefined;
      const code = isHTTPClientError(error) ? `${error.code} ${error.phase}` : '';
      told.push(`${what}: ${code} ${message} (${cause instanceof Error ? cause.message : typeof cause})`);
    }
  };
  const origin = `http://127.0.0.1:${task.http}`;
  const pool = new HTTPConnectionPool();
  const agent = new Agent({ pool, headers: { 'X-Agent': '1' } });
  const observer = { sent: () => told.push('observed: sent') };
  const lease = (request: object): Observable<unknown> =>
    pool.use('lease', tcp({ host: '127.0.0.1', port: task.http }), protocol =>
      protocol.request(request as library.ProtocolRequest).pipe(text()),
    );
  await step('get', () => agent.get(`${origin}/get?a=1`).pipe(text()));
  await step('observed', () => agent.get(`${origin}/get`, { observer, headers: { A: '1' } }).pipe(text()));
  await step('post', () => agent.post(`${origin}/post`, 'body', { headers: [['A', '1']] }).pipe(text()));
  await step('json', () => agent.put(`${origin}/json`, undefined, { json: { a: [1] } }).pipe(text()));
  await step('form', () => agent.request({ url: `${origin}/form`, method: 'POST', form: { a: 1 } }).pipe(text()));
  await step('query', () => agent.get(`${origin}/query`, { query: { a: [1, 2] } }).pipe(text()));
  await step('map', () => agent.get(`${origin}/map`, { headers: new Map([['A', '1']]) }).pipe(text()));
  await step('observable', () => agent.post(`${origin}/observable`, of('a', 'b')).pipe(text()));
  await step('bytes', () => agent.post(`${origin}/bytes`, new Uint8Array(40_000).fill(97)).pipe(text()));
  await step('pull', () =>
    agent.get(`${origin}/large`).pipe(mergeMap(response => response.body.pull(chunk => of(chunk.length > 0)))),
  );
  await step('body', () => agent.get(`${origin}/get`).pipe(mergeMap(response => response.body)));
  await step('pull, small', () =>
    agent.get(`${origin}/get`).pipe(mergeMap(response => response.body.pull(chunk => of(chunk.length > 0)))),
  );
  await step('iterate', () => agent.get(`${origin}/get`).pipe(mergeMap(response => sizeOf(response.body))));
  await step('made up', () =>
    new Agent({ pool, interceptors: [() => of(madeUp)] }).get(origin).pipe(throwIfNotOk(), text()),
  );
  await step('signal', () => {
    const timeouts = { total: 5_000, headers: 4_000, acquire: 3_000 };
    return agent.get(`${origin}/slow`, { signal: new AbortController().signal, timeouts }).pipe(text());
  });
  await step('retry', () => agent.get(`${origin}/die`).pipe(text()));
  await step('extend', () =>
    agent
      .extend({ headers: { B: '2' } })
      .get(`${origin}/extend`)
      .pipe(text()),
  );
  await step('status', () => agent.get(`${origin}/404`).pipe(throwIfNotOk(), text()));
  await step('truncated', () => agent.get(`${origin}/truncated`).pipe(text()));
  await step('no JSON', () => agent.get(`${origin}/large`).pipe(library.json()));
  await step('events', () =>
    agent.requestEvents({ url: `${origin}/slow`, observer: { informational: () => undefined } }).pipe(
      map(event => {
        if (event.type === 'response') event.response.discard().subscribe();
        return event.type;
      }),
      toArray(),
    ),
  );
  await step('with', () => {
    const request = new HTTPRequest({ url: `${origin}/with`, headers: HTTPHeaders.from({ A: '1' }) });
    return agent.request(request.with({ headers: { B: '2' } })).pipe(text());
  });
  await step('lease', () => lease({ path: '/lease' }));
  await step('lease, no path', () => lease({}));
  await step('lease, a whole URL', () => lease({ path: 'http://evil.test/' }));
  await step('lease, no body', () => lease({ path: '/', method: 'POST', body: {} }));
  await step('no URL', () => agent.request({} as library.HTTPRequestInit));
  await step('no body', () => agent.post(origin, {} as library.AgentBody));
  await step('no headers', () => agent.get(origin, { headers: { 'A:': '1' } }));
  await step('unix', () => pool.use('unix', unix(task.unix), leased => leased.request({ path: '/unix' }).pipe(text())));
  await step('tls', () =>
    new Agent({ pool, connect: { ca: task.ca } }).get(`https://127.0.0.1:${task.https}/`).pipe(text()),
  );
  await step('tls, no CA', () => agent.get(`https://127.0.0.1:${task.https}/`).pipe(text()));
  const byProxy = { pool, connect: { ca: task.ca } };
  const through = new Agent({ ...byProxy, proxy: task.proxy });
  await step('proxy', () => through.get(`${origin}/proxied`).pipe(text()));
  const chosen = new Agent({ ...byProxy, proxy: () => ({ url: task.proxy, headers: { A: '1' } }) });
  await step('proxy, chosen', () => chosen.post(`${origin}/chosen`, 'body').pipe(text()));
  const proxy = library.proxyFromEnvironment({ http_proxy: task.proxy, no_proxy: 'b' });
  await step('proxy, named', () => new Agent({ ...byProxy, proxy }).get(`${origin}/named`).pipe(text()));
  // Without TLS inside: of that Node makes a stream with options off the prototype.
  const { hostname, port } = new URL(task.proxy);
  const proxy$ = tcp({ host: hostname, port: Number(port) });
  const tunnel$ = library.tunnel(proxy$, { host: '127.0.0.1', port: task.http, headers: { A: '1' } });
  await step('tunnel', () => pool.use('tunnel', tunnel$, leased => leased.request({ path: '/in' }).pipe(text())));
  await step('tunnel refused', () =>
    library.tunnel(tcp({ host: '127.0.0.1', port: task.http }), { host: 'a.test', port: 1 }),
  );
  // All of them, and something to do for each: it is sent on, busy, denied, and then answered.
  const answers = [302, 503, 401, 200];
  const staged: library.HTTPInterceptor = (request, next) =>
    next(request).pipe(
      map(response =>
        response.with({ status: answers.shift() ?? 200, headers: [['Location', '/sent-on'], ...response.headers] }),
      ),
    );
  const jar = { getCookieString: () => Promise.resolve('a=1'), setCookie: () => undefined };
  const interceptors = [
    library.throwOnStatus(),
    library.limitBody(1_000_000),
    library.followRedirects(),
    library.retryFailures({ baseDelay: 1 }),
    library.cookies(jar),
    library.bearerAuth(() => Promise.resolve('token'), { origins: origin }),
    library.userAgent('a'),
    library.rateLimit({ concurrency: 1 }),
    staged,
  ];
  await step('interceptors', () => new Agent({ pool, interceptors }).get(`${origin}/start`).pipe(text()));
  const basic = library.basicAuth('user', 'password', { origins: origin });
  await step('basic', () => new Agent({ pool, interceptors: [basic] }).get(`${origin}/basic`).pipe(text()));
  await step('self-signed', () => tls({ host: '127.0.0.1', port: task.selfSigned, ca: task.ca }));
  await step('refused', () => agent.get('http://127.0.0.1:1/').pipe(text()));
  await step('close', () => pool.close({ gracePeriod: 0 }));
  await step('closed', () => agent.get(origin));
  return told.join('\n').replace(/waited \d+ ms/g, '');
}

/** Puts something under each of the names on the prototype; returns how to take it off again. */
function pollute(names: readonly PropertyKey[], as: (name: PropertyKey) => PropertyDescriptor): () => void {
  for (const name of names) defineProperty(Object.prototype, name, descriptor({ ...as(name), configurable: true }));
  return () => {
    for (const name of names) Reflect.deleteProperty(Object.prototype, name);
  };
}

async function workWith(names: readonly PropertyKey[], as: (name: PropertyKey) => PropertyDescriptor): Promise<string> {
  const clean = pollute(names, as);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>(resolve => (timer = setTimeout(() => resolve('hangs'), 10_000)));
  try {
    // A step that never comes to its end is a finding as well.
    return await Promise.race([work(), late]);
  } finally {
    clean();
    clearTimeout(timer);
  }
}

function differences(expected: string, got: string): string {
  const known = new Set(expected.split('\n'));
  return got
    .split('\n')
    .filter(line => !known.has(line))
    .join('\n');
}

const uncaught: string[] = [];
process.on('uncaughtException', error => void uncaught.push(`uncaught: ${String(error)}`));
process.on('unhandledRejection', error => void uncaught.push(`unhandled: ${String(error)}`));

async function values(expected: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  const symbols: PropertyKey[] = [Symbol.iterator, Symbol.asyncIterator];
  const attempt = async (names: readonly PropertyKey[], kind: string): Promise<string> => {
    const got = await workWith(names, name => ({
      value: kinds[kind](name as string),
      writable: true,
      enumerable: true,
    }));
    return [differences(expected, got), ...uncaught.splice(0)].filter(line => line !== '').join('\n');
  };
  // Which of them it was is found by halves.
  const search = async (names: readonly PropertyKey[], kind: string): Promise<void> => {
    const got = await attempt(names, kind);
    if (got === '' || findings.length >= 20) return;
    const before = findings.length;
    if (names.length > 1) {
      await search(names.slice(0, names.length >> 1), kind);
      await search(names.slice(names.length >> 1), kind);
    }
    if (findings.length === before) findings.push({ name: names.map(String).join(' and '), value: kind, got });
  };
  for (const kind of Object.keys(kinds)) {
    await search([...task.names, ...(kind === 'harm' || kind === 'function' ? symbols : [])], kind);
  }
  return findings;
}

/** Which lines of this script, the library among them, read a name off the prototype. */
async function reads(expected: string): Promise<Finding[]> {
  const lines = new Map<string, Finding>();
  Error.stackTraceLimit = 2;
  const got = await workWith(task.names, name => ({
    get() {
      // The frame of whoever reads; Node's own code is not ours to judge.
      const line = /\[stdin\]:(\d+)/.exec(new Error().stack!.split('\n')[2] ?? '')?.[1];
      if (line !== undefined) lines.set(`${String(name)} ${line}`, { name: String(name), value: 'read', got: line });
      return undefined;
    },
    set(this: object, value: unknown) {
      defineProperty(this, name, descriptor({ value, writable: true, enumerable: true, configurable: true }));
    },
  }));
  const changed = differences(expected, got);
  return [...lines.values(), ...(changed === '' ? [] : [{ name: 'the getters', value: 'read', got: changed }])];
}

void (async () => {
  const expected = await work();
  const again = await work();
  const findings = expected === again ? await { values, reads }[task.mode](expected) : [];
  if (expected !== again) findings.push({ name: 'nothing', value: 'nothing', got: differences(expected, again) });
  console.log(JSON.stringify({ steps: expected.split('\n'), findings }));
})();
