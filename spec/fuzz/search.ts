import { defaultResponseLimits, ResponseParser } from '../../src/wire/index.js';
import { Judge } from './explain.js';
import { cuts, mutated } from './mutate.js';
import { Random } from './Random.js';
import { same, type Play, type Reading } from './Reading.js';
import { LlhttpReader, nodeParserClass } from './readLlhttp.js';
import { everyOffset, readOurs } from './readOurs.js';
import { shrink } from './shrink.js';
import type { Found, Tally } from './Tally.js';

/** One input may take so long, in ms; measured again before it is believed. */
const slow = 5;

/** Runs plays through our parser and Node's, and checks what our parser promises by itself. */
export class Examiner {
  // They live through all plays, as that of a connection lives through all its responses.
  readonly #parser = new ResponseParser(defaultResponseLimits);
  readonly #other = new ResponseParser(defaultResponseLimits);
  readonly judge: Judge;

  constructor(llhttp: LlhttpReader) {
    this.judge = new Judge(new ResponseParser(defaultResponseLimits), llhttp);
  }

  static async make(): Promise<Examiner> {
    return new Examiner(new LlhttpReader(await nodeParserClass()));
  }

  /** The promise that is broken; undefined: all are kept. `number` decides which of the costly checks are made. */
  examine(play: Play, number: number, tally?: Tally): string | undefined {
    const bytes = Buffer.from(play.text, 'latin1');
    try {
      const began = performance.now();
      const whole = readOurs(this.#parser, bytes, [], play);
      if (!same(readOurs(this.#other, bytes, play.cuts, play), whole))
        return 'the cuts between segments change nothing';
      const took = performance.now() - began;
      if (took > slow && this.#isSlow(bytes, play)) return `${bytes.length} bytes take less than ${slow} ms`;
      if (number % 8 === 0 && bytes.length < 600) {
        if (!same(readOurs(this.#other, bytes, everyOffset(bytes.length), play), whole))
          return 'byte by byte is the same';
      }
      const broken = this.#checkPrefixes(play, bytes, whole, number) ?? this.#checkAgain(play, whole);
      if (broken !== undefined) return broken;
      const rules = this.judge.explain(play, bytes, whole);
      if (tally !== undefined) note(tally, whole, bytes.length, took, rules);
      return rules === undefined ? 'what Node reads otherwise is on the list' : undefined;
    } catch (error) {
      return `only errors of ours: ${String(error instanceof Error ? error.stack : error)}`;
    }
  }

  #isSlow(bytes: Buffer, play: Play): boolean {
    let least = Infinity;
    for (let i = 0; i < 5; i++) {
      const began = performance.now();
      readOurs(this.#parser, bytes, [], play);
      readOurs(this.#parser, bytes, play.cuts, play);
      least = Math.min(least, performance.now() - began);
    }
    return least > slow;
  }

  /** A response that was cut is never one: it waits for more, and is an error after FIN. */
  #checkPrefixes(play: Play, bytes: Buffer, whole: Reading, number: number): string | undefined {
    if (whole.outcome !== 'end' && whole.outcome !== 'upgrade') return undefined;
    const all = number % 64 === 0 && whole.length < 600;
    for (let length = all ? 0 : (number * 7919) % whole.length; length < whole.length; length++) {
      const { outcome, closed, error } = readOurs(this.#other, bytes.subarray(0, length), [], play);
      const cut = length === 0 ? closed === 'none' : closed === 'refused' && error.startsWith('TruncatedBodyError');
      if (outcome !== 'more' || !cut)
        return `a prefix is no response (${length} of ${whole.length} bytes: ${outcome}, ${closed})`;
      if (!all) break;
    }
    return undefined;
  }

  /** What was read, written out plainly, is read as the same again. */
  #checkAgain(play: Play, whole: Reading): string | undefined {
    if (whole.outcome === 'refused' || whole.closed === 'refused' || whole.status === 0) return undefined;
    const text = written(whole);
    const again = readOurs(this.#other, Buffer.from(text, 'latin1'), [], play);
    const expected = { ...whole, informational: [], length: again.length };
    return same(again, expected) ? undefined : `what is written out is read again as the same: ${JSON.stringify(text)}`;
  }
}

function written({ version, status, statusText, fields, body, trailers, framing }: Reading): string {
  const section = (raw: readonly string[]): string =>
    raw.map((text, i) => (i % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('') + '\r\n';
  const data = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`;
  const rest = framing === 'chunked' ? `${data}0\r\n${section(trailers)}` : body;
  return `HTTP/${version} ${status} ${statusText}\r\n${section(fields)}${rest}`;
}

function note(tally: Tally, whole: Reading, bytes: number, took: number, rules: readonly string[] | undefined): void {
  tally.executions++;
  tally.bytes += bytes;
  tally.slowest = Math.max(tally.slowest, took);
  tally.count(whole.outcome === 'more' ? `more, then ${whole.closed}` : whole.outcome);
  tally.explained(rules ?? []);
}

const methods = ['GET', 'GET', 'GET', 'GET', 'GET', 'GET', 'HEAD', 'CONNECT'] as const;

export function randomPlay(random: Random): Play {
  const text = mutated(random);
  return { text, method: random.pick(methods), upgrade: random.oneIn(4), cuts: cuts(text, random) };
}

/** Looks for a play that breaks a promise, and shrinks it. */
export function search(
  examiner: Examiner,
  seed: number,
  runs: number,
  tally?: Tally,
  shrinks = true,
): Found<Play> | null {
  const random = new Random(seed);
  // Most plays end in an error, and most of what an error costs is its stack.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return searchOn(examiner, random, runs, tally, shrinks);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function searchOn(examiner: Examiner, random: Random, runs: number, tally?: Tally, shrinks = true): Found<Play> | null {
  for (let i = 0; i < runs; i++) {
    const play = randomPlay(random);
    const what = examiner.examine(play, i, tally);
    if (what === undefined) continue;
    if (!shrinks) return { runs: i + 1, what, play };
    const kind = what.slice(0, 20);
    // Every check is made of what is left of it, whatever its number was.
    const small = shrink(play, each => examiner.examine(each, 0)?.startsWith(kind) ?? false);
    return { runs: i + 1, what: `${what}\n${examiner.judge.tell(small)}`, play: small };
  }
  return null;
}
