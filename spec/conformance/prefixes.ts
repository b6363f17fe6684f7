import { turns } from '../loopback/until.js';
import { atParser, ownLength } from './atParser.js';
import type { Row } from './Case.js';
import { boundaries } from './judge.js';
import type { Library } from './library.js';
import { check, Trial } from './Trial.js';

/** The end of such a response is told by its own bytes: it may come whole, or not at all. */
export function isDelimited([, , , { outcome }, scene = {}]: Row): boolean {
  return (outcome === 'complete' || outcome === 'upgraded') && scene.end === undefined && scene.unsolicited !== true;
}

/**
 * Cuts a delimited response short, before each of its bytes: while the connection is open its caller waits, and when it
 * ends there is an error, and never a response that looks whole. `seen` spares the beginnings that rows have in common.
 */
export async function judgePrefixes(library: Library, row: Row, seen = new Set<string>()): Promise<void> {
  const [, , sent, , scene = {}] = row;
  const bytes = Buffer.from(sent, 'latin1');
  const own = ownLength(library, bytes, scene);
  const trials: { readonly where: string; readonly trial: Trial }[] = [];
  for (const length of boundaries(own)) {
    const key = JSON.stringify([scene.method, scene.upgrade, scene.limits, bytes.toString('latin1', 0, length)]);
    if (length === own || seen.has(key)) continue;
    seen.add(key);
    const prefix = bytes.subarray(0, length);
    check(atParser(library, prefix, [], scene).outcome === 'waiting', `waiting after ${length} bytes`);
    const fin = atParser(library, prefix, [], { ...scene, end: 'FIN' }).outcome;
    check(fin === expectedError(length), `${fin} of the parser for FIN after ${length} bytes`);
    for (const end of ['FIN', 'RST'] as const) {
      const trial = new Trial(library, scene);
      trial.send(prefix);
      check(!trial.ended, `waiting after ${length} bytes`);
      trial.end(end);
      trials.push({ where: `${end} after ${length} bytes`, trial });
    }
  }
  // A body is confirmed some turns after its end, if it can be.
  await turns();
  for (const { where, trial } of trials) {
    const { outcome, connection } = trial.verdict(false);
    check(outcome.endsWith('Error') && connection === 'closed', `${where}: ${outcome}, ${connection}`);
  }
}

function expectedError(length: number): string {
  return length === 0 ? 'ResponseNeverReceivedError' : 'TruncatedBodyError';
}
