import type { Subscriber } from 'rxjs';
import { RecordTooLargeError } from '../errors/index.js';
import type { ChunkReader } from './readChunks.js';
import type { ServerSentEvent } from './ServerSentEvent.js';

/** What outlives a connection. */
export interface StreamMemory {
  lastEventId: string;
  retry: number | undefined;
}

const byteOrderMark = 0xfeff;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Takes an event stream apart: HTML Standard section 9.2.6. */
export class EventStreamReader implements ChunkReader<Uint8Array> {
  /** UTF-8 whatever the headers say. It takes no mark off: Node 26 takes two where the bytes are cut between them. */
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  /** Something was decoded. */
  #opened = false;
  /** The beginning of a line whose end has not come. */
  #begun = '';
  /** The last character was a CR: an LF that follows belongs to it. */
  #afterCR = false;
  #type = '';
  /** The data lines so far, each with an LF behind it. */
  #data = '';
  #id: string;
  #count = 0;

  constructor(
    private readonly memory: StreamMemory,
    private readonly maxLength: number,
    private readonly subscriber: Subscriber<ServerSentEvent>,
  ) {
    this.#id = memory.lastEventId;
  }

  chunk(bytes: Uint8Array): void {
    const decoded = this.#decoder.decode(bytes, { stream: true });
    if (decoded === '') return;
    const text = this.#opened || decoded.charCodeAt(0) !== byteOrderMark ? decoded : decoded.slice(1);
    this.#opened = true;
    let at = this.#afterCR && text.charCodeAt(0) === lineFeed ? 1 : 0;
    this.#afterCR = false;
    for (let i = at; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code !== lineFeed && code !== carriageReturn) continue;
      const line = this.#begun + text.slice(at, i);
      this.#begun = '';
      // A CR ends the line at once: to wait for what follows would hold back an event.
      if (code === carriageReturn) {
        if (text.charCodeAt(i + 1) === lineFeed) i++;
        else this.#afterCR = i + 1 === text.length;
      }
      at = i + 1;
      this.#line(line);
    }
    this.#begun += text.slice(at);
    this.#check(this.#begun);
  }

  /** An event that was begun and not ended is none. */
  end(): void {}

  #line(line: string): void {
    this.#check(line);
    if (line === '') {
      this.#dispatch();
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') this.#data += `${value}\n`;
    else if (name === 'event') this.#type = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^[0-9]+$/.test(value)) this.memory.retry = Number(value);
  }

  #dispatch(): void {
    const { memory } = this;
    const type = this.#type || 'message';
    const data = this.#data.slice(0, -1);
    const isEmpty = this.#data === '';
    this.#type = this.#data = '';
    // Also without data: so a server moves the mark and says nothing.
    memory.lastEventId = this.#id;
    if (isEmpty) return;
    this.#count++;
    this.subscriber.next({ type, data, lastEventId: memory.lastEventId, retry: memory.retry });
  }

  #check(line: string): void {
    if (line.length + this.#data.length > this.maxLength) {
      throw new RecordTooLargeError(this.maxLength, this.#count + 1);
    }
  }
}
