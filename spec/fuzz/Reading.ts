import type { ResponseFraming } from '../../src/wire/index.js';

/** A response as bytes and what they answer. */
export interface Play {
  /** One character an octet. */
  readonly text: string;
  readonly method: 'GET' | 'HEAD' | 'CONNECT';
  /** The request offered to switch protocols. */
  readonly upgrade: boolean;
  /** Offsets in ascending order. */
  readonly cuts: readonly number[];
}

/** What a parser makes of a play: while the connection is open, and when it has ended behind the bytes. */
export interface Reading {
  /** Of the bytes: `more` is wanted, the response has come to its `end` or to an `upgrade`, or was `refused`. */
  outcome: 'more' | 'end' | 'upgrade' | 'refused';
  /** What a FIN makes of `more`: the `end`, `none` if no byte had come, or `refused`. */
  closed: 'end' | 'none' | 'refused';
  /** Why it was refused, open or closed. */
  error: string;
  informational: number[];
  /** 0: no head yet. */
  status: number;
  statusText: string;
  version: string;
  /** Name, value, name, value, ... */
  fields: readonly string[];
  persistent: boolean;
  body: string;
  trailers: readonly string[];
  /** After `end` and `upgrade`: the offset behind the response. */
  length: number;
  /** Ours only: how the end of the body is told. */
  framing?: ResponseFraming;
}

export function newReading(): Reading {
  return {
    outcome: 'more',
    closed: 'none',
    error: '',
    informational: [],
    status: 0,
    statusText: '',
    version: '',
    fields: [],
    persistent: false,
    body: '',
    trailers: [],
    length: -1,
  };
}

const lists = ['informational', 'fields', 'trailers'] as const;
const details = ['status', 'statusText', 'version', 'persistent', 'body', 'length'] as const;

/** The name of the first thing that was read otherwise, undefined if there is none. Outcomes and errors are not looked at. */
export function difference(one: Reading, other: Reading): string | undefined {
  return (
    details.find(name => one[name] !== other[name]) ??
    lists.find(
      name => one[name].length !== other[name].length || one[name].some((value, i) => value !== other[name][i]),
    )
  );
}

/** The same to the letter, errors too. */
export function same(one: Reading, other: Reading): boolean {
  return (
    one.outcome === other.outcome &&
    one.closed === other.closed &&
    one.error === other.error &&
    difference(one, other) === undefined
  );
}
