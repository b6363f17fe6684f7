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

/** How much is looked at: in every run of the tests, or when there is time (`CONFORMANCE=thorough`). */
export interface Effort {
  /** Every reader of the body looks at every boundary; else that is for the plainest one. */
  readonly thorough: boolean;
}

/** All boundaries at which to cut in two. */
export function boundaries(length: number): number[] {
  const cuts: number[] = [];
  const near = length > allCutsUpTo ? 40 : length;
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

/** Compares two verdicts field by field, much faster than `toEqual`. */
export function expectSame(actual: Verdict, expected: Verdict, where: string): void {
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

/** The verdict of a connection on a row, after it was seen to be the same in whatever pieces, to whichever reader. */
export async function judgeAtConnection(library: Library, row: Row, { thorough }: Effort): Promise<Verdict> {
  const [, , sent, , scene = {}] = row;
  const bytes = Buffer.from(sent, 'latin1');
  const trials: { readonly where: string; readonly trial: Trial }[] = [];
  const add = (reader: ReaderName, cuts: readonly number[]): Trial => {
    const trial = new Trial(library, scene, reader, scene.unsolicited === true ? sent : '');
    if (scene.unsolicited !== true) trial.send(bytes, cuts);
    trials.push({ where: `${reader}, ${named(cuts)}`, trial });
    return trial;
  };
  for (const cuts of cuttings(bytes.length)) add('body', cuts);
  // Where no head is delivered there is nothing to read.
  if (trials[0].trial.delivered) {
    for (const reader of readerNames.slice(1)) {
      for (const cuts of (thorough ? cuttings : extremes)(bytes.length)) add(reader, cuts);
    }
  }
  await turns();
  for (const { trial } of trials) trial.end(scene.end);
  await turns();
  for (const { trial } of trials) trial.settle();
  await turns();
  const whole = trials[0].trial.verdict();
  trials.slice(1).forEach(({ where, trial }, i) => {
    expectSame(trial.verdict(i % 8 === 0 || thorough), trial.sees(whole), where);
  });
  return whole;
}

/** Judges a row on both levels: what came of it has to be what the row expects, on each. */
export async function judge(library: Library, row: Row, effort: Effort = { thorough: false }): Promise<void> {
  const [, , , expected, scene = {}] = row;
  const verdict = await judgeAtConnection(library, row, effort);
  expect(verdict).toMatchObject(expected);
  // A parser hears of no reset, nor of bytes for which nobody asked.
  if (scene.end === 'RST' || scene.unsolicited === true) return;
  expectSame(judgeAtParser(library, row), verdict, 'the parser beside the connection');
}
