import { describe, expect, it } from '@jest/globals';
import type { Mutation } from '../support/bundle.js';
import { plain, kept, type Row } from './Case.js';
import { judgeFollowUps } from './followUps.js';
import { judge } from './judge.js';
import { judgeRequest } from './judgeRequest.js';
import { mutant, type Library } from './library.js';
import { judgePrefixes } from './prefixes.js';
import { requests, responses, type RequestRow } from './tables/index.js';

// A judge that finds nothing may be blind. Here each guard is switched off in turn, and the judge has to see it.

const rows = Object.values(responses).flat();
const row = (title: string): Row => find(rows, title);
const requestRow = (title: string): RequestRow => find(requests, title);
const judged =
  (title: string) =>
  (mutated: Library): Promise<void> =>
    judge(mutated, row(title));
const asked =
  (title: string) =>
  (mutated: Library): Promise<void> =>
    judgeRequest(mutated, requestRow(title));

function find<T extends readonly [string, string, ...unknown[]]>(all: readonly T[], title: string): T {
  const found = all.filter(([rule, what]) => `${rule} ${what}`.trim() === title);
  if (found.length !== 1) throw new Error(`${found.length} rows are called ${title}`);
  return found[0];
}

type Control = readonly [guard: string, sight: string, run: (library: Library) => Promise<void>, mutation: Mutation];

const head = 'wire/HeadParser.ts';
const framing = 'wire/FramingFields.ts';
const parser = 'wire/ResponseParser.ts';
const chunks = 'wire/ChunkedDecoder.ts';
const reader = 'protocol/ResponseReader.ts';
const connection = 'protocol/HTTP11ClientProtocol.ts';

const controls: readonly Control[] = [
  [
    'bytes behind a response close the connection',
    'F17 a response',
    judged('F17 a response'),
    { file: reader, from: 'parser.persistent && parser.position === parser.end;', to: 'parser.persistent;' },
  ],
  [
    'bytes on an idle connection close it',
    'what follows a response',
    mutated => judgeFollowUps(mutated, ['', '', plain, kept()], true),
    {
      file: connection,
      from: "if (!this.#enter('unsolicited')) return;",
      to: 'if (this.#state !== undefined) return;',
    },
  ],
  [
    'bytes before any request close the connection',
    'B4 one byte',
    judged('B4 one byte'),
    {
      file: connection,
      from: "if (!this.#enter('unsolicited')) return;",
      to: 'if (this.#state !== undefined) return;',
    },
  ],
  [
    'a beginning is no response (FIN)',
    'P5',
    mutated => judgePrefixes(mutated, row('F7 chunked')),
    { file: parser, from: 'throw new TruncatedBodyError();', to: "return 'end';" },
  ],
  [
    'a beginning is no response (RST)',
    'P5',
    mutated => judgePrefixes(mutated, row('F12 plain')),
    {
      file: connection,
      from: 'this.#exchange === exchange && this.#unconfirmed === exchange && error === undefined',
      to: 'this.#exchange === exchange && exchange.head !== null',
    },
  ],
  [
    'a RST ends no body',
    'F15 RST',
    judged('F15 RST'),
    {
      file: connection,
      from: 'this.#exchange === exchange && this.#unconfirmed === exchange && error === undefined',
      to: 'this.#exchange === exchange && exchange.head !== null',
    },
  ],
  [
    'CR CR ends no line',
    'F26 CR CR after the status line',
    judged('F26 CR CR after the status line'),
    {
      file: head,
      from: "if (bytes[pos++] !== LF) fail('CR without LF in the status line');",
      to: 'if (bytes[pos] !== LF && bytes[pos] !== CR) fail(""); pos++;',
    },
  ],
  [
    'a folded line is refused',
    'F22 SP',
    judged('F22 SP'),
    {
      file: head,
      from: "fail('CR without LF in a field');\n          this.nameStart = pos;\n          state = NAME;",
      to: "fail('');\n          this.nameStart = pos;\n          state = bytes[pos] === SP ? VALUE : NAME;",
    },
  ],
  [
    'white space before the colon is refused',
    'F24 Content-Length',
    judged('F24 Content-Length'),
    {
      file: head,
      from: 'while (pos < end && isToken[bytes[pos]] === 1) pos++;',
      to: 'while (pos < end && (isToken[bytes[pos]] === 1 || bytes[pos] === SP)) pos++;',
    },
  ],
  [
    'a head that is cut is read as one that is not',
    'F12 plain',
    judged('F12 plain'),
    { file: head, from: 'this.valueStart -= start;', to: '' },
  ],
  [
    'a head has a limit',
    'head size 16 385 octets',
    judged('head size 16 385 octets'),
    { file: head, from: 'end - start > room ? start + room : end', to: 'end' },
  ],
  [
    'Transfer-Encoding beside Content-Length is refused',
    'F6 Content-Length first',
    judged('F6 Content-Length first'),
    {
      file: framing,
      from: 'this.coded = true;\n    if (this.contentLength !== -1) {',
      to: 'this.coded = true;\n    if (this.contentLength === -2) {',
    },
  ],
  [
    'Content-Length is there once',
    'two equal CL',
    judged('two equal CL'),
    { file: framing, from: "this.fault ??= 'Content-Length is there twice';", to: '' },
  ],
  [
    'options of Connection compare whole',
    'F32 1.1 "Connection: closed\\r\\n"',
    judged('F32 1.1 "Connection: closed\\r\\n"'),
    { file: framing, from: 'end - start === closeOption.length', to: 'end - start >= closeOption.length' },
  ],
  [
    'a coding that is not chunked is not read until close',
    'TE "xchunked"+EOF',
    judged('TE "xchunked"+EOF'),
    {
      file: parser,
      from: '} else if (framing.coded) {',
      to: '} else if (framing.coded && framing.codingFault === undefined) {',
    },
  ],
  [
    '204 has no body',
    'F1 204 with Content-Length',
    judged('F1 204 with Content-Length'),
    { file: parser, from: ' || status === 204', to: '' },
  ],
  [
    '101 has to be offered',
    'F4 101, nothing offered',
    judged('F4 101, nothing offered'),
    { file: parser, from: 'if (!this.upgrade || !this', to: 'if (!this' },
  ],
  [
    'chunk extensions have a limit',
    'chunk-ext 16 385 octets',
    judged('chunk-ext 16 385 octets'),
    { file: chunks, from: 'if (++this.extensions > this.maxChunkExtensions)', to: 'if (++this.extensions < 0)' },
  ],
  [
    'chunk data is followed by CRLF',
    'F20 bare LF after data',
    judged('F20 bare LF after data'),
    {
      file: chunks,
      from: "expect(chunk[pos++], CR, 'chunk data not followed by CRLF');",
      to: "if (chunk[pos] !== LF) expect(chunk[pos++], CR, '');",
    },
  ],
  [
    'a body that is pulled lies in a buffer that nobody writes to',
    'D10, whoever reads',
    judged('D10 3 KiB'),
    { file: reader, from: "this.#valid = this.#ownBuffer ? 'pause' : 'call';", to: "this.#valid = 'pause';" },
  ],
  [
    'what a consumer works on outlasts the connection',
    'F20 no CRLF after data',
    judged('F20 no CRLF after data'),
    { file: reader, from: 'if (body?.holding) this.transport.pause();', to: 'if (body?.holding) void this.transport;' },
  ],
  [
    'a value holds no line end',
    'CRLF in a value',
    asked('CRLF in a value'),
    { file: 'wire/fieldText.ts', from: '/[^\\t\\x20-\\x7e\\x80-\\xff]/', to: '/[^\\t\\r\\n\\x20-\\x7e\\x80-\\xff]/' },
  ],
  [
    'nobody but ourselves says Transfer-Encoding',
    'S7 "gzip"',
    asked('S7 "gzip"'),
    { file: 'wire/RequestFields.ts', from: "  ['transfer-encoding', 'the framing follows from the body'],\n", to: '' },
  ],
  [
    'no more is sent than was announced',
    'S6 a longer stream',
    asked('S6 a longer stream'),
    { file: 'protocol/Upload.ts', from: 'if (this.#taken > length) {', to: 'if (this.#taken < 0) {' },
  ],
];

describe('With a guard switched off the judge sees it', () => {
  it.each(controls.map(([guard, sight, run, mutation]) => ({ guard, sight, run, mutation })))(
    '$guard ($sight)',
    async ({ run, mutation }) => expect(run(await mutant(mutation))).rejects.toThrow(),
    30_000,
  );

  it('and with none switched off it sees nothing', async () => {
    const same = await mutant();
    for (const [, , run] of controls) await run(same);
  }, 30_000);
});
