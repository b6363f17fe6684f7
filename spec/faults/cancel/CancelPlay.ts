import { Readable } from 'node:stream';
import { config, defer, lastValueFrom, Observable, Subject, Subscription, take, takeUntil, tap } from 'rxjs';
import type { HTTPResponse } from '../../../src/index.js';
import { turns, until } from '../../loopback/index.js';
import { className } from '../../support/index.js';
import type { Library } from '../Library.js';
import { closes, isInCallback, numberOf, type Action, type CancelCell } from './cells.js';
import { CancelServer } from './CancelServer.js';
import { slowClock, slowness } from './slowClock.js';
import { wayTo, type Way } from './ways.js';

/** What came of a cell. */
export interface CancelOutcome {
  /** How the caller heard of the end: `complete`, the class of an error, or `nothing`; and how often. */
  told: string;
  terminals: number;
  /** Notifications after an unsubscription had returned. */
  late: number;
  /** Connections in use, and sources of an upload that run, when the action had returned. */
  leasedThen: number;
  sourcesThen: number;
  /** Connections that were made in all. */
  connections: number;
  /** How often the server saw the request. */
  seen: number;
  /** What came of the same request, subscribed to again. */
  again: string | null;
  /** What came of another request, that waited meanwhile if there was anything to wait for. */
  next: string;
  /** How often `close` emitted, and whether it did so before the caller had heard the end. */
  closes: number;
  closedEarly: boolean;
  /** Connections that the server sees open at the end. */
  openAtServer: number;
  /** Those of a dial that was not finished, as its other end sees it. */
  openDials: number;
  /** How often what the caller threw was reported where nobody can catch it, and what the pool reported. */
  unhandled: number;
  reports: readonly string[];
}

/** What callers throw in these runs: counts how often it was reported. */
export class Thrown extends Error {
  reported = 0;
}

/** Collects what was reported as unhandled and no caller of ours has thrown. Returns what ends that. */
export function watchUnhandled(strays: unknown[]): () => void {
  config.onUnhandledError = error => {
    if (error instanceof Thrown) error.reported++;
    else strays.push(error);
  };
  return () => (config.onUnhandledError = null);
}

/** Actions that somebody else does, not the caller's callback. */
const fromOutside: readonly Action[] = ['U', 'X', 'R', 'C+U', 'U+C'];

/** How long things may take that should take no time, on a machine that has much else to do, in ms. */
const patience = 15_000;

const megabyte = Buffer.alloc(2 ** 20, 'u');

/** One run of one cell. */
export class CancelPlay {
  readonly #outcome: CancelOutcome = {
    told: 'nothing',
    terminals: 0,
    late: 0,
    leasedThen: -1,
    sourcesThen: -1,
    connections: 0,
    seen: 0,
    again: null,
    next: '',
    closes: 0,
    closedEarly: false,
    openAtServer: -1,
    openDials: 0,
    unhandled: 0,
    reports: [],
  };
  readonly #number: number;
  readonly #agent: InstanceType<Library['Agent']>;
  readonly #request: Observable<HTTPResponse>;
  readonly #stop = new Subject<void>();
  readonly #thrown = new Thrown('thrown');
  readonly #acted: Promise<void>;
  #tellActed!: () => void;
  #hasActed = false;
  #gone = false;
  #sources = 0;
  #bytes = 0;
  #response = new Subscription();
  #body = new Subscription();
  #again: Promise<void> = Promise.resolve();
  readonly #closed: Promise<void>[] = [];

  private constructor(
    private readonly cell: CancelCell,
    private readonly library: Library,
    private readonly server: CancelServer,
    private readonly way: Way | null,
    signal: AbortSignal | undefined,
  ) {
    this.#number = numberOf(cell.state);
    this.#acted = new Promise(resolve => (this.#tellActed = resolve));
    const good$ = library.tcp({ host: '127.0.0.1', port: server.port });
    // In the turn in which the connection is made, and before the loop has polled.
    const watched$ = good$.pipe(tap(() => queueMicrotask(() => this.#reach(5))));
    let dials = 0;
    const endpoint$ = defer(() => (dials++ === 0 && way !== null ? way.endpoint : watched$));
    this.#agent = new library.Agent({
      baseURL: server.origin,
      pool: { maxConnectionsPerHost: 1, acquireTimeout: patience / slowness, scheduler: slowClock },
      key: () => 'server',
      endpoint: () => endpoint$,
    });
    const reports: string[] = [];
    this.#outcome.reports = reports;
    this.#agent.pool.events.subscribe(event => {
      if (event.type === 'error') reports.push(className(event.error));
    });
    const uploads = this.#number === 6;
    this.#request = this.#agent.request({
      method: uploads ? 'PUT' : 'GET',
      url: '/cell',
      ...(uploads && { body: () => (this.#hasActed ? 'again' : this.#upload()) }),
      ...(signal && { signal }),
      observer: { informational: () => this.#reach(9) },
    });
  }

  static async run(cell: CancelCell, library: Library, signal?: AbortSignal): Promise<CancelOutcome> {
    const server = await CancelServer.start(cell.state);
    const way = await wayTo(cell.state, library);
    const play = new CancelPlay(cell, library, server, way, signal);
    try {
      return await play.#run();
    } finally {
      server.release();
      await lastValueFrom(play.#agent.close({ gracePeriod: 0 }));
      await way?.close();
      await server.close();
    }
  }

  async #run(): Promise<CancelOutcome> {
    const { server, cell, way } = this;
    const { pool } = this.#agent;
    const number = this.#number;
    const holder = number === 0 ? this.#textOf('/holder') : null;
    if (number === 0) await until(() => server.holding, 'the holder', patience);
    this.#start();
    // Whoever waits for the connection that is in use gets its turn, whatever becomes of the request.
    const waits = !closes(cell.action) && (number === 0 || (number >= 6 && number <= 12));
    const waiting = waits ? this.#textOf('/next') : null;
    await this.#lead();
    await this.#acted;
    await holder;
    if (!waits) await until(() => pool.stats().leased === 0, 'the exchange to end', patience);
    const outcome = this.#outcome;
    outcome.next = await (waiting ?? this.#textOf('/next'));
    await this.#again;
    await Promise.all(this.#closed);
    const open = this.#closed.length > 0 ? 0 : 1;
    await until(() => server.open === open, 'the server to see the end', patience).catch(() => undefined);
    await turns(3);
    if (way !== null) await until(() => way.open() === 0, 'the dial to be ended', 1_000).catch(() => undefined);
    outcome.openDials = way?.open() ?? 0;
    outcome.connections = pool.stats().opened;
    outcome.seen = server.seen;
    outcome.openAtServer = server.open;
    outcome.unhandled = this.#thrown.reported;
    return outcome;
  }

  /** Waits for the state, where it is not the callbacks that tell of it. */
  async #lead(): Promise<void> {
    const { way, server } = this;
    if (way !== null) await until(() => way.reached(), 'the dial to get there', patience);
    else if (this.#number > 5) await server.reached;
    if (this.#number === 16) this.#close();
    if (this.#number !== 5 && !isInCallback(this.cell.state)) this.#reach(this.#number);
  }

  // ---- the request ----

  #start(): void {
    this.#response = this.#shaped(this.#request, 10).subscribe({
      next: response => {
        this.#heard();
        this.#reach(10);
        // Who has gone does not come for the body; nor does who has thrown.
        if (this.#gone || this.#response.closed) return;
        this.#body = this.#shaped(response.body, 11).subscribe({
          next: bytes => {
            this.#heard();
            this.#bytes += bytes.length;
            this.#reach(11);
            if (this.#bytes === response.body.length) this.#reach(13);
          },
          error: error => this.#ended(className(error)),
          complete: () => {
            this.#ended('complete');
            this.#reach(14);
          },
        });
      },
      error: error => this.#ended(className(error)),
    });
  }

  #shaped<T>(source: Observable<T>, number: number): Observable<T> {
    const { action } = this.cell;
    if (action === 'Us takeUntil') return source.pipe(takeUntil(this.#stop));
    return action === 'Us take(1)' && this.#number === number ? source.pipe(take(1)) : source;
  }

  #heard(): void {
    if (this.#gone) this.#outcome.late++;
  }

  #ended(told: string): void {
    this.#heard();
    this.#outcome.told = told;
    this.#outcome.terminals++;
  }

  #upload(): Observable<string> | Readable {
    const opened = (): void => void this.#sources++;
    const closed = (): void => void this.#sources--;
    if (this.cell.state.includes('source holds')) {
      return new Observable(subscriber => {
        opened();
        subscriber.next('one half, ');
        void this.#acted.then(() => {
          subscriber.next('another');
          subscriber.complete();
        });
        return closed;
      });
    }
    let left = 8;
    return new Readable({
      construct(callback) {
        opened();
        callback();
      },
      read() {
        this.push(left-- > 0 ? megabyte : null);
      },
      destroy(error, callback) {
        closed();
        callback(error);
      },
    });
  }

  #textOf(path: string): Promise<string> {
    return lastValueFrom(this.#agent.get(path).pipe(this.library.text())).catch(className);
  }

  // ---- the action ----

  #reach(number: number): void {
    if (number !== this.#number || this.#hasActed) return;
    this.#hasActed = true;
    const { action, state } = this.cell;
    if (isInCallback(state) && fromOutside.includes(action)) queueMicrotask(() => this.#act());
    else this.#act();
    if (action === 'Ue') throw this.#thrown;
  }

  #act(): void {
    switch (this.cell.action) {
      case 'U':
      case 'Us':
      case 'R':
        this.#unsubscribe();
        break;
      case 'X':
        this.#unsubscribe();
        this.#unsubscribe();
        break;
      case 'Us takeUntil':
        this.#stop.next();
        break;
      case 'C':
        this.#close();
        break;
      case 'D':
        this.#close({ gracePeriod: 0 });
        break;
      case 'C+U':
        this.#close();
        this.#unsubscribe();
        break;
      case 'U+C':
        this.#unsubscribe();
        this.#close();
        break;
      case 'Us take(1)':
      case 'Ue':
        // Done by the operator, or the callback, when this has returned.
        queueMicrotask(() => this.#look());
        return;
    }
    this.#look();
  }

  /** At once, in the turn of the action. */
  #look(): void {
    this.#outcome.leasedThen = this.#agent.pool.stats().leased;
    this.#outcome.sourcesThen = this.#sources;
    if (this.cell.action === 'R') {
      const again = lastValueFrom(this.#request.pipe(this.library.text()));
      this.#again = again.catch(className).then(text => void (this.#outcome.again = text));
    }
    // At once: what is left of a body that nobody wants has a second to come.
    this.server.release();
    this.#tellActed();
  }

  #unsubscribe(): void {
    this.#response.unsubscribe();
    this.#body.unsubscribe();
    this.#gone = true;
  }

  #close(options = { gracePeriod: patience / slowness }): void {
    const outcome = this.#outcome;
    const closed$ = this.#agent.close(options).pipe(
      tap(() => {
        outcome.closes++;
        if (outcome.terminals === 0 && !this.#gone) outcome.closedEarly = true;
      }),
    );
    this.#closed.push(lastValueFrom(closed$));
  }
}
