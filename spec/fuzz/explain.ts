import type { ResponseParser } from '../../src/wire/index.js';
import { compare } from './compare.js';
import { divergences, type Divergence } from './divergences.js';
import type { Play, Reading } from './Reading.js';
import type { LlhttpReader } from './readLlhttp.js';
import { readOurs } from './readOurs.js';

/** Asks both parsers, and says in what they differ and why they may. */
export class Judge {
  readonly #rules = divergences.filter(applies);

  constructor(
    private readonly parser: ResponseParser,
    private readonly llhttp: LlhttpReader,
  ) {}

  /** Why the two may differ on it: the names of the rules, outermost first. Undefined: for no reason. Empty: they agree. */
  explain(play: Play, bytes: Buffer, ours: Reading, depth = 0): string[] | undefined {
    const theirs = this.llhttp.read(bytes, ours.length, play);
    const kind = compare(ours, theirs);
    if (kind === undefined) return [];
    // Each rule takes one cause away; what differs for more reasons than this is told as a finding.
    if (depth === 5) return undefined;
    for (const rule of this.#rules) {
      if (!rule.kinds.includes(kind) || !rule.when(play, ours, theirs)) continue;
      const inner = rule.without === undefined ? [] : this.#explainText(rule.without(play, ours), play, depth + 1);
      if (inner === undefined) continue;
      return [rule.name, ...inner];
    }
    return undefined;
  }

  /** Both readings and their difference, to be told. */
  tell(play: Play): string {
    const bytes = Buffer.from(play.text, 'latin1');
    const ours = readOurs(this.parser, bytes, [], play);
    const theirs = this.llhttp.read(bytes, ours.length, play);
    return `${compare(ours, theirs)}\n  ours   ${JSON.stringify(ours)}\n  theirs ${JSON.stringify(theirs)}`;
  }

  #explainText(text: string, play: Play, depth: number): string[] | undefined {
    if (text === play.text) return undefined;
    const other = { ...play, text };
    const bytes = Buffer.from(text, 'latin1');
    return this.explain(other, bytes, readOurs(this.parser, bytes, [], other), depth);
  }
}

/** Whether this version of Node is one that differs so. */
export function applies({ before }: Divergence): boolean {
  return before === undefined || isBelow(process.versions['llhttp'] ?? '', before);
}

function isBelow(version: string, bound: string): boolean {
  const [one, other] = [version, bound].map(text => text.split('.').map(Number));
  const at = one.findIndex((part, i) => part !== other[i]);
  return at >= 0 && one[at] < other[at];
}
