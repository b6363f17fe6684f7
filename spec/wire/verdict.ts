import { ResponseParser, type ResponseFraming, type ResponseLimits } from '../../src/wire/index.js';

export interface Scene {
  readonly method?: string;
  readonly upgrade?: boolean;
  readonly limits?: ResponseLimits;
  /** The peer sends FIN behind the bytes. */
  readonly eof?: boolean;
}

/** What came of some bytes, without regard to how many pieces they came in. */
export interface Verdict {
  /** The last thing known: `end`, `upgrade`, `none`, `more` if the response goes on, or the class of the error. */
  outcome: string;
  informational: number[];
  status?: number;
  statusText?: string;
  version?: string;
  headers?: readonly string[];
  framing?: ResponseFraming;
  contentLength?: number | null;
  persistent?: boolean;
  keepAlive?: object;
  body: string;
  trailers: readonly string[];
  /** Bytes that are not of the response. */
  surplus: string;
}

/**
 * Reads `bytes` in the segments that `cuts` (ascending offsets) make of them. `Parser` may be another than ours: one in
 * which a guard is switched off.
 */
export function verdict(bytes: Buffer, cuts: readonly number[], scene: Scene = {}, Parser = ResponseParser): Verdict {
  const { method = 'GET', upgrade = false, limits, eof = false } = scene;
  const parser = new Parser(limits);
  const seen: Verdict = { outcome: 'more', informational: [], body: '', trailers: [], surplus: '' };
  parser.start({ method, upgrade });
  try {
    let from = 0;
    for (const to of [...cuts, bytes.length]) {
      if (seen.outcome !== 'more') {
        seen.surplus += bytes.toString('latin1', from, to);
      } else {
        feed(parser, bytes.subarray(from, to), seen);
      }
      from = to;
    }
    if (eof) {
      seen.outcome = parser.eof();
    }
  } catch (error) {
    seen.outcome = (error as Error).constructor.name;
  }
  return seen;
}

function feed(parser: ResponseParser, segment: Uint8Array, seen: Verdict): void {
  // A window in the middle of a buffer that is overwritten afterwards, as the shared read buffer will be.
  const buffer = new Uint8Array(segment.length + 10).fill(0x41);
  buffer.set(segment, 5);
  parser.feed(buffer, 5, 5 + segment.length);
  for (;;) {
    const token = parser.read();
    switch (token) {
      case 'more':
      case 'end':
        break;
      case 'informational':
        seen.informational.push(parser.head.status);
        break;
      case 'upgrade':
      case 'head':
        seen.status = parser.head.status;
        seen.statusText = parser.head.statusText;
        seen.version = parser.head.httpVersion;
        seen.headers = parser.head.headers.raw;
        seen.framing = parser.framing;
        seen.contentLength = parser.contentLength;
        seen.persistent = parser.persistent;
        if (parser.keepAlive !== undefined) seen.keepAlive = parser.keepAlive;
        break;
      case 'data':
        check(parser.dataEnd > parser.dataStart, 'data is never empty');
        seen.body += Buffer.from(parser.chunk.subarray(parser.dataStart, parser.dataEnd)).toString('latin1');
        break;
    }
    if (token === 'more' || token === 'end' || token === 'upgrade') {
      seen.outcome = token;
      if (token === 'more') {
        check(parser.position === parser.end, 'more: all was taken');
      } else {
        seen.trailers = parser.trailers.raw;
        seen.surplus += Buffer.from(parser.chunk.subarray(parser.position, parser.end)).toString('latin1');
      }
      buffer.fill(0x0a);
      return;
    }
  }
}

/** `expect` costs too much to be called for every piece of every case. */
function check(held: boolean, promise: string): void {
  if (!held) {
    throw new Error(promise);
  }
}

export function bytewise(bytes: Buffer): number[] {
  return Array.from({ length: Math.max(0, bytes.length - 1) }, (_, i) => i + 1);
}
