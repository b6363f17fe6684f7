/** Where a request can be when somebody ends it; the numbers are those of the catalogue that this client is held to. */
export const states = [
  'S0 queued for a connection',
  'S1 looking up the name',
  'S2 connecting',
  'S3 in the TLS handshake',
  'S4 waiting for a tunnel',
  'S5 connected, nothing written',
  'S6 uploading, the source holds',
  'S6 uploading 8 MiB, the server holds',
  'S7 waiting for the head',
  'S8 within the head',
  'S9 in the 1xx callback',
  'S10 in the next of the response',
  'S11 in the first next of the body, a short rest to come',
  'S11 in the first next of the body, a rest of unknown length to come',
  'S12 between chunks, a short rest to come',
  'S12 between chunks, a rest of unknown length to come',
  'S13 in the last next of the body',
  'S14 in complete',
  'S15 idle',
  'S16 draining after close',
] as const;

export type State = (typeof states)[number];

export const actions = {
  U: 'unsubscribe, from outside',
  Us: 'unsubscribe, inside the callback',
  'Us takeUntil': 'end by a notifier that emits inside the callback',
  'Us take(1)': 'end by an operator that has enough',
  Ue: 'throw, inside the callback',
  X: 'unsubscribe, twice',
  C: 'close the pool in good order',
  D: 'close the pool at once',
  R: 'unsubscribe, and subscribe again',
  'C+U': 'close the pool, then unsubscribe in the same turn',
  'U+C': 'unsubscribe, then close the pool in the same turn',
} as const;

export type Action = keyof typeof actions;
export const actionNames = Object.keys(actions) as readonly Action[];

export interface CancelCell {
  readonly state: State;
  readonly action: Action;
}

/** `S11`: the states of one number have all in common but one thing. */
export function numberOf(state: State): number {
  return Number(/^S(\d+)/.exec(state)![1]);
}

/** The states that are the inside of a callback of the caller. */
export function isInCallback(state: State): boolean {
  const number = numberOf(state);
  return number >= 9 && number <= 14 && number !== 12;
}

/** Actions that are done to the pool. */
export function closes(action: Action): boolean {
  return action.includes('C') || action === 'D';
}

/** Cells that make no sense, and why. */
const rules: readonly { readonly because: string; excludes(cell: CancelCell): boolean }[] = [
  {
    because: 'there is no callback to be inside of',
    excludes: ({ state, action }) => (action.startsWith('Us') || action === 'Ue') && !isInCallback(state),
  },
  {
    because: 'an operator ends what it is in the path of, which a callback for 1xx is not, nor what is complete',
    excludes: ({ state, action }) => action.startsWith('Us ') && [9, 14].includes(numberOf(state)),
  },
  {
    because: 'it has enough with the first value',
    excludes: ({ state, action }) => action === 'Us take(1)' && numberOf(state) === 13,
  },
];

export const cancelCells: readonly CancelCell[] = states
  .flatMap(state => actionNames.map(action => ({ state, action })))
  .filter(cell => !rules.some(({ excludes }) => excludes(cell)));
