import { describe, expect, it } from '@jest/globals';
import { turns } from '../loopback/until.js';
import { atParser } from '../conformance/atParser.js';
import type { Row } from '../conformance/Case.js';
import { expectSame } from '../conformance/judge.js';
import { judgeRequest } from '../conformance/judgeRequest.js';
import { library } from '../conformance/library.js';
import { requests, responses } from '../conformance/tables/index.js';
import { Trial } from '../conformance/Trial.js';
import { bytewise } from '../wire/verdict.js';

// The tables of spec/conformance, which are most of what is told about framing, in milliseconds: not every cut and not
// every reader of a body, but each row whole, in halves and byte by byte.

const rows = Object.entries(responses).flatMap(([table, all]) =>
  all.map(row => ({ title: `${table} ${row[0]} ${row[1]}`, row })),
);
const asked = requests.map(row => ({ title: `${row[0]} ${row[1]}`, row }));

/** The longer ones are about limits, which do not need every byte. */
function cuttings({ length }: Buffer): number[][] {
  const halves = [length >> 1];
  return length > 1_200 ? [[], halves] : [[], halves, bytewise(Buffer.alloc(length))];
}

function atEachCut([, , sent, expected, scene = {}]: Row): void {
  const bytes = Buffer.from(sent, 'latin1');
  const whole = atParser(library, bytes, [], scene);
  expect(whole).toMatchObject(expected);
  for (const cuts of cuttings(bytes)) expectSame(atParser(library, bytes, cuts, scene), whole, `cut at ${cuts.join()}`);
}

async function overConnections([, , sent, expected, scene = {}]: Row): Promise<void> {
  const bytes = Buffer.from(sent, 'latin1');
  const before = scene.unsolicited === true ? sent : '';
  const trials = cuttings(bytes).map(cuts => {
    const trial = new Trial(library, scene, 'body', before);
    if (before === '') trial.send(bytes, cuts);
    return trial;
  });
  await turns();
  for (const trial of trials) trial.end(scene.end);
  await turns();
  for (const trial of trials) expect(trial.verdict()).toMatchObject(expected);
}

describe('A parser reads', () => {
  // It hears of no reset, nor of bytes for which nobody asked.
  const heard = rows.filter(({ row: [, , , , { end, unsolicited } = {}] }) => end !== 'RST' && unsolicited !== true);
  it.each(heard)('$title', ({ row }) => atEachCut(row));
});

if (process.env['MUTATION_ROOM'] === 'protocol') {
  describe('A connection reads', () => it.each(rows)('$title', ({ row }) => overConnections(row)));
}

describe('A connection writes', () => it.each(asked)('$title', ({ row }) => judgeRequest(library, row)));
