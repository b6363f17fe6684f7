import type { SeededBug } from '../support/seedBug.js';
import { kept, plain, type Row } from './Case.js';
import { judgeFollowUps } from './followUps.js';
import { judge } from './judge.js';
import { judgeRequest } from './judgeRequest.js';
import type { Library } from './library.js';
import { judgePrefixes } from './prefixes.js';
import { requests, responses } from './tables/index.js';

/** A seeded bug, and the judgements that must see it, by what they look at. */
interface Sighted extends SeededBug {
  readonly seenBy: Readonly<Record<string, (library: Library) => Promise<void>>>;
}

const rows = Object.values(responses).flat();
const row = (title: string): Row => find(rows, title);

function find<T extends readonly [string, string, ...unknown[]]>(all: readonly T[], title: string): T {
  const found = all.filter(([rule, what]) => `${rule} ${what}`.trim() === title);
  if (found.length !== 1) throw new Error(`${found.length} rows are called ${title}`);
  return found[0];
}

export const seededBugs: readonly Sighted[] = [
  {
    name: 'what was read of a head is lost where it is cut',
    file: 'wire/HeadParser.ts',
    declaration: 'HeadParser.relocate',
    replacement: 'relocate() {}',
    seenBy: { 'F12 plain': library => judge(library, row('F12 plain')) },
  },
  {
    name: 'a beginning is a response',
    file: 'wire/ResponseParser.ts',
    declaration: 'ResponseParser.eof',
    replacement: `eof() { return 'end'; }`,
    seenBy: { P5: library => judgePrefixes(library, row('F7 chunked')) },
  },
  {
    name: 'an idle connection survives bytes',
    file: 'protocol/transitions.ts',
    declaration: 'transitions',
    replacement: `export const transitions = { ...original, quiescent: { ...original.quiescent, unsolicited: 'ignored' } };`,
    seenBy: {
      'B4 one byte': library => judge(library, row('B4 one byte')),
      'what follows a response': library => judgeFollowUps(library, ['', '', plain, kept()], true),
    },
  },
  {
    name: 'a caller may say Transfer-Encoding',
    file: 'wire/RequestFields.ts',
    declaration: 'refused',
    replacement: 'const refused = new Map();',
    seenBy: { 'S7 "gzip"': library => judgeRequest(library, find(requests, 'S7 "gzip"')) },
  },
];
