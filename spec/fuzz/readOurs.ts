import { HeadersOverflowError, ParseError, TruncatedBodyError } from '../../src/errors/index.js';
import type { ResponseParser } from '../../src/wire/index.js';
import { newReading, type Play, type Reading } from './Reading.js';

/** Thrown where the parser breaks its own rules, whatever the bytes are. */
export class BrokenPromise extends Error {}

/** The buffer that all segments are read into, as all sockets of a process do. */
const shared = Buffer.alloc(256 * 1024);

/** What our parser makes of the bytes in these segments. The parser may have read others before. */
export function readOurs(parser: ResponseParser, bytes: Buffer, cuts: readonly number[], play: Play): Reading {
  const seen = newReading();
  try {
    parser.start(play);
    for (let i = 0, from = 0; i <= cuts.length && seen.outcome === 'more'; i++) {
      const to = i < cuts.length ? cuts[i] : bytes.length;
      bytes.copy(shared, 3, from, to);
      readSegment(parser, from, to, seen);
      // Nobody may look there any more.
      shared.fill(0x0a, 3, 3 + Math.min(to - from, 512));
      from = to;
    }
    if (seen.outcome !== 'upgrade') {
      seen.closed = parser.eof();
      if (seen.outcome === 'end' && seen.closed !== 'end') throw new BrokenPromise('an end is an end, also after FIN');
    }
  } catch (error) {
    refuse(seen, error);
  }
  return seen;
}

function refuse(seen: Reading, error: unknown): void {
  if (!(error instanceof ParseError || error instanceof HeadersOverflowError || error instanceof TruncatedBodyError)) {
    throw error;
  }
  seen.error = `${error.constructor.name}: ${error.message}`;
  seen.closed = 'refused';
  if (!(error instanceof TruncatedBodyError)) seen.outcome = 'refused';
}

function readSegment(parser: ResponseParser, from: number, to: number, seen: Reading): void {
  parser.feed(shared, 3, 3 + to - from);
  // One octet gives at most two tokens: a parser that gives more does not move.
  for (let tokens = 0; tokens < 2 * (to - from) + 4; tokens++) {
    const token = parser.read();
    switch (token) {
      case 'more':
        return;
      case 'informational':
        seen.informational.push(parser.head.status);
        break;
      case 'data':
        if (parser.dataEnd <= parser.dataStart) throw new BrokenPromise('data is never empty');
        seen.body += shared.toString('latin1', parser.dataStart, parser.dataEnd);
        break;
      case 'head':
        headed(parser, seen);
        break;
      case 'upgrade':
        headed(parser, seen);
        return ended(parser, token, from, seen);
      case 'end':
        return ended(parser, token, from, seen);
    }
  }
  throw new BrokenPromise('reading moves on');
}

function headed(parser: ResponseParser, seen: Reading): void {
  const { status, statusText, httpVersion, headers } = parser.head;
  seen.status = status;
  seen.statusText = statusText;
  seen.version = httpVersion;
  seen.fields = headers.raw;
  seen.persistent = parser.persistent;
  seen.framing = parser.framing;
}

function ended(parser: ResponseParser, outcome: 'end' | 'upgrade', from: number, seen: Reading): void {
  seen.outcome = outcome;
  seen.trailers = parser.trailers.raw;
  seen.length = from + parser.position - 3;
}

/** Every offset: one octet a segment. */
export function everyOffset(length: number): number[] {
  return Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1);
}
