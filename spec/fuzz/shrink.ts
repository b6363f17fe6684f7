import type { Play } from './Reading.js';

/**
 * The least of a play that still fails: pieces are left out, large ones first, as long as any can be. Generic in how it
 * is asked, as whole clients take their time to answer.
 */
function* attempts<T extends Play>(play: T): Generator<T, T, boolean> {
  let best = play;
  for (const simpler of [{ cuts: [] }, { upgrade: false }, { method: 'GET' }, { pauses: false }, { reader: 'body' }]) {
    // Only what a play of this kind has.
    if (!(Object.keys(simpler)[0] in play)) continue;
    const other = { ...best, ...simpler };
    if (yield other) best = other;
  }
  for (let size = Math.ceil(best.text.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let again = true; again;) {
      again = false;
      for (let at = 0; at < best.text.length;) {
        const other = without(best, at, size);
        if (yield other) {
          best = other;
          again = true;
        } else at += size;
      }
    }
  }
  for (let i = best.cuts.length - 1; i >= 0; i--) {
    const other = { ...best, cuts: best.cuts.filter((_, j) => j !== i) };
    if (yield other) best = other;
  }
  return best;
}

function without<T extends Play>(play: T, at: number, size: number): T {
  const text = play.text.slice(0, at) + play.text.slice(at + size);
  const moved = play.cuts.map(cut => (cut <= at ? cut : Math.max(at, cut - size)));
  return { ...play, text, cuts: [...new Set(moved)].filter(cut => cut <= text.length) };
}

export function shrink<T extends Play>(play: T, fails: (play: T) => boolean): T {
  if (!fails(play)) return play;
  const tries = attempts(play);
  let step = tries.next();
  while (!step.done) step = tries.next(fails(step.value));
  return step.value;
}

export async function shrinkAsync<T extends Play>(play: T, fails: (play: T) => Promise<boolean>): Promise<T> {
  if (!(await fails(play))) return play;
  const tries = attempts(play);
  let step = tries.next();
  while (!step.done) step = tries.next(await fails(step.value));
  return step.value;
}
