import { from, type Observable } from 'rxjs';
import type { ProtocolResponse } from '../../src/protocol/index.js';
import { className } from '../support/index.js';

/** What a reader of a body was told. */
export interface Reading {
  /** What it was given. */
  body: string;
  /** `complete`, the class of the error, or nothing yet. */
  outcome: string;
  /** Terminal notifications. */
  terminals: number;
}

export interface Reader {
  /** Claims the body of a response and notes what comes. */
  read(response: ProtocolResponse, reading: Reading): void;
  /**
   * It is given the body piece by piece; or all of it when it has come; or nothing of it. A `stream` of Node is given it
   * piece by piece, but throws away what it holds when it fails.
   */
  readonly shows: 'pieces' | 'whole' | 'nothing' | 'stream';
  /** It comes when all bytes have come. */
  readonly late?: boolean;
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

function note(reading: Reading, outcome: string): void {
  reading.outcome = outcome;
  reading.terminals++;
}

function observe(reading: Reading, source$: Observable<Uint8Array | string | void>): void {
  source$.subscribe({
    next: value => {
      if (value !== undefined) reading.body += typeof value === 'string' ? value : latin1(value);
    },
    error: error => note(reading, className(error)),
    complete: () => note(reading, 'complete'),
  });
}

async function iterate(reading: Reading, source: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const bytes of source) reading.body += latin1(bytes);
    note(reading, 'complete');
  } catch (error) {
    note(reading, className(error));
  }
}

/** Work that takes its time, on a window that must stay what it is. */
async function slowly(window: Uint8Array): Promise<Uint8Array> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
  return window.slice();
}

/** All ways there are to read a body; `body` is the one that the others are held against. */
export const readers = {
  body: { shows: 'pieces', read: (response, reading) => observe(reading, response.body) },
  text: { shows: 'whole', read: (response, reading) => observe(reading, response.text()) },
  bytes: { shows: 'whole', read: (response, reading) => observe(reading, response.bytes()) },
  discard: { shows: 'nothing', read: (response, reading) => observe(reading, response.discard()) },
  pull: {
    shows: 'pieces',
    read: (response, reading) =>
      observe(
        reading,
        response.body.pull(window => [window.slice()]),
      ),
  },
  'pull, at leisure': {
    shows: 'pieces',
    read: (response, reading) =>
      observe(
        reading,
        response.body.pull(window => from(slowly(window))),
      ),
  },
  'for await': { shows: 'pieces', read: (response, reading) => void iterate(reading, response.body) },
  readable: {
    shows: 'stream',
    read: (response, reading) => void iterate(reading, response.body.readable() as AsyncIterable<Uint8Array>),
  },
  'text, late': { shows: 'whole', late: true, read: (response, reading) => observe(reading, response.text()) },
  'body, late': { shows: 'pieces', late: true, read: (response, reading) => observe(reading, response.body) },
  // It can still be told by the trailers whether the response was whole.
  nobody: { shows: 'nothing', read: () => undefined },
} as const satisfies Readonly<Record<string, Reader>>;

export type ReaderName = keyof typeof readers;
export const readerNames = Object.keys(readers) as ReaderName[];
