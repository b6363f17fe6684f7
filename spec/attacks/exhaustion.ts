import { lastValueFrom, mergeMap, of, toArray, type ObservableInput } from 'rxjs';
import type { AgentBody, HTTPResponse } from '../../src/index.js';
import { turns } from '../loopback/index.js';
import { record } from '../support/index.js';
import { stageOf, timeOf, type Attacks, type Library } from './attack.js';

const url = 'http://example.test/';
const MB = 1_000_000;

/** Not as the Observable that it is as well. */
async function* iterated(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* source;
}

/** Work on a text of that length, for each parser and each pattern on either side. */
function parsers(library: Library): Record<string, (length: number) => () => unknown> {
  const answered = (head: (length: number) => string) => (length: number) => {
    const bytes = `HTTP/1.1 200 OK\r\n${head(length)}Content-Length: 0\r\n\r\n`;
    const limits = { maxHeadSize: 8 * MB, maxHeaderCount: MB };
    return () => {
      const { agent, transports } = stageOf(library, { pool: { limits, validateIdle: false } });
      agent.get(url).subscribe(({ headers }) => [headers.get('a'), headers.toJSON(), headers.without('b').size]);
      transports[0].respond(bytes);
    };
  };
  const sent = (init: (text: string) => object, letter: string) => (length: number) => {
    const text = letter.repeat(length / letter.length);
    return () => stageOf(library).send({ url, ...init(text) });
  };
  const made = (make: (text: string) => unknown, letter: string) => (length: number) => {
    const text = letter.repeat(length / letter.length);
    return () => make(text);
  };
  return {
    'spaces in a value that was received': answered(length => `A: ${' '.repeat(length)}x${' '.repeat(length)}\r\n`),
    'commas in Connection': answered(length => `Connection: ${','.repeat(length)}\r\n`),
    'fields that were received': answered(length => 'a:b\r\n'.repeat(length / 100)),
    'spaces in a value': sent(text => ({ headers: { A: `x${text}x${text}` } }), ' \t'),
    'commas in Connection that is sent': sent(text => ({ headers: { Connection: text } }), 'a,'),
    'commas in TE': sent(text => ({ headers: { TE: text } }), ' ,'),
    'a name': sent(text => ({ headers: { [`${text}:`]: '1' } }), 'a'),
    'a method': sent(text => ({ method: `${text} ` }), 'a'),
    'a Host': sent(text => ({ headers: { Host: `${text}/` } }), 'a.'),
    'a path': sent(text => ({ url: `http://a/${text} #${text}` }), 'a/../'),
    'a URL that is none': sent(text => ({ url: `http://${text} ` }), '@:'),
    'spaces before a URL': sent(text => ({ url: `${text}http://a b` }), ' '),
    'a scheme': sent(text => ({ url: text }), 'a'),
    slashes: sent(text => ({ url: `http:${text}` }), '/\\'),
    'question marks': sent(text => ({ url: `http://a/${text}` }), '?'),
    'a query': sent(text => ({ query: text }), '&='),
    'a form': sent(text => ({ method: 'POST', form: { [text]: text } }), '&'),
    'a host in Unicode (IDN)': sent(text => ({ url: `http://${text}/` }), '一丁七万'),
    'marks on a letter in a host': sent(text => ({ url: `http://a${text}/` }), '\u0300\u0323'),
    'a host for tcp': made(host => library.tcp({ host, port: 80 }), '一丁七万'),
    'marks on a letter in a host for tcp': made(text => library.tcp({ host: `a${text}`, port: 80 }), '\u0300\u0323'),
    'a baseURL': made(baseURL => new library.Agent({ baseURL: `http://${baseURL}@b:c d` }), '@'),
    'a number': sent(text => ({ method: 'POST', body: 'x', headers: { 'Content-Length': text } }), '9'),
    'line ends in a form field': length => {
      const form = new FormData();
      form.append('"\r\n'.repeat(length / 10), '\r\n'.repeat(length / 2));
      return () => stageOf(library).send({ url, method: 'POST', body: form });
    },
  };
}

export const exhaustion: Attacks = {
  'CVE-2023-24807 (GHSA-r6ch-mqf9-qc9w), CVE-2021-3749, GHSA-hfxv-24rg-xrqf: no text takes time that grows with its square':
    library =>
      Object.entries(parsers(library)).flatMap(([what, work]) => {
        const short = timeOf(work(MB / 20));
        // What is quadratic may take hours: it is not tried with ten times as much.
        if (short > 1_000) return [`${what}: ${short} ms for 50 kB`];
        const long = timeOf(work(MB / 2));
        // Once more, as another process may have come between.
        const slow = long > 40 * short + 300 && timeOf(work(MB / 2)) > 40 * short + 300;
        return slow ? [`${what}: ${short} ms for 50 kB, ${long} ms for 500 kB`] : [];
      }),

  'GHSA-62hf-57xw-28j9: no recursion on what callers and servers send': library => {
    const deep = (): unknown => {
      let value: unknown = 1;
      for (let i = 0; i < 100_000; i++) value = [value];
      return value;
    };
    const circular: unknown[] = [];
    circular.push(circular);
    // Some versions of Node can write the first of them.
    const sent = [deep(), circular].map(json => stageOf(library).send({ url, method: 'POST', json }));
    const { agent, transports } = stageOf(library);
    const read = record(agent.get(url).pipe(library.json()));
    const body = '['.repeat(60_000);
    transports[0].respond(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const fails = [...sent.filter(({ error }) => error !== undefined), read];
    return [sent[1], ...fails].flatMap(({ error }) => (library.isHTTPClientError(error) ? [] : [String(error)]));
  },

  'CVE-2024-24750 (GHSA-9f24-jqhm-jfcw): a body that nobody reads is not read either': library => {
    const { agent, transports } = stageOf(library);
    agent.get(url).subscribe();
    const [transport] = transports;
    transport.respond('HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n');
    for (let i = 0; i < 100; i++) transport.respond(Buffer.alloc(100_000));
    return transport.delivered < 300_000 ? [] : [`${transport.delivered} bytes were read ahead`];
  },

  'CVE-2024-38372 (GHSA-3g92-w8c5-73pq): what is handed out shows no memory of others': async library => {
    const body = 'abc';
    const ways: Record<string, (response: HTTPResponse) => ObservableInput<Uint8Array>> = {
      bytes: response => response.bytes(),
      body: response => response.body,
      iterate: response => iterated(response.body),
      readable: response => response.body.readable() as AsyncIterable<Uint8Array>,
    };
    const findings: string[] = [];
    for (const [name, way] of Object.entries(ways)) {
      const { agent, transports } = stageOf(library);
      const chunks$ = agent.get(url).pipe(mergeMap(way), toArray());
      const chunks = lastValueFrom(chunks$);
      transports[0].respond(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      const list = await chunks;
      if (Buffer.concat(list).toString() !== body) findings.push(`${name} gave ${list.length} chunks`);
      for (const { buffer, byteLength } of list) {
        if (buffer.byteLength !== byteLength) findings.push(`${name}: ${buffer.byteLength} bytes behind ${byteLength}`);
      }
    }
    return findings;
  },

  'GHSA-5c9x-8gcm-mpgx: a body that no memory can hold fails its request, and nothing else': library => {
    const { allocUnsafeSlow } = Buffer;
    const { agent, transports } = stageOf(library);
    const seen = record(agent.get(url).pipe(library.bytes()));
    const [transport] = transports;
    transport.respond('HTTP/1.1 200 OK\r\nContent-Length: 9007199254740991\r\n\r\n');
    transport.respond(Buffer.alloc(1_000));
    Buffer.allocUnsafeSlow = () => {
      throw new RangeError('Array buffer allocation failed');
    };
    try {
      transport.respond(Buffer.alloc(2_000_000)); // more than the first buffer takes
    } catch (error) {
      return [`it came out of the transport: ${String(error)}`];
    } finally {
      Buffer.allocUnsafeSlow = allocUnsafeSlow;
    }
    return seen.outcome === 'ResponseFailedError' && transport.destroyed ? [] : [seen.outcome];
  },

  'CVE-2019-10742, GHSA-vf2m-468p-8v99: announced and real lengths of an upload agree, however it comes':
    async library => {
      const findings: string[] = [];
      const bodies: Record<string, () => AgentBody> = {
        text: () => 'xxxxx',
        bytes: () => new Uint8Array(5),
        observable: () => of('xx', 'xxx'),
        factory: () => () => of('xxxxx'),
      };
      for (const [what, body] of Object.entries(bodies)) {
        for (const length of ['4', '6']) {
          const stage = stageOf(library);
          const seen = stage.send({ url, method: 'POST', body: body(), headers: { 'Content-Length': length } });
          await turns();
          const [, sent = ''] = stage.wire.split('\r\n\r\n');
          if (seen.error === undefined || sent.length >= Number(length))
            findings.push(`${what}, ${length}: ${seen.outcome}`);
        }
      }
      return findings;
    },
};
