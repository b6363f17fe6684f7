import { inspect } from 'node:util';
import { lastValueFrom, throwError } from 'rxjs';
import { refusedPort } from '../loopback/index.js';
import { record } from '../support/index.js';
import { stageOf, type Attacks, type Library } from './attack.js';

const secret = /hunter2|SECRET|aHVudGVyMg|YWxpY2U6/;
const url = 'http://alice:hunter2@example.test/path?token=SECRET#SECRET';
const headers = {
  Authorization: 'Bearer SECRET',
  Cookie: 'sid=SECRET',
  'Proxy-Authorization': 'Basic SECRET',
  'X-API-Key': 'SECRET',
  'X-Auth-Token': 'SECRET',
};
const fields = 'Set-Cookie: sid=SECRET\r\nX-Session: SECRET\r\n';

/** Each way in which an error comes into a log, hidden properties included; only who calls getters asks for what they give. */
function printed(what: string, error: unknown): string[] {
  const shown = [
    String(error),
    inspect(error),
    inspect(error, { depth: Infinity, showHidden: true }),
    JSON.stringify(error),
    JSON.stringify({ ...(error as object) }),
  ];
  for (let at = error; at instanceof Error; at = at.cause) shown.push(at.message, at.stack ?? '');
  const bad = shown.find(text => secret.test(text));
  return bad === undefined ? [] : [`${what}: ${secret.exec(bad)![0]} in ${bad.slice(0, 300)}`];
}

function thrown(what: string, make: () => unknown): string[] {
  try {
    make();
    return [`${what} was accepted`];
  } catch (error) {
    return printed(what, error);
  }
}

/** How a request comes to each error, given a stage with the secrets in it. */
function failures(library: Library): Record<string, () => unknown> {
  const failed = (bytes: string, end?: 'fin' | 'reset'): unknown => {
    const { agent, transports } = stageOf(library, { headers });
    const seen = record(agent.get(url).pipe(library.throwIfNotOk(), library.text()));
    transports[0].respond(bytes);
    if (end !== undefined) transports[0][end]();
    return seen.error;
  };
  const late = (advance: number, options: object, bytes = ''): unknown => {
    const stage = stageOf(library, { headers });
    const seen = record(stage.agent.get(url, options).pipe(library.bytes()));
    if (bytes !== '') stage.transports[0].respond(bytes);
    stage.clock.advance(advance);
    return seen.error;
  };
  const head = `HTTP/1.1 200 OK\r\n${fields}Content-Length: 10\r\n\r\nabc`;
  const broken = (cause: unknown): unknown =>
    record(stageOf(library, { headers, endpoint: () => throwError(() => cause) }).agent.get(url)).error;
  return {
    HTTPStatusError: () => failed(`HTTP/1.1 500 No\r\n${fields}Content-Length: 0\r\n\r\n`),
    ParseError: () => failed(`HTTP/1.1 200 OK\r\n${fields}SECRET\r\n\r\n`),
    HeadersOverflowError: () => failed(`HTTP/1.1 200 OK\r\n${fields}${'A: SECRET\r\n'.repeat(5_000)}`),
    TruncatedBodyError: () => failed(head, 'fin'),
    ResponseFailedError: () => failed('HTTP/1.1 200 OK\r\nSet-Cookie: SECRET', 'reset'),
    ResponseNeverReceivedError: () => failed('', 'reset'),
    HeadersTimeoutError: () => late(100, { timeouts: { headers: 10 } }),
    BodyTimeoutError: () => late(100, { timeouts: { bodyIdle: 10 } }, head),
    TotalTimeoutError: () => late(100, { timeouts: { total: 10 } }),
    ConnectError: () => broken(new Error('no')),
    InvalidRequestError: () => record(stageOf(library).agent.get(url, { headers: { Host: 'alice:hunter2@x' } })).error,
    'ResponseFailedError, no JSON': () => {
      const { agent, transports } = stageOf(library, { headers });
      const seen = record(agent.get(url).pipe(library.json()));
      transports[0].respond('HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\ntoken=SECRET');
      return seen.error;
    },
    'InvalidRequestError, a line as a name': () =>
      record(stageOf(library).agent.get(url, { headers: { 'Authorization: Bearer SECRET': '' } })).error,
    'InvalidRequestError, text as headers': () =>
      record(stageOf(library).agent.get(url, { headers: 'Authorization: Bearer SECRET' as never })).error,
    'InvalidRequestError, a value': () =>
      record(stageOf(library).agent.get(url, { headers: { Authorization: 'Bearer SECRET\n' } })).error,
    'InvalidRequestError, a body': () => record(stageOf(library).agent.post(url, { a: 'SECRET' } as never)).error,
    BodyUsedError: () => {
      const { agent, transports } = stageOf(library, { headers });
      let error: unknown;
      agent.get(url).subscribe(response => {
        response.text().subscribe();
        error = record(response.text()).error;
      });
      transports[0].respond(`HTTP/1.1 200 OK\r\n${fields}Content-Length: 1\r\n\r\nx`);
      return error;
    },
  };
}

/** URLs that are none, or not allowed, with credentials in every place where somebody may put them. */
const noURLs = [
  'http://alice:hunter2@ho st/',
  'http://alice:hunter2',
  'http://alice:hunter2/',
  'http://alice:hunter2＠host/',
  'http:/\\alice:hunter2@ho st/',
  'https://hunter2@[::1/',
  'http://a@b:hunter2@ho st/',
  'http://alice:hunter2@host:99999/?token=SECRET',
  'http://host:port/?token=SECRET',
  '//alice:hunter2@host/',
  'ftp://alice:hunter2@host/?SECRET',
  '\talice:hunter2@host/',
  'http://ho st/#SECRET',
];

export const secrets: Attacks = {
  'CVE-2026-48615: every error of a request, printed in every way': library =>
    Object.entries(failures(library)).flatMap(([name, fail]) => {
      const error = fail();
      // It is the error that it should be.
      if (!library.isHTTPClientError(error)) return [`${name}: ${String(error)}`];
      return name.startsWith(error.name) ? printed(name, error) : [`${name} is ${error.name}`];
    }),

  'CVE-2026-48615: headers that are printed': library => {
    const { agent, transports } = stageOf(library, { headers });
    const seen = record(agent.get(url));
    transports[0].respond(`HTTP/1.1 200 OK\r\n${fields}Content-Length: 0\r\n\r\n`);
    const [response] = seen.values;
    return [response.headers, response.request.headers].flatMap(each => {
      const text = inspect(each, { depth: Infinity }) + inspect({ each }, { depth: Infinity });
      return secret.test(text) ? [text.slice(0, 300)] : [];
    });
  },

  'CVE-2026-48615: URLs that are none': library =>
    noURLs.flatMap(text => [
      ...printed(text, record(stageOf(library).agent.get(text)).error ?? 'no error'),
      ...printed(text, record(stageOf(library, { baseURL: 'http://a.test/x' }).agent.get(text)).error ?? 'no error'),
      ...(/^\w+:\/\/host|^http:\/\/alice:hunter2＠/.test(text)
        ? []
        : thrown(text, () => new library.Agent({ baseURL: text }))),
    ]),

  'CVE-2026-48615: a wrong value of every option that may be a secret, or hold one': library => {
    const tls = { host: 'example.test', port: 443 };
    const agent = (options: object): unknown => new library.Agent(options);
    const credentials = 'alice:hunter2@example.test';
    return [
      ...thrown('connect', () => agent({ connect: 'SECRET' })),
      ...thrown('headers', () => agent({ headers: 'Authorization: SECRET' })),
      ...thrown('a header', () => agent({ headers: { 'Authorization: SECRET': '' } })),
      ...thrown('interceptors', () => agent({ interceptors: [{ token: 'SECRET' }] })),
      ...thrown('pool', () => agent({ pool: () => 'SECRET' })),
      ...thrown('endpoint', () => agent({ endpoint: { token: 'SECRET' } })),
      ...thrown('timeouts', () => agent({ timeouts: { total: { token: 'SECRET' } } })),
      ...thrown('passphrase', () => library.tls({ ...tls, passphrase: { SECRET: 1 } as never })),
      ...thrown('key', () => library.tls({ ...tls, key: Symbol('SECRET') as never })),
      ...thrown('cert', () => library.tls({ ...tls, cert: (() => 'SECRET') as never })),
      ...thrown('host', () => library.tcp({ host: credentials, port: 80 })),
      ...thrown('servername', () => library.tls({ ...tls, servername: credentials })),
      ...thrown('authority', () => library.duplex(() => undefined as never, { authority: `${credentials} ` })),
      ...thrown('localAddress', () => library.tcp({ host: 'a', port: 80, localAddress: credentials })),
      ...printed('signal', record(stageOf(library).agent.get(url, { signal: { token: 'SECRET' } as never })).error),
    ];
  },

  'CVE-2026-48615: keys and passphrases that do not fit, events and stats': async library => {
    const port = await refusedPort();
    const told: unknown[] = [];
    const findings: string[] = [];
    const wrong: object[] = [{ key: 'SECRET', cert: 'SECRET' }, { pfx: 'SECRET', passphrase: 'SECRET' }, { ca: 'x' }];
    for (const connect of wrong) {
      const agent = new library.Agent({ connect, headers });
      agent.pool.events.subscribe(event => told.push(event));
      const error: unknown = await lastValueFrom(agent.get(`https://alice:hunter2@127.0.0.1:${port}/?t=SECRET`)).catch(
        (reason: unknown) => reason,
      );
      findings.push(...printed('connect', error));
      told.push(agent.pool.stats(), agent);
      await lastValueFrom(agent.close({ gracePeriod: 0 }));
    }
    return [...findings, ...told.flatMap(event => printed('an event', event))];
  },
};
