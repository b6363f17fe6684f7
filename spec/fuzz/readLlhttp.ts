import { request } from 'node:http';
import { Duplex } from 'node:stream';
import { newReading, type Play, type Reading } from './Reading.js';

/** The parser inside `node:http`, which has no types: events are numbered properties. */
export interface NodeParser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void;
  execute(bytes: Buffer): number | ParserFault;
  finish(): undefined | ParserFault;
  [event: number]: unknown;
}
type ParserFault = Error & { readonly code: string; readonly reason: string; readonly bytesParsed: number };

export interface NodeParserClass {
  new (): NodeParser;
  readonly REQUEST: number;
  readonly RESPONSE: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
  readonly kLenientNone: number;
}

/**
 * The class of the parser that `node:http` uses, taken from a request that goes nowhere: `process.binding` has it only
 * up to Node 22.
 */
export async function nodeParserClass(): Promise<NodeParserClass> {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const asked = request({ createConnection: () => socket }) as unknown as {
    parser: { constructor: NodeParserClass };
    once(event: 'socket' | 'error', listener: () => void): void;
    destroy(): void;
  };
  await new Promise<void>(resolve => {
    asked.once('socket', () => process.nextTick(resolve));
    asked.once('error', () => undefined);
  });
  const { constructor } = asked.parser;
  asked.destroy();
  return constructor;
}

/** What `node:http`'s parser makes of a response, used as its client does: strict, and told about `HEAD`. */
export class LlhttpReader {
  private readonly parser: NodeParser;
  private seen = newReading();
  private play: Play | null = null;
  /** Fields that came before the head was complete, or behind it: then they are trailers. */
  private pending: string[] = [];
  private begun = false;
  private ended = false;

  constructor(private readonly types: NodeParserClass) {
    const parser = (this.parser = new types());
    parser[types.kOnHeaders] = (fields: string[]) => this.pending.push(...fields);
    parser[types.kOnHeadersComplete] = (
      major: number,
      minor: number,
      fields: string[] | undefined,
      _method: unknown,
      _url: unknown,
      status: number,
      statusText: string,
      upgrade: boolean,
      persistent: boolean,
    ) => this.headed(`${major}.${minor}`, fields, status, statusText, upgrade, persistent);
    parser[types.kOnBody] = (bytes: Buffer) => {
      if (!this.ended) this.seen.body += bytes.toString('latin1');
    };
    parser[types.kOnMessageComplete] = () => this.complete();
  }

  /** `end`: where the response is thought to end; what is read is told as having ended there, or elsewhere. */
  read(bytes: Buffer, end: number, play: Play): Reading {
    const { parser, types } = this;
    this.play = play;
    const seen = (this.seen = newReading());
    this.pending = [];
    this.begun = this.ended = false;
    parser.initialize(types.RESPONSE, {}, 0, types.kLenientNone);
    // The parser does not tell where a response ended, so that the octet with which it should is given by itself.
    if (end > 1) this.execute(bytes.subarray(0, end - 1));
    if (this.ended) seen.length = -2;
    else if (end > 0) {
      this.execute(bytes.subarray(Math.max(0, end - 1), end));
      if (this.ended) seen.length = end;
    }
    if (!this.ended && seen.outcome === 'more') {
      this.execute(end > 0 ? bytes.subarray(end) : bytes);
      if (this.ended) seen.length = -3;
    }
    if (seen.outcome === 'more') {
      const fault = parser.finish();
      if (fault !== undefined) this.refuse(fault);
      else seen.closed = this.ended ? 'end' : bytes.length === 0 ? 'none' : 'refused';
      // What only the end of the connection ends has no length.
      if (this.ended) {
        seen.outcome = 'more';
        seen.length = -1;
      }
    } else if (this.ended && seen.outcome === 'end') seen.closed = 'end';
    return seen;
  }

  private execute(bytes: Buffer): void {
    if (this.seen.outcome !== 'more' || bytes.length === 0) return;
    const result = this.parser.execute(bytes);
    // What follows a complete response changes nothing about it.
    if (typeof result !== 'number' && !this.ended) {
      this.refuse(result);
      this.seen.outcome = 'refused';
    }
  }

  private refuse(fault: ParserFault): void {
    this.seen.error = `${fault.code}: ${fault.reason}`;
    this.seen.closed = 'refused';
  }

  private headed(
    version: string,
    fields: string[] | undefined,
    status: number,
    statusText: string,
    upgrade: boolean,
    persistent: boolean,
  ): number {
    const { seen, play } = this;
    // A second response in the same bytes is none of ours.
    if (this.ended) return 0;
    const all = this.pending.concat(fields ?? []);
    this.pending = [];
    // Node's client takes any answer to CONNECT for a tunnel; here it is asked as RFC 9112 section 6.3 says.
    const switched = upgrade || (play!.method === 'CONNECT' && status >= 200 && status < 300);
    if (!switched && status >= 100 && status < 200 && status !== 101) {
      seen.informational.push(status);
      return 1;
    }
    this.begun = true;
    seen.status = status;
    seen.statusText = statusText;
    seen.version = version;
    seen.fields = all;
    seen.persistent = !switched && persistent;
    if (switched) {
      this.ended = true;
      seen.outcome = 'upgrade';
      return 2;
    }
    return play!.method === 'HEAD' ? 1 : 0;
  }

  private complete(): void {
    const { seen } = this;
    if (this.ended || !this.begun) return; // a 1xx response
    this.ended = true;
    seen.outcome = 'end';
    seen.trailers = this.pending;
    this.pending = [];
  }
}
