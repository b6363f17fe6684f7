import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BehaviorSubject, config, NEVER, Observable, Subject, type Subscriber } from 'rxjs';
import type { Transport } from '../../../src/endpoint/index.js';
import { ResponseNeverReceivedError, type HTTPClientError } from '../../../src/errors/index.js';
import type { PoolEvent } from '../../../src/events/index.js';
import { HTTPConnectionPool, type LeasedProtocol, type HTTPConnectionPoolOptions } from '../../../src/pool/index.js';
import type { ExchangeConnection, ExchangeHandle } from '../../../src/protocol/index.js';
import { VirtualClock } from './VirtualClock.js';

/** A dial that the spec drives, whose teardown can be made to do something. */
class Dial {
  subscriber!: Subscriber<Transport>;
  torn = (): void => undefined;
  count = 0;
  readonly endpoint = new Observable<Transport>(subscriber => {
    this.subscriber = subscriber;
    this.count++;
    return () => this.torn();
  });

  emit(): void {
    this.subscriber.next({ destroy: () => undefined } as Transport);
  }
}

/** The least that the pool asks of a connection: nothing is ever sent. */
class Line {
  readonly capacity = 1;
  readonly info = { authority: 'line', secure: false, timings: {} };
  readonly quiescent = new Subject<void>();
  disconnected = new Subject<HTTPClientError | null>();
  state: 'quiescent' | 'closed' = 'quiescent';

  request = (): never => {
    throw new Error('nothing is sent');
  };
  progress = () => ({ state: this.state, wrote: false, responseByte: false, bodySubscribed: false });
  ref = (): void => undefined;
  unref = (): void => undefined;

  close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.disconnected.next(null);
    this.disconnected.complete();
  }
}

/** A connection of several seats, or of none, as the pool drives it: nothing is ever sent. */
class SharedLine implements ExchangeConnection {
  readonly info = { authority: 'line', secure: false, timings: {} };
  readonly quiescent = new Subject<ExchangeHandle>();
  readonly disconnected = new Subject<HTTPClientError | null>();
  readonly capacityChanged = new Subject<void>();

  constructor(public capacity: number) {}

  send = (): never => {
    throw new Error('nothing is sent');
  };
  ref = (): void => undefined;
  unref = (): void => undefined;

  changeTo(capacity: number): void {
    this.capacity = capacity;
    this.capacityChanged.next();
  }

  close(): void {
    this.disconnected.next(null);
    this.disconnected.complete();
  }
}

/** Sequences that the model found, shrunk and told by hand. */
describe('what the model of the pool found', () => {
  const { onUnhandledError } = config;
  const unhandled: unknown[] = [];
  let clock: VirtualClock;
  let outcome: string[];

  beforeEach(() => {
    clock = new VirtualClock();
    outcome = [];
    unhandled.length = 0;
    config.onUnhandledError = error => unhandled.push(error);
  });

  afterEach(() => {
    config.onUnhandledError = onUnhandledError;
    expect(unhandled).toEqual([]);
  });

  const make = (options?: HTTPConnectionPoolOptions): HTTPConnectionPool =>
    new HTTPConnectionPool({
      scheduler: clock,
      validateIdle: false,
      protocolFactory: () => new Line(),
      ...options,
    });

  const ask = (pool: HTTPConnectionPool, key: string, dial: Dial, name: string) => {
    const leases: LeasedProtocol[] = [];
    const subscription = pool.get(key, dial.endpoint).subscribe({
      next: lease => {
        leases.push(lease);
        outcome.push(`${name} served`);
      },
      error: error => outcome.push(`${name} ${(error as HTTPClientError).code}`),
    });
    return { leases, subscription };
  };

  it('the teardown of an endpoint that throws keeps no get from its error', () => {
    const pool = make({ acquireTimeout: 20 });
    const events: PoolEvent[] = [];
    pool.events.subscribe(event => events.push(event));
    const dial = new Dial();
    const fault = new Error('teardown');
    dial.torn = () => {
      throw fault;
    };
    ask(pool, 'a', dial, 'first');
    clock.advance(50);
    expect(outcome).toEqual(['first ERR_ACQUIRE_TIMEOUT']);
    expect(events.find(event => event.type === 'error')).toMatchObject({ error: { errors: [fault] } });
    expect(pool.stats().connecting).toBe(0);
  });

  it('the teardown of an endpoint that throws when it has emitted loses no connection', () => {
    const pool = make();
    const dial = new Dial();
    dial.torn = () => {
      throw new Error('teardown');
    };
    ask(pool, 'a', dial, 'first');
    dial.emit();
    expect(outcome).toEqual(['first served']);
    expect(pool.stats()).toMatchObject({ leased: 1, connecting: 0 });
  });

  it('a get that is cancelled by an observer of events loses no connection', () => {
    const pool = make();
    const dial = new Dial();
    const get = ask(pool, 'a', dial, 'first');
    pool.events.subscribe(({ type }) => {
      if (type === 'connected' || type === 'leased') get.subscription.unsubscribe();
    });
    dial.emit();
    for (const lease of get.leases) lease.release();
    expect(pool.stats()).toMatchObject({ leased: 0, idle: 1 });
  });

  it('a pool that is closed dials for nobody, though what it ends calls it', () => {
    const pool = make({ maxConnectionsPerHost: 1 });
    const [one, two] = [new Dial(), new Dial()];
    const first = ask(pool, 'a', one, 'first');
    ask(pool, 'a', two, 'second');
    one.torn = () => first.subscription.unsubscribe();
    pool.close({ gracePeriod: Infinity }).subscribe(() => outcome.push('closed'));
    expect(two.count).toBe(0);
    expect(outcome).toEqual(['second ERR_POOL_CLOSED', 'closed']);
  });

  it('a pool that is closed hands nothing out, though what it ends calls it', () => {
    const pool = make();
    const [one, two] = [new Dial(), new Dial()];
    ask(pool, 'a', one, 'first');
    ask(pool, 'a', two, 'second');
    one.torn = () => two.emit();
    pool.close({ gracePeriod: Infinity }).subscribe(() => outcome.push('closed'));
    expect(outcome).toEqual(['first ERR_POOL_CLOSED', 'second ERR_POOL_CLOSED', 'closed']);
  });

  it('a key is forgotten when its only dial fails and what that tears down calls the pool', () => {
    const pool = make({
      protocolFactory: () => {
        const line = new Line();
        line.disconnected = new BehaviorSubject<HTTPClientError | null>(null);
        line.state = 'closed';
        return line;
      },
    });
    const dial = new Dial();
    dial.torn = () => pool.get('b', new Dial().endpoint).subscribe().unsubscribe();
    ask(pool, 'a', dial, 'first');
    dial.emit();
    expect(outcome).toEqual(['first ERR_UNSOLICITED_DATA']);
    expect(pool.stats('a')).toBeUndefined();
  });

  it('close is over after the last get has been told', () => {
    const pool = make({ validateIdle: NEVER, acquireTimeout: 20 });
    const dial = new Dial();
    ask(pool, 'a', dial, 'first');
    dial.emit();
    pool.events.subscribe({ next: ({ type }) => outcome.push(type), complete: () => outcome.push('no more events') });
    pool.close({ gracePeriod: 0 }).subscribe(() => outcome.push('closed'));
    expect(outcome).toEqual(['first ERR_POOL_CLOSED', 'evicted', 'refused', 'closed', 'no more events', 'closed']);
    expect(clock.pending).toBe(0);
  });

  it('close after the end leaves no timer', () => {
    const pool = make();
    pool.close({ gracePeriod: 0 });
    pool.close({ gracePeriod: 10_000 }).subscribe(() => outcome.push('closed'));
    expect(outcome).toEqual(['closed']);
    expect(clock.pending).toBe(0);
  });

  it('a get whose new connection takes nobody is dialled for again at once', () => {
    const line = new SharedLine(0);
    const pool = new HTTPConnectionPool({ scheduler: clock, validateIdle: NEVER }, () => line);
    const dial = new Dial();
    ask(pool, 'a', dial, 'first');
    dial.emit();
    expect(dial.count).toBe(2);
    expect(pool.stats()).toMatchObject({ validating: 1, connecting: 1, pending: 1 });
  });

  it.each([1, 2])('the second dial of a get whose first one fails is not lost: %i waiting', waiting => {
    const line = new SharedLine(3);
    const pool = new HTTPConnectionPool(
      { scheduler: clock, validateIdle: NEVER, maxConnectionsPerHost: 2 },
      () => line,
    );
    const [own, none] = [new Dial(), new Dial()];
    ask(pool, 'a', own, 'first');
    own.emit();
    line.changeTo(0);
    expect(own.count).toBe(2);
    if (waiting === 2) ask(pool, 'a', none, 'second');
    own.torn = () => outcome.push('aborted');
    line.close();
    expect(outcome).toEqual(waiting === 1 ? ['aborted', 'first ERR_UNSOLICITED_DATA'] : ['first ERR_UNSOLICITED_DATA']);
    expect(pool.stats().connecting).toBe(waiting - 1);
    expect(none.count).toBe(0);
  });

  it('an unused lease whose connection dies while it is given is over after `leaseTimeout`', () => {
    const lines: Line[] = [];
    const protocolFactory = () => (lines.push(new Line()), lines.at(-1)!);
    const pool = make({ leaseTimeout: 30, protocolFactory });
    const dial = new Dial();
    const first = ask(pool, 'a', dial, 'first');
    dial.emit();
    first.leases[0].release();
    pool.get('a', dial.endpoint).subscribe(() => {
      // Never sent, so a request over it may still be retried: the lease keeps the place.
      lines[0].disconnected.next(new ResponseNeverReceivedError('lost'));
    });
    expect(pool.stats()).toMatchObject({ leased: 1, leaks: 0 });
    clock.advance(60);
    expect(pool.stats()).toMatchObject({ leased: 0, leaks: 1 });
  });
});
