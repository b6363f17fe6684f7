import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mergeMap } from 'rxjs';
import { answer, openAgent, record } from '../support/index.js';
import { turns } from '../loopback/until.js';
import { chunked, chunkedOk, kept, ok, plain, type Row } from './Case.js';
import { judgeFollowUps } from './followUps.js';
import { judge } from './judge.js';
import { library } from './library.js';
import { isDelimited, judgePrefixes } from './prefixes.js';
import { responses } from './tables/index.js';
import { Trial } from './Trial.js';

const thorough = process.env['CONFORMANCE'] === 'thorough';
const titled = (rows: readonly Row[]) => rows.map(row => ({ title: `${row[0]} ${row[1]}`, row }));
const tables = Object.entries(responses);

// Tens of thousands of errors are made here, and their stack traces would take half of the time. What fails says where.
const { stackTraceLimit } = Error;
beforeAll(() => void (Error.stackTraceLimit = 0));
afterAll(() => void (Error.stackTraceLimit = stackTraceLimit));

describe('P4 Any response in any pieces, P6 and then the next request', () => {
  describe.each(tables)('%s', (_table, rows) => {
    const shown = new Set<string>();
    it.each(titled(rows))('$title', ({ row }) => judge(library, row, { thorough, shown }), 30_000);
  });
});

describe('P5 Every beginning of a response is waited for, and is an error at the end of the connection', () => {
  describe.each(tables)('%s', (_table, rows) => {
    const seen = new Set<string>();
    it.each(titled(rows.filter(isDelimited)))('$title', ({ row }) => judgePrefixes(library, row, seen), 30_000);
    afterAll(() => expect(seen.size).toBeGreaterThan(10));
  });
});

describe('A response that is complete is not failed by what follows it', () => {
  const head = { method: 'HEAD' };
  const framings: readonly Row[] = [
    ['length', '', plain, kept()],
    ['length 0', '', ok('Content-Length: 0\r\n'), kept()],
    ['chunked', '', chunked(chunkedOk), kept()],
    ['chunked, trailers', '', chunked('2\r\nok\r\n0\r\nX: y\r\n\r\n'), kept()],
    ['chunked, empty', '', chunked('0\r\n\r\n'), kept()],
    ['HEAD', '', ok('Content-Length: 5\r\n'), kept(), head],
    ['204', '', 'HTTP/1.1 204 No Content\r\n\r\n', kept()],
    ['304', '', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', kept()],
    ['after a 1xx', '', `HTTP/1.1 103 Hints\r\n\r\n${plain}`, kept()],
    ['HTTP/1.0 keep-alive', '', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok', kept()],
    ['Connection: close', '', ok('Connection: close\r\nContent-Length: 2\r\n', 'ok'), kept()],
  ];

  it.each(titled(framings))(
    'whenever it comes, whoever reads: $title',
    ({ row }) => judgeFollowUps(library, row, true),
    30_000,
  );

  describe.each(tables)('in the rows of %s', (_table, rows) => {
    const whole = rows.filter(row => isDelimited(row) && row[3].outcome === 'complete');
    it.each(titled(whole))('$title', ({ row }) => judgeFollowUps(library, row, thorough), 30_000);
  });

  it('is so once a body that only FIN ends is confirmed; a RST right behind the FIN tells that it was cut', async () => {
    for (const turnsBetween of [0, 1, 3]) {
      const trial = new Trial(library);
      trial.send(Buffer.from(ok('', 'some')));
      trial.end('FIN');
      await turns(turnsBetween);
      trial.end('RST');
      await turns();
      const outcome = turnsBetween === 3 ? 'complete' : 'TruncatedBodyError';
      expect(trial.verdict()).toMatchObject({ outcome, connection: 'closed', body: 'some' });
    }
  });
});

describe('P6 Two requests through a pool: how many connections they take', () => {
  const rows = responses['malformed'];

  it.each(titled(rows))('$title', async ({ row: [, , sent, expected, { end } = {}] }) => {
    const { agent, transports } = openAgent();
    const fetch = () => record(agent.get('http://example.test/').pipe(mergeMap(response => response.text())));
    const first = fetch();
    transports[0].respond(sent);
    if (end === 'FIN') transports[0].fin();
    if (end === 'RST') transports[0].reset();
    await turns();
    const second = fetch();
    transports.at(-1)!.respond(answer('next'));
    await turns();
    expect(first.outcome).toBe(expected.outcome === 'complete' ? 'value' : expected.outcome);
    expect(second.values).toEqual(['next']);
    expect(transports.length).toBe(expected.connection === 'kept' ? 1 : 2);
    expect(transports.flatMap(({ requests }) => requests).length).toBe(2);
  });
});
