/** What the server does to a connection that it was not asked anything on. */
export const faults = ['fin', 'rst', 'forged', 'byte', '408'] as const;
export type Fault = (typeof faults)[number];

/**
 * Where in the event loop the connection is asked for, when the fault has come and nobody has seen it yet:
 *
 * - `timers`, `check`, `poll`: from a callback of that phase of the loop, the last that of another socket;
 * - `own`: from the callback that brought the last response, with the connection just back in the pool;
 * - `queue`: by a get that waits, to which the connection goes when it comes back;
 * - `return`: like `own`, but the fault is behind the response before that is read to its end;
 * - `fresh`: on a connection just made, by a server that speaks before it is spoken to.
 */
export const moments = ['timers', 'check', 'poll', 'own', 'queue', 'return', 'fresh'] as const;
export type Moment = (typeof moments)[number];

/** What is asked, and whether a GET whose connection is lost is sent once more. */
export const askers = ['GET', 'GET without retry', 'POST'] as const;
export type Asker = (typeof askers)[number];

/**
 * How it is known that the fault has come: `mark`, the server says so in a file, which the client can read while its loop
 * stands still; `clock`, it does after 8 ms, and the loop stands still for 16.
 */
export type Timing = 'mark' | 'clock';

export interface Cell {
  readonly moment: Moment;
  readonly fault: Fault;
  readonly asker: Asker;
  readonly timing: Timing;
  /** Times that it is tried. */
  readonly rounds: number;
}

/** What became of the requests of a cell. */
export interface Outcome extends Omit<Cell, 'rounds'> {
  /** Requests asked while a fault waited unseen. */
  tries: number;
  /** Answered with what belongs to another request, or to none. */
  wrong: number;
  /** Failed after they were given a connection. */
  lost: number;
  /** Told that the connection made for them is not to be trusted, before anything was sent. */
  refused: number;
  /** Sent once more over a new connection: losses that nobody sees. */
  retried: number;
  /** Not tries: the fault had been seen before, or had not come yet. */
  void: number;
  /** Executed by the server more than once. */
  twice: number;
  /** The first thing that should not be, in words. */
  example: string;
}

/** A byte sequence of a server that answers what nobody asked. */
export const forged = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL';

export const clock = { fault: 8, busy: 16 } as const;
