import { Observable, of, throwError } from 'rxjs';
import type { ConnectOptions, HTTPRequestInit } from '../../src/index.js';
import { ca } from '../loopback/index.js';
import { FakeTransport, microtasks, record, VirtualClock } from '../support/index.js';
import { shown, stageOf, type Attacks } from './attack.js';

const url = 'http://example.test/';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

/** Values of every type, and objects that are not what they seem. */
const strange: Readonly<Record<string, unknown>> = {
  null: null,
  'a symbol': Symbol('x'),
  'a bigint': 10n,
  NaN: NaN,
  '-0': -0,
  'a huge number': Number.MAX_VALUE,
  'a lone surrogate': '\ud800',
  'an empty string': '',
  true: true,
  'an array': ['a'],
  'an object': { a: 1 },
  'an object without a prototype': Object.create(null),
  'an object whose words throw': {
    toString: () => {
      throw new Error('words');
    },
  },
  'a function': () => 'a',
  'a proxy that throws': new Proxy(
    {},
    {
      get: () => {
        throw new Error('proxy');
      },
    },
  ),
};

class Inherited {
  get headers(): object {
    return { Evil: '1' };
  }
  get body(): string {
    return 'evil';
  }
}

export const options: Attacks = {
  'GHSA-777c-7fjr-54vf: a strange value of an option of a request has one outcome': async library => {
    const findings: string[] = [];
    const names = ['url', 'method', 'headers', 'body', 'json', 'form', 'query', 'timeouts', 'signal', 'observer'];
    for (const name of [...names, 'context', 'idempotent', 'nothing']) {
      for (const [what, value] of Object.entries(strange)) {
        const stage = stageOf(library);
        const init = { url, method: 'POST', [name]: value } as unknown as HTTPRequestInit;
        const seen = record(stage.agent.request(init));
        await microtasks();
        stage.transports[0]?.respond(ok);
        await microtasks();
        if (seen.terminals !== 1) findings.push(`${name}, ${what}: ${seen.terminals} outcomes`);
        // A getter's own error comes as it is.
        const own = /^(words|proxy)$/.test((seen.error as Error | undefined)?.message ?? '');
        if (seen.error !== undefined && !library.isHTTPClientError(seen.error) && !own) {
          findings.push(`${name}, ${what}: ${seen.outcome}`);
        }
      }
    }
    return findings;
  },

  'GHSA-777c-7fjr-54vf: whatever an endpoint fails with, the get has its error': library => {
    const circular = Object.assign(new Error('x'), { errors: [] as unknown[] });
    circular.errors.push(circular);
    const frozen = Object.freeze(new library.ConnectError('x'));
    return Object.entries({ ...strange, circular, frozen }).flatMap(([what, cause]) => {
      const seen = record(stageOf(library, { endpoint: () => throwError(() => cause) }).agent.get(url));
      return library.isHTTPClientError(seen.error) ? [] : [`${what}: ${seen.outcome}`];
    });
  },

  'GHSA-777c-7fjr-54vf: an iterator whose result throws fails its request': async library => {
    const result = Object.defineProperty({}, 'done', {
      get: () => {
        throw new Error('done');
      },
    });
    const body = { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(result) }) } as never;
    const seen = stageOf(library).send({ url, method: 'POST', body });
    await microtasks();
    return seen.outcome === 'RequestGenerationFailedError' ? [] : [seen.outcome];
  },

  'CVE-2026-67319: own properties only, read once, whatever holds them': library => {
    const findings: string[] = [];
    const reads = new Map<string, number>();
    const counting = (target: object): object =>
      new Proxy(target, {
        get: (given, name: string) => {
          reads.set(name, (reads.get(name) ?? 0) + 1);
          return Reflect.get(given, name) as unknown;
        },
      });
    const plain = { url, method: 'POST', headers: { A: '1' }, body: 'x', timeouts: { headers: 1_000 } };
    const expected = stageOf(library);
    expected.send(plain);
    const given: Record<string, object> = {
      frozen: Object.freeze({ ...plain }),
      'without a prototype': Object.assign(Object.create(null) as object, plain),
      'a class instance': Object.assign(new (class extends Object {})(), plain),
      'a proxy': counting(plain),
    };
    for (const [what, init] of Object.entries(given)) {
      const stage = stageOf(library);
      stage.send(init as HTTPRequestInit);
      if (stage.wire !== expected.wire) findings.push(`${what}: ${shown(stage.wire)}`);
    }
    for (const [name, count] of reads) if (count > 1) findings.push(`${name} was read ${count} times`);
    const heir = stageOf(library);
    heir.send(Object.assign(new Inherited(), { url }) as HTTPRequestInit);
    if (/evil/i.test(heir.wire)) findings.push('inherited options were taken');
    return findings;
  },

  'CVE-2018-12116: what is changed after the call has no effect (TOCTOU)': library => {
    const findings: string[] = [];
    const init = { url, method: 'POST', headers: { A: '1' } as Record<string, string>, query: { a: '1' }, body: 'x' };
    const { transports, agent } = stageOf(library);
    const request$ = agent.request(init);
    const post$ = agent.post(url, 'x', init);
    Object.assign(init, { url: 'http://evil.test/', method: 'DELETE /evil', body: 'evil' });
    Object.assign(init.headers, { 'Evil\r\n': 'evil' });
    Object.assign(init.query, { evil: '1' });
    for (const request of [request$, post$])
      request.subscribe({ error: (error: unknown) => findings.push(String(error)) });
    for (const { written } of transports) if (/evil|DELETE/i.test(written)) findings.push(shown(written));
    return transports.length === 2 ? findings : [...findings, `${transports.length} requests`];
  },

  'CVE-2018-12116: the request of a lease that is changed before its retry': library => {
    const pool = new library.HTTPConnectionPool({ scheduler: new VirtualClock(), validateIdle: false });
    const transports: FakeTransport[] = [];
    const endpoint$ = new Observable<FakeTransport>(subscriber => {
      subscriber.next(transports[transports.push(new FakeTransport()) - 1]);
      subscriber.complete();
    });
    const request = { path: '/one', headers: {} as Record<string, string> };
    const send = (): { terminals: number } => record(pool.use('key', endpoint$, lease => lease.request(request)));
    send();
    transports[0].respond(ok);
    const seen = send();
    Object.assign(request, { path: '/two' });
    Object.assign(request.headers, { 'no token': '1' });
    transports[0].reset();
    const written = transports.at(-1)!.written.split('\r\n')[0];
    transports.at(-1)!.respond(ok);
    return written === 'GET /one HTTP/1.1' && seen.terminals === 1 ? [] : [`${written}, ${seen.terminals} outcomes`];
  },

  'GHSA-hm92-r4w5-c3mj: TLS options that are changed after the agent is made, or bring a way of their own': library => {
    const findings: string[] = [];
    const connect = { ca: [ca], rejectUnauthorized: true } as ConnectOptions & { ca: string[] };
    const pool = new library.HTTPConnectionPool();
    const seen: unknown[] = [];
    const agent = new library.Agent({ pool, connect });
    const extended = (): unknown => agent.extend({});
    Object.assign(connect, { rejectUnauthorized: false, lookup: () => seen.push('evil') });
    connect.ca.push('evil');
    for (const one of [agent, extended() as typeof agent])
      one.get('https://localhost:1/').subscribe({ error: () => 0 });
    if (seen.length > 0) findings.push('a lookup that came later was asked');
    try {
      new library.Agent({ connect: { over: of() } as ConnectOptions });
      findings.push('connect.over, of which the key does not tell');
    } catch {
      // As it should be.
    }
    return findings;
  },

  'CVE-2026-42264: idempotent is yes or no, and not a word for it': library => {
    const words = ['false', 'no', '0', 1, {}];
    return words.flatMap(idempotent => {
      const request = { path: '/', method: 'POST', idempotent } as never;
      const { outcome } = stageOf(library).send({ url, method: 'POST', idempotent } as never);
      const findings = library.isIdempotent(request) ? [`isIdempotent: ${shown(idempotent)}`] : [];
      return outcome === 'InvalidOptionError' ? findings : [...findings, `${shown(idempotent)}: ${outcome}`];
    });
  },
};
