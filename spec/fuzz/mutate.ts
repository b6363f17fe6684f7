import { dictionary, generate, lineEnds } from './generate.js';
import type { Random } from './Random.js';

type Mutator = (text: string, random: Random) => string;

const splice = (text: string, at: number, dropped: number, put: string): string =>
  text.slice(0, at) + put + text.slice(at + dropped);

/** Where the n-th match is, chosen at random; undefined if there is none. */
function find(text: string, pattern: RegExp, random: Random): RegExpMatchArray | undefined {
  const all = [...text.matchAll(pattern)];
  return all.length === 0 ? undefined : random.pick(all);
}

function lines(text: string, change: (lines: string[], at: number, random: Random) => void, random: Random): string {
  const all = text.split('\r\n');
  change(all, random.below(all.length), random);
  return all.join('\r\n');
}

/** What can be done to a response. Each keeps most of it: what is broken in one place only gets furthest. */
export const mutators: readonly Mutator[] = [
  function flipBit(text, random) {
    const at = random.below(text.length);
    return splice(text, at, 1, String.fromCharCode(text.charCodeAt(at) ^ (1 << random.below(8))));
  },
  function anyOctet(text, random) {
    return splice(text, random.below(text.length + 1), random.below(2), String.fromCharCode(random.below(256)));
  },
  function drop(text, random) {
    return splice(text, random.below(text.length), 1 + random.below(random.oneIn(4) ? 20 : 3), '');
  },
  function insert(text, random) {
    return splice(text, random.below(text.length + 1), 0, random.pick(dictionary));
  },
  function replace(text, random) {
    const token = random.pick(dictionary);
    return splice(text, random.below(text.length), random.oneIn(2) ? token.length : 1 + random.below(4), token);
  },
  function repeatLine(text, random) {
    return lines(text, (all, at) => all.splice(at, 0, all[at]), random);
  },
  function dropLine(text, random) {
    return lines(text, (all, at) => all.splice(at, 1), random);
  },
  function swapLines(text, random) {
    return lines(text, (all, at) => ([all[at], all[at - 1]] = [all[at - 1] ?? '', all[at]]), random);
  },
  function insertLine(text, random) {
    return lines(text, (all, at) => all.splice(at, 0, random.pick(generate(random, 2).split('\r\n'))), random);
  },
  function otherLineEnd(text, random) {
    const match = find(text, /\r\n/g, random);
    return match === undefined ? text : splice(text, match.index!, 2, random.pick(lineEnds));
  },
  function otherNumber(text, random) {
    const match = find(text, /[0-9a-f]+/gi, random);
    if (match === undefined) return text;
    const value = parseInt(match[0], 16);
    const other = random.pick([
      String(value + 1),
      String(value - 1),
      '0',
      `0${match[0]}`,
      `${match[0]}0`,
      '16',
      '99999999999999999',
    ]);
    return splice(text, match.index!, match[0].length, other);
  },
  function otherCase(text, random) {
    const match = find(text, /[a-z]+/gi, random);
    if (match === undefined) return text;
    const [word] = match;
    return splice(text, match.index!, word.length, random.oneIn(2) ? word.toUpperCase() : word.toLowerCase());
  },
  function besideColon(text, random) {
    const match = find(text, /: ?/g, random);
    const put = random.pick([':', ' : ', ':\t', ':  ', '\t:', '::', ';', ': ,', ':\r\n ', ': \0']);
    return match === undefined ? text : splice(text, match.index!, match[0].length, put);
  },
  function spliceTwo(text, random) {
    const other = generate(random, 4);
    return text.slice(0, random.below(text.length + 1)) + other.slice(random.below(other.length));
  },
  function truncate(text, random) {
    return text.slice(0, random.below(text.length + 1));
  },
  function append(text, random) {
    return text + random.pick(dictionary);
  },
  function long(text, random) {
    // Past a limit, if there is one here; rarely, as it costs much.
    if (!random.oneIn(40)) return text;
    const at = random.oneIn(2) ? random.below(text.length) : 1 + (find(text, /[:;]/g, random)?.index ?? 0);
    const piece = random.oneIn(2) ? 'x' : text.slice(at, at + 1 + random.below(12)) || 'x';
    return splice(text, at, 0, piece.repeat(Math.ceil(random.pick([600, 3_000, 17_000]) / piece.length)));
  },
];

/** A response to which 0 to 5 things were done, one on top of the other. */
export function mutated(random: Random): string {
  let text = generate(random, random.pick([12, 40, 200, 200]));
  for (let n = random.pick([0, 1, 1, 1, 1, 2, 2, 5]); n > 0 && text !== ''; n--)
    text = random.pick(mutators)(text, random);
  return text;
}

/** Where `text` is cut into segments: 1 to 8 cuts, most of them beside a line end, in ascending order. */
export function cuts(text: string, random: Random): number[] {
  const offsets: number[] = [];
  for (let n = 1 + random.below(8); n > 0; n--) {
    const from = random.below(text.length + 1);
    const end = random.oneIn(3) ? -1 : text.indexOf('\r', from);
    offsets.push(end < 0 ? from : end + random.below(3));
  }
  return offsets.filter(at => at <= text.length).sort((a, b) => a - b);
}
