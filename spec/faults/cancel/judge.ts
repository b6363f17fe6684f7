import { from, lastValueFrom, mergeMap, toArray } from 'rxjs';
import type { Library } from '../Library.js';
import type { CancelCell } from './cells.js';
import { CancelPlay, type CancelOutcome } from './CancelPlay.js';
import { expected } from './oracle.js';

/** Runs cells and tells what differs from what has to come of them; nothing, if all is well. */
export function judgeCancel(
  cells: readonly CancelCell[],
  library: Library,
  { signal, concurrency = 16 }: { readonly signal?: AbortSignal; readonly concurrency?: number } = {},
): Promise<string[]> {
  return lastValueFrom(
    from(cells).pipe(
      mergeMap(async cell => differences(cell, await CancelPlay.run(cell, library, signal).catch(String)), concurrency),
      mergeMap(found => found),
      toArray(),
    ),
  );
}

function differences(cell: CancelCell, outcome: CancelOutcome | string): string[] {
  const name = `${cell.state}: ${cell.action}`;
  if (typeof outcome === 'string') return [`${name}: ${outcome}`];
  return Object.entries(expected(cell)).flatMap(([what, should]) => {
    const is: unknown = outcome[what as keyof CancelOutcome];
    const same = JSON.stringify(is) === JSON.stringify(should);
    return same ? [] : [`${name}: ${what} is ${JSON.stringify(is)} instead of ${JSON.stringify(should)}`];
  });
}
