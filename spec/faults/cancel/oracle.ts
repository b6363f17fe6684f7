import { closes, numberOf, type CancelCell, type State } from './cells.js';
import type { CancelOutcome } from './CancelPlay.js';
import { cellText } from './CancelServer.js';

/**
 * What has to come of a cell: a function of the cell alone.
 *
 * - After an unsubscription nothing is told; else exactly one end.
 * - Before the response's head an unsubscription frees the place at once; a dial goes with the only one who wanted it.
 * - From the head's `next` on the body owns the exchange. One that nobody claims is read ahead, and one whose known rest
 *   is short is drained: in both cases the connection is kept. (A catalogue that wants it closed after a `take(1)` of the
 *   response is overruled: a thousand responses of which only the status is read shall not cost a thousand connections.)
 * - A close in good order refuses those who wait and lets the others end; one at once fails them as well.
 */
export function expected(cell: CancelCell): CancelOutcome {
  const closed = closes(cell.action) || numberOf(cell.state) === 16;
  return {
    told: told(cell),
    terminals: told(cell) === 'nothing' ? 0 : 1,
    late: 0,
    leasedThen: leasedThen(cell),
    sourcesThen: sourcesThen(cell),
    connections: connections(cell),
    seen: seen(cell),
    again: cell.action === 'R' ? (closed ? 'PoolClosedError' : cellText) : null,
    next: closed ? 'PoolClosedError' : 'next',
    closes: (closes(cell.action) ? 1 : 0) + (numberOf(cell.state) === 16 ? 1 : 0),
    closedEarly: false,
    openAtServer: closed ? 0 : 1,
    openDials: 0,
    unhandled: cell.action === 'Ue' && numberOf(cell.state) !== 9 ? 1 : 0,
    // A callback that observes is none of those whose errors RxJS reports: the pool's events do.
    reports: cell.action === 'Ue' && numberOf(cell.state) === 9 ? ['Thrown'] : [],
  };
}

/** How the caller hears of the end of it all: of the request, or of the body. */
function told({ state, action }: CancelCell): string {
  const number = numberOf(state);
  if (number === 14 || number === 15) return 'complete';
  // Nothing is between the last `next` and `complete`: no other turn of the loop either.
  if (number === 13 && action !== 'Us') return 'complete';
  const hasLease = number >= 6;
  switch (action) {
    case 'C':
      return hasLease ? 'complete' : 'PoolClosedError';
    case 'D':
      return hasLease ? 'AbortedError' : 'PoolClosedError';
    case 'C+U':
      // Told by the close, and so before the unsubscription.
      return hasLease ? 'nothing' : 'PoolClosedError';
    case 'Ue':
      // What throws in the `next` of the response never gets to the body.
      return number === 10 ? 'nothing' : 'complete';
    case 'Us takeUntil':
      return number === 10 ? 'nothing' : 'complete';
    case 'Us take(1)':
      // Of the response: that is how it is mostly read, and its body is there all the same.
      return 'complete';
    default:
      return 'nothing';
  }
}

/** Whether the rest of the body is such that the connection is kept when the consumer goes. */
function isShort(state: State): boolean {
  return !state.includes('unknown length');
}

/** What it does not end, it goes on; so do operators that end something else, and what throws. */
function goesOn({ state, action }: CancelCell): boolean {
  const number = numberOf(state);
  if (action === 'C' || action === 'Ue') return true;
  // The body that is nobody's is read ahead; what is left is drained.
  return action !== 'D' && (number === 10 || ((number === 11 || number === 12 || number === 16) && isShort(state)));
}

/** Connections in use when the action has returned, without those on their way to others. */
function leasedThen(cell: CancelCell): number {
  const number = numberOf(cell.state);
  const { action } = cell;
  if (number === 0) return action === 'D' ? 0 : 1; // the one it waits for
  if (number < 5) return 0;
  // It was to be used by somebody, and is looked at for whoever comes, unless nobody may.
  if (number === 5) return closes(action) ? 0 : 1;
  if (number >= 13 && number <= 15) return 0;
  return goesOn(cell) ? 1 : 0;
}

function sourcesThen({ state, action }: CancelCell): number {
  return numberOf(state) === 6 && action === 'C' ? 1 : 0;
}

/** Connections that were made, the next request's included. */
function connections(cell: CancelCell): number {
  const number = numberOf(cell.state);
  const closed = closes(cell.action) || number === 16;
  if (number >= 1 && number <= 4) return closed ? 0 : 1;
  if (closed || number === 0 || number === 5 || (number >= 13 && number <= 15)) return 1;
  return goesOn(cell) ? 1 : 2;
}

/** How often the server saw the request. */
function seen({ state, action }: CancelCell): number {
  const number = numberOf(state);
  return (number < 6 ? 0 : 1) + (action === 'R' && number !== 16 ? 1 : 0);
}
