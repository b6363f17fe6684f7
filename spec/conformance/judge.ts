import { expect } from '@jest/globals';
import { turns } from '../loopback/until.js';
import { bytewise } from '../wire/verdict.js';
import { atParser } from './atParser.js';
import type { Row, Verdict } from './Case.js';
import type { Library } from './library.js';
import { readerNames, type ReaderName } from './readers.js';
import { Trial } from './Trial.js';

/** Longer inputs are cut at every boundary near their ends, and at some between. */
const allCutsUpTo = 1_200;
/** A flood is sent byte by byte only so far: it is refused long before. */
const bytewiseUpTo = 20_000;

/** How much is looked at. */
export interface Effort {
  /** Every reader of the body looks at every row and boundary; else only the plainest one does. */
  readonly thorough: boolean;
  /** What readers were shown before: rows that look the same to a reader are shown to them once. */
  readonly shown: Set<string>;
}

/** All boundaries at which to cut in two. */
export function boundaries(length: number): number[] {
  const cuts: number[] = [];
  const near = length > allCutsUpTo ? 16 : length;
  for (let cut = 0; cut <= length; cut++) {
    if (cut <= near || cut >= length - near || cut % 4_093 === 0) cuts.push(cut);
  }
  return cuts;
}

function everyByte(length: number): number[] {
  return bytewise(Buffer.allocUnsafe(Math.min(length, bytewiseUpTo)));
}

/** The ways to cut: whole, byte by byte, and in two at every boundary. */
export function cuttings(length: number): number[][] {
  return [[], everyByte(length), ...boundaries(length).map(cut => [cut])];
}

/** The two ends of them, for short inputs. */
function extremes(length: number): number[][] {
  return length > allCutsUpTo ? [[]] : [[], everyByte(length)];
}

/** Compares two verdicts, much faster than `toEqual`; what differs is looked for only then. */
export function expectSame(actual: Verdict, expected: Verdict, where: string): void {
  if (JSON.stringify(actual) === JSON.stringify(expected)) return;
  for (const key of Object.keys(expected) as (keyof Verdict)[]) {
    const [one, other] = [actual[key], expected[key]].map(value => JSON.stringify(value));
    if (one !== other) throw new Error(`${where}: ${key} is ${one}, and not ${other}`);
  }
}

function named(cuts: readonly number[]): string {
  return cuts.length === 0 ? 'whole' : cuts.length === 1 ? `cut at ${cuts[0]}` : 'byte by byte';
}

/** The verdict of the parser on a row, after it was seen to be the same in whatever pieces. */
export function judgeAtParser(library: Library, [, , sent, , scene = {}]: Row): Verdict {
  const bytes = Buffer.from(sent, 'latin1');
  const whole = atParser(library, bytes, [], scene);
  for (const cuts of cuttings(bytes.length)) {
    expectSame(atParser(library, bytes, cuts, scene), whole, `the parser, ${named(cuts)}`);
  }
  return whole;
}

/** Plays a row over a connection for each way to cut and each reader; gives what came of each, and what should have. */
async function play(library: Library, row: Row, readers: readonly ReaderName[], ways: readonly (readonly number[])[]) {
  const [, , sent, , scene = {}] = row;
  const bytes = Buffer.from(sent, 'latin1');
  const trials = readers.flatMap(reader =>
    ways.map(cuts => {
      const trial = new Trial(library, scene, reader, scene.unsolicited === true ? sent : '');
      if (scene.unsolicited !== true) trial.send(bytes, cuts);
      return { where: `${reader}, ${named(cuts)}`, trial };
    }),
  );
  await turns();
  for (const { trial } of trials) trial.end(scene.end);
  await turns();
  for (const { trial } of trials) trial.settle();
  await turns();
  return trials;
}

/** The verdict of a connection on a row, after it was seen to be the same in whatever pieces, to whichever reader. */
export async function judgeAtConnection(library: Library, row: Row, { thorough, shown }: Effort): Promise<Verdict> {
  const { length } = row[2];
  const [first, ...others] = await play(library, row, ['body'], cuttings(length));
  const whole = first.trial.verdict();
  others.forEach(({ where, trial }, i) => expectSame(trial.verdict(thorough || i % 8 === 0), whole, where));
  const { outcome, connection, body, trailers, status } = whole;
  const sight = JSON.stringify([row[4]?.end, outcome, connection, body, trailers]);
  // Where no head is delivered there is nothing to read.
  if (status === null || (shown.has(sight) && !thorough)) return whole;
  shown.add(sight);
  const rest = readerNames.slice(1);
  // One whose work goes on beside the connection looks at every boundary in any case.
  const readers = await play(library, row, thorough ? rest : ['pull, at leisure'], cuttings(length));
  if (!thorough) readers.push(...(await play(library, row, rest, extremes(length))));
  for (const { where, trial } of readers) expectSame(trial.verdict(), trial.sees(whole), where);
  return whole;
}

/** Judges a row on both levels: what came of it has to be what the row expects, on each. */
export async function judge(
  library: Library,
  row: Row,
  effort: Effort = { thorough: false, shown: new Set() },
): Promise<void> {
  const [, , , expected, scene = {}] = row;
  const verdict = await judgeAtConnection(library, row, effort);
  expect(verdict).toMatchObject(expected);
  // A parser hears of no reset, nor of bytes for which nobody asked.
  if (scene.end === 'RST' || scene.unsolicited === true) return;
  expectSame(judgeAtParser(library, row), verdict, 'the parser beside the connection');
}
