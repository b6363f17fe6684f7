import type { LedgerPart } from './Ledger.js';

// What the processes of a run say to each other.

/** The server is up. */
export interface ServerAnswer {
  readonly type: 'ports';
  readonly ports: readonly number[];
}

/** All calls have ended: what has happened to the attempts below number `next`? */
export interface ServerQuestion {
  readonly next: number;
}

export interface ServerReport {
  readonly type: 'report';
  /** Connections that are open though nobody should use one. */
  readonly open: number;
  readonly connections: number;
  readonly ledger: LedgerPart;
  /** When unasked messages number `firstUnasked` and later were sent. */
  readonly unasked: readonly number[];
  readonly firstUnasked: number;
  readonly violations: readonly string[];
}

/** The event loop of the client turns. */
export interface Alive {
  readonly type: 'alive';
}

export interface Finding {
  readonly type: 'finding';
  readonly invariant: string;
  readonly detail: string;
}

/** A part of the run is over, every agent in it is closed. */
export interface EpochReport {
  readonly type: 'epoch';
  readonly next: number;
  readonly requests: number;
  /** By attempt, as numbers of `Outcome`. */
  readonly outcomes: string;
  /** By attempt: 1 if it is idempotent. */
  readonly idempotent: string;
  /** Answers that nobody had asked for, which a caller got: the number of each, and when its request was begun. */
  readonly raced: readonly { readonly unasked: number; readonly attempt: number; readonly since: number | null }[];
  readonly counts: Readonly<Record<string, number>>;
  readonly heap: number;
  readonly seconds: number;
  readonly last: boolean;
}

/** How an attempt ended, as far as the ledger can say something to it. */
export enum Outcome {
  /** It is over, and nothing can be said of it: cancelled, failed on its way. */
  Unknown = 0,
  /** Its answer came whole. */
  Answered = 1,
  /** It failed with an error that says that nothing was sent. */
  NotSent = 2,
}
