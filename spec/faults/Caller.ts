import { mergeMap, tap, type Observable } from 'rxjs';
import type { HTTPResponse } from '../../src/index.js';
import { className } from '../support/index.js';
import type { Cell } from './Cell.js';
import type { Library } from './Library.js';

/** What the caller of one request was told, by the request and by the body together. */
export interface Told {
  how: 'answer' | 'error instead of an answer' | 'error in the body' | 'nothing';
  /** The error's class and phase, and the `code`s of it and all its causes. */
  error: string | null;
  phase: string | null;
  codes: readonly string[];
  /** The body as far as it was handed over; null where it is thrown away, or is handed over whole or not at all. */
  text: string | null;
  /** How often it was told that it is over. */
  terminals: number;
  /** Connections in use, or on their way, in the moment in which it was told. */
  heldThen: number;
}

/** Makes one request and treats its response in one of the ways of `Cell.read`. */
export class Caller {
  readonly told: Told = {
    how: 'nothing',
    error: null,
    phase: null,
    codes: [],
    text: null,
    terminals: 0,
    heldThen: 0,
  };
  #response: HTTPResponse | null = null;

  constructor(
    private readonly read: Cell['read'],
    private readonly library: Library,
    /** How many connections are in use or on their way. */
    private readonly held: () => number,
  ) {}

  start(request$: Observable<HTTPResponse>): void {
    const response$ = request$.pipe(tap(response => (this.#response = response)));
    switch (this.read) {
      case 'text':
        return this.#observe(response$.pipe(this.library.text()), text => (this.told.text = text));
      case 'pull':
        return this.#observe(
          response$.pipe(
            tap(() => (this.told.text = '')),
            mergeMap(response => response.body.pull(async chunk => this.#add(chunk))),
          ),
        );
      case 'discarded':
        return this.#observe(response$.pipe(this.library.discard()));
      case 'unread':
        response$.subscribe({ error: error => this.#failed(error) });
    }
  }

  /** It was told how it ended, or has its response and wants no more. */
  get isDone(): boolean {
    return this.told.terminals > 0 || (this.read === 'unread' && this.#response !== null);
  }

  /** Looks into a body that nobody had read while the exchange went on: nothing may have been lost in silence. */
  claimLate(): void {
    if (this.#response === null) return;
    this.told.text = '';
    this.#observe(this.#response.body, chunk => this.#add(chunk));
  }

  #add(chunk: Uint8Array): void {
    this.told.text += Buffer.from(chunk).toString('latin1');
  }

  #observe<T>(source: Observable<T>, take: (value: T) => void = () => undefined): void {
    source.subscribe({
      next: value => {
        take(value);
        // A text is the end of it: whoever has it may ask for a connection at once.
        if (typeof value === 'string') this.told.heldThen = this.held();
      },
      complete: () => this.#over('answer'),
      error: error => this.#failed(error),
    });
  }

  #failed(error: unknown): void {
    const { told } = this;
    told.error = className(error);
    told.phase = (error as { phase?: string }).phase ?? null;
    told.codes = codesOf(error);
    this.#over(this.#response === null ? 'error instead of an answer' : 'error in the body');
  }

  #over(how: Told['how']): void {
    this.told.how = how;
    this.told.terminals++;
    this.told.heldThen = Math.max(this.told.heldThen, this.held());
  }
}

/** The codes of an error and of all that caused it. The system's are not of the same realm as ours in a spec. */
function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  for (let each = error; typeof each === 'object' && each !== null && codes.length < 10;) {
    const { code, cause } = each as { code?: unknown; cause?: unknown };
    codes.push(String(code));
    each = cause;
  }
  return codes;
}
