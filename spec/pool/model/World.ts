import { Observable } from 'rxjs';
import type * as Errors from '../../../src/errors/index.js';
import type { PoolEvent } from '../../../src/events/index.js';
import type * as Pool from '../../../src/pool/index.js';
import type { HTTPConnectionPool } from '../../../src/pool/index.js';
import { checkAtRest } from './atRest.js';
import { Callbacks, isDeliberate } from './Callbacks.js';
import { Connections } from './Connections.js';
import { Counts } from './Counts.js';
import { Dials } from './Dials.js';
import { Gets } from './Gets.js';
import { Leases } from './Leases.js';
import { Races } from './Races.js';
import type { Settings } from './settings.js';
import type { SimTransport } from './SimExchange.js';
import type { SimRequest } from './SimRequest.js';
import type { Tally } from './Tally.js';
import { VirtualClock } from './VirtualClock.js';

/** The pool under test: the one in `src/`, or one that a bug was seeded in. */
export type Library = typeof Errors & typeof Pool;

export class Violation extends Error {
  override readonly name = 'Violation';
}

export const keyNames = ['a', 'b', 'c', 'd'];

/** A pool, everything around it, and what has to be true of it. */
export class World {
  readonly clock = new VirtualClock();
  readonly pool: HTTPConnectionPool;
  readonly errors: Library;
  readonly callbacks = new Callbacks(this);
  readonly counts = new Counts(this);
  readonly races = new Races(this);
  readonly gets = new Gets(this);
  readonly dials = new Dials(this);
  readonly connections = new Connections(this);
  readonly leases = new Leases(this);
  closing = false;
  /** The request whose failure the pool is being told. */
  failing: SimRequest | null = null;
  violation: Violation | null = null;
  trace: string[] | null = null;
  readonly #closings: number[] = [];
  #ids = 0;

  constructor(
    readonly library: Library,
    readonly settings: Settings,
    readonly tally: Tally,
  ) {
    this.errors = library;
    const validateIdle =
      settings.validation === 'off'
        ? false
        : new Observable<void>(subscriber => this.connections.validates(subscriber));
    this.pool = new library.HTTPConnectionPool({ ...settings.pool, scheduler: this.clock, validateIdle }, transport =>
      this.dials.makeConnection((transport as unknown as SimTransport).dial),
    );
    if (!settings.observed) return;
    this.pool.events.subscribe({ next: event => this.#onEvent(event), error: () => this.fail('events errored') });
  }

  /** The first one counts: what comes after it may come of it. */
  fail(message: string): void {
    this.violation ??= new Violation(message);
  }

  log(text: string): void {
    this.trace?.push(`${'  '.repeat(this.callbacks.depth + 1)}${text}`);
  }

  nextId(): number {
    return ++this.#ids;
  }

  /** Number of connections and dials, of one key or of all. */
  open(key?: number): number {
    let open = 0;
    for (const connection of this.connections.all) {
      if (connection.place !== 'gone' && (key === undefined || connection.key === key)) open++;
    }
    for (const dial of this.dials.all) if (dial.open && (key === undefined || dial.key === key)) open++;
    return open;
  }

  beginStep(): void {
    this.callbacks.sprung = false;
    this.connections.settle();
    this.connections.beginStep();
    this.dials.leftUnserved.clear();
    this.races.beginStep();
  }

  endStep(): void {
    checkAtRest(this);
    this.connections.sweep();
    this.dials.sweep();
    const { over } = this.leases;
    if (over.length > 12) over.splice(0, 6);
  }

  /** An exception that comes out of the pool where none may. */
  guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.fail(`an exception escaped: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }

  #onEvent(event: PoolEvent): void {
    if (event.type === 'leaked') this.log('leak reported');
    if (event.type === 'error' && !isDeliberate(event.error)) this.fail(`error event: ${String(event.error)}`);
    this.callbacks.run('event', keyNames.indexOf(event.key), false);
  }

  close(gracePeriod: number): void {
    this.log(`close, grace ${gracePeriod}`);
    this.closing = true;
    const at = this.#closings.push(0) - 1;
    this.callbacks.during(() =>
      this.pool.close({ gracePeriod }).subscribe({
        next: () => {
          this.#closings[at]++;
          for (const connection of this.connections.all) {
            if (connection.transportOpen) this.fail(`closed, but connection ${connection.id} is open`);
          }
          // A dial can be torn down only after its `subscribe` has returned.
          if (this.dials.all.some(dial => dial.open && !dial.subscribing)) this.fail('closed, but a dial is under way');
        },
        error: () => this.fail('close errored'),
      }),
    );
  }

  /** After the last step of all. */
  finish(): void {
    for (const dial of this.dials.all) if (dial.open) this.fail('a dial is left');
    for (const connection of this.connections.all) {
      if (connection.transportOpen) this.fail(`connection ${connection.id} is open at the end`);
    }
    for (const count of this.#closings) if (count !== 1) this.fail(`close emitted ${count} times`);
    for (const waiting of this.gets.waiting) if (waiting.length > 0) this.fail(`get ${waiting[0].id} never settled`);
    if (this.clock.pending > 0) this.fail(`${this.clock.pending} timers left after close`);
    const { leased, idle, connecting, validating, pending, seats } = this.pool.stats();
    if (leased + idle + connecting + validating + pending + seats > 0) this.fail('the closed pool holds something');
    const { expectedThrows } = this.callbacks;
    if (expectedThrows > 0) this.fail(`${expectedThrows} exceptions were swallowed`);
    for (const lease of this.leases.over) {
      if (lease.echoes > 1 || lease.losses > 1 || lease.echoes + lease.losses > 1) this.fail('a lease ended twice');
    }
  }
}
