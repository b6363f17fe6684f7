import type { ProtocolResponse } from '../../src/protocol/index.js';
import { answer, openConnection, record, type Recorded, type Stage } from '../support/index.js';
import type { Scene, Verdict } from './Case.js';
import type { Library } from './library.js';
import { readers, type Reader, type ReaderName, type Reading } from './readers.js';

/** As much as comes in one read. */
const readSize = 64 * 1024;

/**
 * One exchange over a connection, as its server plays it, and what came of it.
 *
 * ```ts
 * const trial = new Trial(library, scene, 'text');
 * trial.send(bytes, cuts);
 * await turns();      // readers that take their time have had it
 * trial.end('FIN');
 * await turns();
 * trial.verdict();
 * ```
 */
export class Trial {
  readonly stage: Stage;
  readonly #reader: Reader;
  readonly #informational: number[] = [];
  readonly #response: Recorded<ProtocolResponse>;
  readonly #reading: Reading = { body: '', outcome: '', terminals: 0 };
  readonly #tunnel: string[] = [];
  #trailers: Recorded<{ readonly raw: readonly string[] }> | null = null;

  constructor(
    library: Library,
    scene: Scene = {},
    private readonly readerName: ReaderName = 'body',
    before = '',
  ) {
    const { method = 'GET', upgrade = false, limits } = scene;
    this.stage = openConnection({ library, limits });
    this.#reader = readers[readerName];
    if (before !== '') this.stage.transport.respond(before);
    const response$ = this.stage.connection.request({
      method,
      path: method === 'CONNECT' ? 'example.test:443' : '/',
      headers: upgrade ? { Upgrade: 'x' } : {},
      observer: { informational: ({ status }) => this.#informational.push(status) },
    });
    this.#response = record(response$);
    const { values } = this.#response;
    // A caller that reads the body claims it when it gets the response.
    const push = values.push.bind(values);
    values.push = (...responses) => {
      const length = push(...responses);
      if (this.#reader.late !== true) this.#claim();
      return length;
    };
  }

  /** The server sends bytes, in the segments that `cuts` make of them. */
  send(bytes: Buffer, cuts: readonly number[] = []): void {
    let from = 0;
    for (const to of [...cuts, bytes.length]) {
      for (; from < to && !this.stage.transport.destroyed; from += readSize) {
        this.stage.transport.respond(bytes.subarray(from, Math.min(to, from + readSize)));
      }
      from = to;
    }
  }

  /** The caller was told how it ended, or that another protocol is spoken. */
  get ended(): boolean {
    const [head] = this.#response.values;
    return this.#response.error !== undefined || this.#reading.terminals > 0 || head?.upgrade !== undefined;
  }

  end(kind: 'FIN' | 'RST' | undefined): void {
    if (kind === 'FIN') this.stage.transport.fin();
    if (kind === 'RST') this.stage.transport.reset();
  }

  /** Those who come late come now. */
  settle(): void {
    if (this.#reader.late === true) this.#claim();
  }

  /**
   * What came of it. With `next` the next request is made, to see what became of the connection; else it is believed
   * what it says.
   *
   * @throws if anything was told twice, or something was told that must not be.
   */
  verdict(next = true): Verdict {
    const response = this.#response;
    const reading = this.#reading;
    const [head] = response.values;
    check(response.terminals <= 1 && reading.terminals <= 1, 'one outcome');
    check(this.stage.reports.length === 0, 'nothing to report');
    let outcome = 'waiting';
    if (response.error !== undefined) outcome = response.outcome;
    else if (head?.upgrade !== undefined) outcome = 'upgraded';
    else if (head !== undefined) {
      // Who reads no body learns the end from the trailers.
      const told = this.#trailers!;
      outcome = told.error !== undefined ? told.outcome : told.completed ? 'complete' : 'waiting';
      if (this.readerName !== 'nobody') check((reading.outcome || 'waiting') === outcome, 'body and trailers agree');
    }
    const keepAlive = head === undefined || outcome === 'upgraded' ? null : (this.stage.connection.keepAlive ?? null);
    return {
      outcome,
      connection: next ? this.#nextIs(outcome) : this.#says(outcome),
      informational: this.#informational,
      status: head?.status ?? null,
      statusText: head?.statusText ?? null,
      version: head?.httpVersion ?? null,
      headers: head?.headers.raw ?? null,
      length: head?.body.length ?? null,
      keepAlive,
      body: reading.body,
      trailers: this.#trailers?.values[0]?.raw ?? [],
      tunnel: this.#tunnel.join(''),
    };
  }

  /** What this reader should have seen, if a reader of all pieces sees this. */
  sees(verdict: Verdict): Verdict {
    const { shows } = this.#reader;
    if (shows === 'pieces' || (verdict.outcome === 'complete' && shows !== 'nothing')) return verdict;
    const some = shows === 'stream' && verdict.body.startsWith(this.#reading.body);
    return { ...verdict, body: some ? this.#reading.body : '' };
  }

  #claim(): void {
    const [response] = this.#response.values;
    if (response === undefined) return;
    this.#trailers = record(response.trailers);
    this.#reader.read(response, this.#reading);
    response.upgrade?.read({
      data: view => this.#tunnel.push(Buffer.from(view).toString('latin1')),
      end: () => undefined,
      closed: () => undefined,
    });
  }

  #says(outcome: string): Verdict['connection'] {
    const { transport, state, log } = this.stage;
    const told = log.filter(entry => entry.startsWith('disconnected:') && entry !== 'disconnected:complete').length;
    if (outcome === 'upgraded') return 'upgraded';
    if (state === 'closed') {
      check((transport.destroyed || transport.isClosed) && told === 1, 'closed, and said so once');
      return 'closed';
    }
    check(!transport.destroyed && told === 0, 'open');
    if (state !== 'quiescent') return 'busy';
    check(outcome === 'complete' && !transport.paused && log.join() === 'quiescent', 'quiescent once, and flowing');
    return 'kept';
  }

  #nextIs(outcome: string): Verdict['connection'] {
    const { stage } = this;
    const says = this.#says(outcome);
    const written = stage.transport.writes.length;
    const next = record(stage.connection.request({ path: '/next' }));
    if (says !== 'kept') {
      const refused = next.outcome === 'RequestNotSentError' && stage.transport.writes.length === written;
      check(refused, 'no other request goes over it');
      return says;
    }
    stage.transport.respond(answer('next'));
    const text = next.values.length === 1 ? record(next.values[0].text()) : undefined;
    check(text?.values[0] === 'next' && stage.state === 'quiescent', 'the next request gets its own response');
    return says;
  }
}

/** `expect` costs too much to be called for every piece of every case. */
export function check(held: boolean, promise: string): asserts held {
  if (!held) throw new Error(`Broken: ${promise}`);
}
