import type { AgentBody, HTTPHeadersInit, HTTPHeaders } from '../../src/index.js';
import { microtasks, readRequests } from '../support/index.js';
import { shown, stageOf, type Attacks, type Library } from './attack.js';

/** What ends a line, or has ended one when it was cut to eight bits, and what ends text in C. */
const breaks = ['\r', '\n', '\r\n', '\0', '\u010a', '\u010d', '\u0d0a', '\u2028', '\ud800'];

/** Sends it; a finding if anything went out that is not one request without an Evil header. */
async function smuggled(library: Library, what: string, init: object): Promise<string[]> {
  const stage = stageOf(library);
  stage.send({ url: 'http://example.test/', ...init });
  await microtasks();
  if (stage.wire === '') return [];
  // Also by a line end that only some servers take for one.
  if (/[\r\n\0]Evil/.test(stage.wire)) return [`${what} wrote ${shown(stage.wire)}`];
  try {
    const [request, ...more] = readRequests(Buffer.from(stage.wire, 'latin1'));
    const evil = more.length > 0 || request.headers.some(([name]) => name === 'evil');
    return evil ? [`${what} wrote ${shown(stage.wire)}`] : [];
  } catch (error) {
    return [`${what} wrote what is no request: ${String(error)}`];
  }
}

async function eachSmuggled(library: Library, cases: Iterable<readonly [string, object]>): Promise<string[]> {
  const findings: string[] = [];
  for (const [what, init] of cases) findings.push(...(await smuggled(library, what, init)));
  return findings;
}

/** A blob, or a file, whose type and name are not what its class allows. */
function lying<B extends Blob>(blob: B, lies: Readonly<Record<string, () => unknown>>): B {
  for (const [name, get] of Object.entries(lies)) Object.defineProperty(blob, name, { get });
  return blob;
}

/** Harmless when it is looked at first. */
function changing(first: string, then: string): () => string {
  let asked = 0;
  return () => (asked++ === 0 ? first : then);
}

/** All ways to give the same headers. */
function shapes(pairs: readonly (readonly [string, string])[]): HTTPHeadersInit[] {
  const record: Record<string, string[]> = {};
  for (const [name, value] of pairs) (record[name] ??= []).push(value);
  const iterable: Iterable<readonly [string, string]> = { [Symbol.iterator]: () => pairs[Symbol.iterator]() };
  return [pairs, record, iterable, Object.assign(Object.create(null) as object, record) as Record<string, string[]>];
}

export const injection: Attacks = {
  'CVE-2022-31150, CVE-2018-12116: line ends, NUL, and what is cut to them, in method, path, names and values':
    library =>
      eachSmuggled(
        library,
        breaks.flatMap(cut => {
          const evil = `a${cut}Evil: 1`;
          const at = (init: object): readonly [string, object] => [JSON.stringify(init), init];
          return [
            at({ method: `GET / HTTP/1.1${cut}Evil: 1` }),
            at({ method: evil }),
            at({ headers: { [evil]: '1' } }),
            at({ headers: { A: evil } }),
            at({ headers: [['A', evil]] }),
            at({ headers: { Cookie: evil } }),
            at({ headers: { Connection: evil } }),
            at({ headers: { TE: evil } }),
            at({ url: `http://example.test/${evil}` }),
            at({ url: `http://example.test/?${evil}` }),
            at({ url: `http://a${cut}Evil@example.test/` }),
            at({ query: { [evil]: evil } }),
            at({ method: 'POST', form: { [evil]: evil } }),
          ];
        }),
      ),

  'CVE-2022-31150: the path that a lease is given': library => {
    const findings: string[] = [];
    for (const cut of [...breaks, ' ', '\t', 'ä', '#']) {
      const { agent, transports } = stageOf(library);
      agent.get('http://example.test/').subscribe();
      transports[0].respond('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      const before = transports[0].writes.length;
      const path = `/a${cut}Evil:1`;
      const lease$ = agent.pool.use('http://example.test:80', undefined as never, lease => lease.request({ path }));
      lease$.subscribe({ error: () => undefined });
      if (transports[0].writes.length > before) findings.push(`${shown(path)} was written`);
    }
    return findings;
  },

  'CVE-2022-35948 (GHSA-f772-66g8-q5h3), GHSA-m8rv-5g2x-5cg5, GHSA-445q-vr5w-6q77: content types, names and files':
    library => {
      const evil = 'text/plain\r\nEvil: 1';
      const form = new FormData();
      form.append('a"\r\nEvil: 1', 'x\r\nEvil: 1');
      form.append('file', new File(['x'], 'a"\r\nEvil: 1\r\n\r\n', { type: evil }));
      const liar = new FormData();
      const name = (): unknown => ({ replace: () => 'x"\r\nEvil: 1' });
      liar.append('file', lying(new File(['x'], 'x'), { type: () => evil, name }));
      const bodies: Record<string, AgentBody> = {
        'a blob': new Blob(['x'], { type: evil }),
        'a blob whose type changes': lying(new Blob(['x']), { type: changing('text/plain', evil) }),
        'a blob that lies at once': lying(new Blob(['x']), { type: () => evil }),
        'a file': new File(['x'], 'x', { type: evil }),
      };
      return eachSmuggled(library, [
        ...Object.entries(bodies).map(([what, body]) => [what, { method: 'POST', body }] as const),
        ['a content type', { method: 'POST', body: 'x', headers: { 'Content-Type': evil } }],
      ]).then(async findings => {
        for (const [what, body] of [['a form', form] as const, ['a form of files that lie', liar] as const]) {
          const stage = stageOf(library);
          stage.send({ url: 'http://example.test/', method: 'POST', body });
          for (let i = 0; i < 20; i++) await microtasks();
          // In the head of the request or of a part; in the content of a field it is what it is.
          const heads = stage.wire.split(/\r\n----form|------form/).map(part => part.split('\r\n\r\n')[0]);
          if (heads.some(head => /\nEvil/.test(head))) findings.push(`${what} wrote a line of its own`);
        }
        return findings;
      });
    },

  'CVE-2023-23936 (GHSA-5r9g-qh6m-jxff): the Host header': library =>
    [...breaks, ' ', '/', '\\', '@', '?', '#', '[', ':'].flatMap(cut => {
      const host = `example.test${cut}evil.test`;
      const stage = stageOf(library);
      stage.send({ url: 'http://example.test/', headers: { Host: host } });
      return stage.wire === '' ? [] : [`Host ${shown(host)} was written`];
    }),

  'CVE-2026-1525: two of Host, Content-Length or Transfer-Encoding, in whatever case and shape': library => {
    const findings: string[] = [];
    const twice = [
      ['Host', 'a.test', 'b.test'],
      ['Host', 'a.test', 'a.test'],
      ['Content-Length', '1', '2'],
      ['Content-Length', '1', '1'],
      ['Transfer-Encoding', 'chunked', 'chunked'],
      ['Transfer-Encoding', 'chunked', 'identity'],
    ] as const;
    for (const [name, one, two] of twice) {
      for (const other of [name, name.toLowerCase(), name.toUpperCase()]) {
        for (const headers of shapes([
          [name, one],
          ['A', '1'],
          [other, two],
        ])) {
          const stage = stageOf(library);
          stage.send({ url: 'http://example.test/', method: 'POST', body: 'x', headers });
          if (stage.wire !== '') findings.push(`${name}: ${one} and ${other}: ${two} were written`);
        }
      }
    }
    return findings;
  },

  'CVE-2026-1527: the Upgrade header': library =>
    eachSmuggled(
      library,
      breaks.map(cut => [`Upgrade ${shown(cut)}`, { headers: { Upgrade: `websocket${cut}Evil: 1` } }] as const),
    ),

  'GHSA-6cv7-626c-qhqw: all shapes of headers are the same bytes': library => {
    const pairs = [
      ['Accept', 'a'],
      ['X-A', '1'],
      ['X-A', '2'],
      ['Cookie', 'c=1'],
    ] as const;
    const seen = new Set<string>();
    const all = [...shapes(pairs), library.HTTPHeaders.from(pairs), new Map([['X', '1']])];
    for (const headers of all.slice(0, -1)) {
      const stage = stageOf(library);
      stage.send({ url: 'http://example.test/', headers });
      seen.add(stage.wire);
    }
    const map = stageOf(library);
    map.send({ url: 'http://example.test/', headers: all[all.length - 1] });
    if (!map.wire.includes('X: 1\r\n')) seen.add('a Map is not understood');
    return seen.size === 1 ? [] : [...seen];
  },

  'GHSA-p88m-4jfj-68fv: header values are never decoded': library => {
    const stage = stageOf(library);
    const value = 'a=%0D%0AEvil:%201; Path=%2F';
    const seen = stage.send({ url: 'http://example.test/' });
    stage.transports[0].respond(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: ${value}\r\n\r\n`);
    const [response] = seen.values as { headers: HTTPHeaders }[];
    return response.headers.get('set-cookie') === value ? [] : [String(response.headers.get('set-cookie'))];
  },

  'CVE-2025-22150 (GHSA-c76h-2ccp-4975), CVE-2025-7783 (GHSA-fjxv-7rqg-78g4): boundaries cannot be guessed':
    library => {
      const { random } = Math;
      const boundaries = new Set<string>();
      let guessed = 0;
      Math.random = () => (guessed++, 0.5);
      try {
        for (let i = 0; i < 200; i++) {
          const stage = stageOf(library);
          stage.send({ url: 'http://example.test/', method: 'POST', body: new FormData() });
          boundaries.add(/boundary=(\S+)/.exec(stage.wire)?.[1] ?? 'none');
        }
      } finally {
        Math.random = random;
      }
      const short = [...boundaries].filter(boundary => boundary.replace(/[^0-9a-f]/g, '').length < 30);
      // Connections are jittered by Math.random as well, so that its calls are no finding.
      void guessed;
      return boundaries.size === 200 && short.length === 0 ? [] : [`${boundaries.size} of 200 boundaries`, ...short];
    },

  'CVE-2026-21710: __proto__ and the like are names as any other': library => {
    const findings: string[] = [];
    const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString'];
    const own = Object.fromEntries(names.map(name => [name, '1']));
    for (const init of [
      { headers: own },
      { query: own },
      { method: 'POST', form: own },
      { method: 'POST', json: own },
    ]) {
      const stage = stageOf(library);
      stage.send({ url: 'http://example.test/', ...init });
      for (const name of names)
        if (!stage.wire.includes(name)) findings.push(`${name} was lost in ${JSON.stringify(init)}`);
    }
    const stage = stageOf(library);
    const seen = stage.send({ url: 'http://example.test/' });
    const fields = names.map(name => `${name}: 1\r\n`).join('');
    stage.transports[0].respond(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${fields}\r\n`);
    const [{ headers }] = seen.values as { headers: HTTPHeaders }[];
    for (const name of names) if (headers.get(name) !== '1') findings.push(`${name} did not come back`);
    if (JSON.stringify(headers).split('"1"').length !== names.length + 1) findings.push(JSON.stringify(headers));
    return findings;
  },
};
