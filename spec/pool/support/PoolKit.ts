import { expect } from '@jest/globals';
import type { Subscription } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import type { Endpoint } from '../../../src/endpoint/index.js';
import type { PoolEvent } from '../../../src/events/index.js';
import {
  HTTPConnectionPool,
  type AcquireOptions,
  type LeasedProtocol,
  type HTTPConnectionPoolOptions,
  type PoolStats,
} from '../../../src/pool/index.js';
import type { ProtocolFactory, ProtocolRequest, ProtocolResponse } from '../../../src/protocol/index.js';
import { FakeConnection, type FakeConnectionOptions } from './FakeConnection.js';
import { FakeEndpoint } from './FakeEndpoint.js';

/** A subscription to a get, and what came of it. */
export class Get {
  lease: LeasedProtocol | undefined = undefined;
  error: unknown = undefined;
  completed = false;
  subscription!: Subscription;

  get pending(): boolean {
    return !this.completed && this.error === undefined && !this.subscription.closed;
  }

  cancel(): void {
    this.subscription.unsubscribe();
  }
}

/** A subscription to a request, and what came of it. */
export class Sent {
  response: ProtocolResponse | undefined = undefined;
  error: unknown = undefined;
  completed = false;
  subscription!: Subscription;
}

/** A pool in virtual time, over connections that the test drives. Nothing is asynchronous. */
export class PoolKit {
  readonly scheduler: TestScheduler;
  readonly pool: HTTPConnectionPool;
  /** Every connection that was made, in order. */
  readonly connections: FakeConnection[] = [];
  readonly events: PoolEvent[] = [];
  /** What the connections to come are like. */
  make: FakeConnectionOptions = {};

  constructor(options: HTTPConnectionPoolOptions = {}, scheduler?: TestScheduler) {
    this.scheduler = scheduler ?? testScheduler();
    this.pool = new HTTPConnectionPool({
      validateIdle: false,
      protocolFactory: this.protocolFactory,
      scheduler: this.scheduler,
      ...options,
    });
  }

  readonly protocolFactory: ProtocolFactory = (transport, context) => {
    const connection = new FakeConnection(transport, context, this.make);
    this.connections.push(connection);
    return connection;
  };

  /** Keeps the pool's events from here on. */
  watch(): this {
    this.pool.events.subscribe(event => this.events.push(event));
    return this;
  }

  /** The events so far, in short, and forgets them. */
  log(): string[] {
    return this.events.splice(0).map(describeEvent);
  }

  get(key: string, endpoint: Endpoint | FakeEndpoint = new FakeEndpoint('connects'), options?: AcquireOptions): Get {
    const get = new Get();
    const endpoint$ = endpoint instanceof FakeEndpoint ? endpoint.stream : endpoint;
    get.subscription = this.pool.get(key, endpoint$, options).subscribe({
      next: lease => (get.lease = lease),
      error: error => (get.error = error),
      complete: () => (get.completed = true),
    });
    return get;
  }

  /** A lease that is there at once. */
  lease(key: string, endpoint?: Endpoint | FakeEndpoint): LeasedProtocol {
    const { lease } = this.get(key, endpoint);
    expect(lease).toBeDefined();
    return lease!;
  }

  /** A connection that has carried one request and is idle. */
  idle(key: string, endpoint?: Endpoint | FakeEndpoint): FakeConnection {
    const made = this.connections.length;
    const lease = this.lease(key, endpoint);
    expect(this.connections.length).toBe(made + 1);
    send(lease);
    const connection = this.connections[made];
    connection.answer();
    return connection;
  }

  advance(ms: number): void {
    const { scheduler } = this;
    scheduler.schedule(() => {}, ms);
    scheduler.maxFrames = scheduler.frame + ms;
    scheduler.flush();
  }

  /** leased, idle, connecting, pending */
  holds(key?: string): [number, number, number, number] {
    const stats = key === undefined ? this.pool.stats() : this.pool.stats(key);
    const { leased, idle, connecting, pending } = stats ?? noStats;
    return [leased, idle, connecting, pending];
  }
}

/** What a key holds that holds nothing. */
export const noStats: PoolStats = new HTTPConnectionPool().stats();

export function testScheduler(): TestScheduler {
  return new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
}

export function send(lease: LeasedProtocol, request: Partial<ProtocolRequest> = {}): Sent {
  const sent = new Sent();
  sent.subscription = lease.request({ path: '/', ...request }).subscribe({
    next: response => (sent.response = response),
    error: error => (sent.error = error),
    complete: () => (sent.completed = true),
  });
  return sent;
}

function describeEvent(event: PoolEvent): string {
  const name = `${event.key} ${event.type}`;
  switch (event.type) {
    case 'evicted':
      return `${name} ${event.reason}`;
    case 'leased':
      return event.reused ? `${name} reused` : name;
    case 'pending':
      return `${name} ${event.depth}`;
    case 'quiescent':
      return `${name} ${event.requests}`;
    case 'connect-failed':
    case 'refused':
    case 'retried':
      return `${name} ${event.error.code}`;
    default:
      return name;
  }
}
