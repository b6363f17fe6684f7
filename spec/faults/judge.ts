import { from, lastValueFrom, mergeMap, toArray } from 'rxjs';
import { nameOf, type Cell } from './Cell.js';
import type { Library } from './Library.js';
import { expected, type Expectation } from './oracle.js';
import { play, type Outcome } from './play.js';

/** Cells that run at a time. They mostly wait. */
const concurrency = 32;

/** How long things may take that should take no time, on a machine that has much else to do, in ms. */
const patience = 15_000;

/** Runs cells and tells what differs from what has to come of them; nothing, if all is well. */
export function judge(cells: readonly Cell[], library: Library, waits = patience): Promise<string[]> {
  return lastValueFrom(
    from(cells).pipe(
      mergeMap(async cell => differences(cell, await play(cell, library, waits).catch(String)), concurrency),
      mergeMap(found => found),
      toArray(),
    ),
  );
}

function differences(cell: Cell, outcome: Outcome | string): string[] {
  if (typeof outcome === 'string') return [`${nameOf(cell)}: ${outcome}`];
  const found = expected(cell).map(expectation => differencesFrom(expectation, outcome));
  return found.some(({ length }) => length === 0) ? [] : found[0].map(difference => `${nameOf(cell)}: ${difference}`);
}

function differencesFrom({ codes, text, ...rest }: Expectation, outcome: Outcome): string[] {
  const found = codes.filter(code => !outcome.codes.some(each => code.test(each))).map(code => `no code ${code}`);
  const differ = (what: string, is: unknown, should: unknown): void => {
    if (JSON.stringify(is) !== JSON.stringify(should)) {
      found.push(`${what} is ${JSON.stringify(is)} instead of ${JSON.stringify(should)}`);
    }
  };
  for (const [what, should] of Object.entries(rest)) differ(what, outcome[what as keyof Outcome], should);
  if (text !== null) differ('text', outcome.text, text);
  return found;
}
