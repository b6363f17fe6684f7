import { AsyncSubject, type Observable } from 'rxjs';
import { BodyUsedError } from '../errors/index.js';
import { guarded } from '../timing/index.js';
import { HTTPHeaders } from '../wire/index.js';

/**
 * How long bytes stay what they are: for the `call` that brings them (they lie in the buffer that all sockets share), for
 * the `pause` until more is asked for (in the connection's own buffer), or for `ever` (they are a copy).
 */
export type Validity = 'call' | 'pause' | 'ever';

/** Who reads a body. One for each way to read it; none of them is the user. */
export interface BodySink {
  /** Takes bytes. Returns false to be given no more until it calls `IncomingBody.more`. */
  chunk(bytes: Uint8Array, start: number, end: number, valid: Validity): boolean;
  /** It has `whole`. */
  readonly takesWhole: boolean;
  /** Takes the whole body at once, instead of `chunk` and `end`, where it lies in one piece: decoded where it is. */
  whole?(bytes: Uint8Array, start: number, end: number): void;
  end(): void;
  fail(error: unknown): void;
}

/** What a body asks of its exchange, as long as that goes on. */
export interface BodyOwner {
  /** A consumer is there, or wants more. May call back into the body at once. */
  wanted(): void;
  /** The consumer has gone before the end. `working`: on a view that must not be written over. */
  dropped(working: boolean): void;
  /** The consumer works asynchronously: views must outlast the call. */
  ownBuffer(on: boolean): void;
}

/** Adds to the errors of a body what a layer above knows of it. */
export interface Explainer {
  explain(error: unknown): void;
}

interface Piece {
  bytes: Uint8Array;
  start: number;
  end: number;
  valid: Validity;
}

/**
 * The body of one response, between the connection that brings it and the one consumer that takes it.
 *
 * Until it is claimed, and while the consumer holds, it is a queue; else bytes pass straight through. When the exchange
 * is over (`end`, `fail`) it lets go of the connection, and the rest of the queue is the consumer's alone.
 */
export class IncomingBody {
  #owner: BodyOwner | null;
  #sink: BodySink | null = null;
  #claimed = false;
  #holding = false;
  #flushing = false;
  #outcome: 'open' | 'ended' | 'failed' = 'open';
  #error: unknown = undefined;
  #queue: Piece[] = noPieces;
  /** The first piece of the queue that is not taken yet. */
  #taken = 0;
  /** How many bytes were read ahead: of no meaning once it is claimed. */
  #queued = 0;
  #trailers: HTTPHeaders = HTTPHeaders.empty;
  #trailersSubject: AsyncSubject<HTTPHeaders> | null = null;
  #about: Explainer | null = null;

  constructor(
    owner: BodyOwner | null,
    private readonly readAhead: number,
    /** The number of bytes, if the head says it. */
    readonly length: number | null,
    /** Those of the response, which say what the bytes are. */
    readonly headers: HTTPHeaders = HTTPHeaders.empty,
  ) {
    this.#owner = owner;
  }

  /** A second reader is refused. */
  get claimed(): boolean {
    return this.#claimed;
  }

  /** There was a consumer, and it has gone. */
  get dropped(): boolean {
    return this.#claimed && this.#sink === null && this.#outcome === 'open';
  }

  /** The consumer works on what it was given last. */
  get holding(): boolean {
    return this.#holding;
  }

  /** Whether the connection may bring more: the consumer takes it, or it fits in what is read ahead. */
  get hungry(): boolean {
    if (this.#claimed) return !this.#holding && this.#isEmpty();
    // At the limit nothing may be missing but the end.
    return this.#queued <= this.readAhead;
  }

  /** Bytes arrived. The view is the transport's: what is queued of it must be copied before the read ends (`settle`). */
  push(bytes: Uint8Array, start: number, end: number, valid: Validity): void {
    if (this.#sink !== null && !this.#holding && this.#isEmpty()) {
      this.#give(this.#sink, bytes, start, end, valid);
      // The consumer itself may have ended it, by closing the connection.
      if (this.#outcome !== 'open') this.#flush();
      return;
    }
    this.hold(bytes, start, end, valid);
  }

  /** Queues bytes, whoever waits for them. */
  hold(bytes: Uint8Array, start: number, end: number, valid: Validity): void {
    if (this.dropped) return; // the consumer has gone, the rest is drained
    this.#queued += end - start;
    const piece = { bytes, start, end, valid };
    // Most bodies are one piece: an array that grows makes room for seventeen.
    if (this.#queue.length === 0) this.#queue = [piece];
    else this.#queue.push(piece);
  }

  /**
   * The buffer in which queued views lie is going to be written over: they are copied, into one piece, as a server may
   * send a body in as many chunks as it has bytes. `lasting`: also those that were valid for the pause.
   */
  settle(lasting = false): void {
    if (this.#isEmpty()) return;
    const queue = this.#queue;
    const passing = (valid: Validity): boolean => valid === 'call' || (lasting && valid === 'pause');
    let first = queue.length;
    let length = 0;
    while (first > this.#taken && passing(queue[first - 1].valid)) {
      first--;
      length += queue[first].end - queue[first].start;
    }
    if (length === 0) return;
    const pieces = queue.splice(first);
    let last = queue.at(-1);
    if (last?.valid !== 'ever' || first === this.#taken || last.bytes.length - last.end < length) {
      // A body that comes in several reads gets room for the next. Zeroed, as who holds a part can see the whole.
      const bytes = first === this.#taken ? Buffer.allocUnsafeSlow(length) : Buffer.alloc(Math.max(length, 4_096));
      last = { bytes, start: 0, end: 0, valid: 'ever' };
      queue.push(last);
    }
    for (const { bytes, start, end } of pieces) {
      last.bytes.set(bytes.subarray(start, end), last.end);
      last.end += end - start;
    }
  }

  end(trailers: HTTPHeaders): void {
    this.#owner = null;
    this.#outcome = 'ended';
    this.#trailers = trailers;
    if (this.#sink !== null) guarded(() => this.#flush());
    const about = this.#trailersSubject;
    if (about === null) return;
    about.next(trailers);
    guarded(() => about.complete()); // it emits now
  }

  fail(error: unknown): void {
    this.#owner = null;
    this.#outcome = 'failed';
    this.#error = this.explained(error);
    guarded(() => this.#flush());
    guarded(() => this.#trailersSubject?.error(error));
  }

  /** Whose response it is: told of every error before anyone else hears of it. */
  set about(about: Explainer) {
    this.#about = about;
    if (this.#outcome === 'failed') about.explain(this.#error);
  }

  explained<E>(error: E): E {
    this.#about?.explain(error);
    return error;
  }

  /** Makes `sink` the one reader; a second one is failed with `BodyUsedError`. */
  claim(sink: BodySink): void {
    if (this.#claimed) {
      sink.fail(this.explained(new BodyUsedError()));
      return;
    }
    this.#claimed = true;
    const piece = this.#queue[0];
    if (this.#outcome === 'ended' && sink.takesWhole && this.#queue.length <= 1) {
      this.#clear();
      if (piece === undefined) sink.whole!(nothing, 0, 0);
      else sink.whole!(piece.bytes, piece.start, piece.end);
      return;
    }
    this.#sink = sink;
    this.#flush();
    this.#owner?.wanted();
  }

  /** The sink that returned false wants more. */
  more(): void {
    if (this.#sink === null) return;
    this.#holding = false;
    this.#flush();
    if (this.hungry) this.#owner?.wanted();
  }

  /** The consumer has gone. One that was refused, or has had it all, has nothing to drop. */
  drop(sink: BodySink, working = false): void {
    if (this.#sink !== sink) return;
    this.#sink = null;
    this.#holding = false;
    this.#clear();
    this.#owner?.dropped(working);
  }

  /** Views are to outlast the call, as the consumer works asynchronously. */
  ownBuffer(): void {
    this.#owner?.ownBuffer(true);
  }

  /** Emits the trailers at the end of the body; errors if that fails. Replayed. */
  get trailers(): Observable<HTTPHeaders> {
    if (this.#trailersSubject === null) {
      this.#trailersSubject = new AsyncSubject();
      if (this.#outcome === 'failed') this.#trailersSubject.error(this.#error);
      if (this.#outcome === 'ended') {
        this.#trailersSubject.next(this.#trailers);
        this.#trailersSubject.complete();
      }
    }
    return this.#trailersSubject;
  }

  #isEmpty(): boolean {
    return this.#taken === this.#queue.length;
  }

  #clear(): void {
    this.#queue = noPieces;
    this.#taken = 0;
  }

  #give(sink: BodySink, bytes: Uint8Array, start: number, end: number, valid: Validity): void {
    // Set first: a sink that is done at once calls `more` from inside `chunk`, and then returns false all the same.
    this.#holding = true;
    if (sink.chunk(bytes, start, end, valid)) this.#holding = false;
  }

  #flush(): void {
    // A sink may ask for more, or go, from inside `chunk`: the loop that runs sees to it, the stack does not grow.
    if (this.#flushing || this.#sink === null) return;
    this.#flushing = true;
    while (this.#sink !== null && !this.#holding) {
      const piece = this.#queue[this.#taken];
      if (piece === undefined) {
        this.#clear();
        break;
      }
      this.#taken++;
      this.#give(this.#sink, piece.bytes, piece.start, piece.end, piece.valid);
    }
    this.#flushing = false;
    const sink: BodySink | null = this.#sink;
    if (sink === null || this.#holding || !this.#isEmpty() || this.#outcome === 'open') return;
    this.#sink = null;
    if (this.#outcome === 'ended') sink.end();
    else sink.fail(this.#error);
  }
}

const nothing = new Uint8Array(0);
/** Of a body in which nothing waits, as of nearly all. */
const noPieces = Object.freeze([]) as unknown as Piece[];
