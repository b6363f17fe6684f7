import { difference, type Reading } from './Reading.js';

/**
 * In what two parsers differ: one `accepts` (ours) what the other refuses, or `refuses`, or `waits` for more of what the
 * other has refused; both accept, but `ends` it elsewhere, or the name of what they read otherwise.
 */
export function compare(ours: Reading, theirs: Reading): string | undefined {
  if (ours.outcome !== theirs.outcome) {
    if (ours.outcome === 'refused') return 'refuses';
    if (theirs.outcome === 'refused') return ours.outcome === 'more' ? 'waits' : 'accepts';
    return 'ends';
  }
  if (ours.outcome === 'refused') return refusedAlike(ours, theirs);
  if (ours.closed !== theirs.closed && ours.outcome === 'more') return 'eof';
  return difference(ours, theirs);
}

/** Both gave up, each at its own place; what a caller had seen until then must be of one message. */
function refusedAlike(ours: Reading, theirs: Reading): string | undefined {
  if (ours.status === 0 || theirs.status === 0) return undefined;
  const body = ours.body.startsWith(theirs.body) || theirs.body.startsWith(ours.body) ? '' : ours.body;
  return difference(
    { ...ours, body, length: -1, trailers: [] },
    { ...theirs, body: body && theirs.body, length: -1, trailers: [] },
  );
}
