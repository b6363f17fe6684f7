import { shown, stageOf, type Attacks } from './attack.js';

/** What another reader on the way could understand in another way: each must end the connection with an error. */
const ambiguous: Readonly<Record<string, readonly string[]>> = {
  'CVE-2019-15605, CVE-2019-15606, CVE-2020-8287, CVE-2022-32213, CVE-2022-35256: transfer codings and space around': [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx',
    'HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx',
    'HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx',
    'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nx',
  ],
  'CVE-2021-22959, CVE-2022-32214, CVE-2022-32215, CVE-2023-30589, CVE-2024-27982: line ends and folds': [
    'HTTP/1.1 200 OK\nContent-Length: 1\n\nx',
    'HTTP/1.1 200 OK\r\nA: 1\rContent-Length: 1\r\n\r\nx',
    'HTTP/1.1 200 OK\r\nA: 1\nContent-Length: 1\r\n\r\nx',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nA: 1\r\n Content-Length: 1\r\n\r\nx',
    'HTTP/1.1 200 OK\r\n Content-Length: 1\r\n\r\nx',
    'HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\nx',
  ],
  'CVE-2025-23167: a head ends with CR LF CR LF and nothing else': [
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\rX\r\n\r\nx',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\n\r\nx',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\n\rx',
  ],
  'CVE-2021-22960, CVE-2024-22019: chunk extensions are read, and bounded': [
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`,
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${`1;${'a'.repeat(1_000)}\r\nx\r\n`.repeat(20)}0\r\n\r\n`,
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a\nb\r\nx\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n',
  ],
  'CVE-2018-12121: heads are bounded in all': [
    `HTTP/1.1 200 OK\r\n${'A: 1\r\n'.repeat(4_000)}\r\n`,
    `HTTP/1.1 200 OK\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`,
    `HTTP/1.1 200 ${'a'.repeat(20_000)}\r\n\r\n`,
    'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100),
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`,
  ],
};

const response = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';

export const smuggling: Attacks = {
  ...Object.fromEntries(
    Object.entries(ambiguous).map(([title, responses]): [string, Attacks[string]] => [
      title,
      library =>
        responses.flatMap(bytes => {
          const { agent, transports } = stageOf(library);
          let outcome = 'nothing';
          agent.get('http://example.test/').subscribe({
            next: got =>
              got.text().subscribe({
                next: text => (outcome = `the text ${shown(text)}`),
                error: (error: unknown) => (outcome = library.isHTTPClientError(error) ? error.code : String(error)),
              }),
            error: (error: unknown) => (outcome = library.isHTTPClientError(error) ? error.code : String(error)),
          });
          transports[0].respond(bytes);
          const refused = ['ERR_PARSE', 'ERR_HEADERS_OVERFLOW'].includes(outcome) && transports[0].destroyed;
          return refused ? [] : [`${shown(bytes)}: ${outcome}`];
        }),
    ]),
  ),

  'GHSA-35p6-xmwp-9g52 (CVE-2026-6733), CVE-2026-48931: what nobody has asked for is never an answer': library => {
    const findings: string[] = [];
    const evil = `${response}no`;
    const attacks: Record<string, (transport: { respond(bytes: string): void; fin(): void }) => void> = {
      'a response on an idle connection': transport => {
        transport.respond(`${response}ok`);
        transport.respond(evil);
      },
      'two responses in one segment': transport => transport.respond(`${response}ok${evil}`),
      'one byte behind the response': transport => transport.respond(`${response}okH`),
      'an end on an idle connection': transport => {
        transport.respond(`${response}ok`);
        transport.fin();
      },
    };
    for (const [what, attack] of Object.entries(attacks)) {
      const { agent, transports } = stageOf(library);
      const texts: string[] = [];
      const get = (): unknown =>
        agent.get('http://example.test/').subscribe(got => got.text().subscribe(text => texts.push(text)));
      get();
      attack(transports[0]);
      get();
      transports.at(-1)!.respond(`${response}ok`);
      if (texts.join() !== 'ok,ok' || transports.length !== 2) findings.push(`${what}: ${texts.join()}`);
    }
    return findings;
  },

  'CVE-2026-1526, CVE-2026-1528, CVE-2026-2229, GHSA-4cwx-7wf7-3272: no response throws outside of its request':
    library => {
      const findings: string[] = [];
      const pieces = [
        'HTTP/1.1 ',
        '200',
        '101',
        '204',
        ' OK',
        '\r\n',
        '\n',
        '\0',
        'Content-Length: ',
        '18446744073709551616',
      ];
      const more = [
        '-1',
        'Transfer-Encoding: chunked\r\n',
        '\r\n\r\n',
        'ffffffffffffffff',
        ';',
        '"',
        'Set-Cookie: ',
        '\xff',
      ];
      const all = [...pieces, ...more];
      let seed = 1;
      const random = (below: number): number => (seed = (seed * 48_271) % 0x7fff_ffff) % below;
      for (let i = 0; i < 3_000; i++) {
        const bytes = `HTTP/1.1 200 OK\r\n${Array.from({ length: random(12) }, () => all[random(all.length)]).join('')}`;
        const { agent, transports } = stageOf(library);
        let outcomes = 0;
        const end = { error: () => void outcomes++, complete: () => void outcomes++ };
        agent.get('http://example.test/').subscribe({ next: got => got.text().subscribe(end), error: end.error });
        try {
          transports[0].respond(random(2) === 0 ? bytes : bytes.slice(random(bytes.length)));
          transports[0].reset();
        } catch (error) {
          findings.push(`${shown(bytes)}: ${String(error)}`);
        }
        if (outcomes !== 1) findings.push(`${shown(bytes)}: ${outcomes} outcomes`);
      }
      return findings.slice(0, 5);
    },
};
