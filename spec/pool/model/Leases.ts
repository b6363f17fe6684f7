import { Observable } from 'rxjs';
import type { HTTPClientError } from '../../../src/errors/index.js';
import type { LeasedProtocol } from '../../../src/pool/index.js';
import { Deliberate, type Hook } from './Callbacks.js';
import type { SimConnection } from './SimConnection.js';
import type { SimResponse } from './SimExchange.js';
import type { SimGet } from './SimGet.js';
import { SimLease } from './SimLease.js';
import { SimRequest } from './SimRequest.js';
import type { World } from './World.js';

/** The leases, as their owners treat them. */
export class Leases {
  readonly held: SimLease[] = [];
  readonly over: SimLease[] = [];

  constructor(private readonly world: World) {}

  /** The pool gives a get its lease. Null: it is nothing that can be worked with. */
  given(get: SimGet, protocol: LeasedProtocol): SimLease | null {
    const { world } = this;
    const { connections, counts } = world;
    const { key } = get;
    counts.leases++;
    const connection = connections.all.find(({ info }) => info === protocol.info);
    // Other leases keep a connection busy, so that it needs no validation.
    const joins = connection?.place === 'leased';
    const unvalidated = joins || world.settings.validation === 'off';
    const expected = unvalidated ? connection : connections.ready[key].shift();
    if (connection === undefined || connection !== expected || !(joins || isPolled(connection))) {
      world.fail(`get ${get.id} got a lease of a connection that was not validated`);
      return null;
    }
    if (joins) this.#checkJoin(get, connection);
    const { id } = connection;
    const taken = connection.seated.length;
    if (taken >= connection.capacity) {
      world.fail(`connection ${id} of capacity ${connection.capacity} has ${taken} leases and gets another`);
    }
    if (!connection.alive) world.fail(`get ${get.id} got connection ${id}, which is dead`);
    if (connection.exchanges.length > taken) world.fail(`connection ${id} is leased while an exchange goes on`);
    if (protocol.reused !== connection.reused) world.fail(`reused is ${protocol.reused}`);
    if (protocol.state !== 'ready') world.fail(`a new lease is ${protocol.state}`);
    if (connection.reused) counts.reuses++;
    connection.place = 'leased';
    const lease = new SimLease(get, protocol, connection);
    get.lease = lease;
    this.#seat(lease, connection);
    world.log(`get ${get.id} has a lease of connection ${id}`);
    if ((get.plan >> 4) % 2 === 1) this.#listen(lease);
    return lease;
  }

  /** A free seat of a connection that is in use: the fullest one, so that the surplus can age. */
  #checkJoin(get: SimGet, connection: SimConnection): void {
    const { world } = this;
    const { clock, settings } = world;
    const { maxConnectionAge, maxRequestsPerConnection, persistent } = settings.pool;
    const taken = connection.seated.length;
    const isFit =
      persistent &&
      clock.now() < connection.bornAt + maxConnectionAge &&
      connection.carried + taken < maxRequestsPerConnection &&
      connection.keepAlive?.max !== 0;
    if (!isFit) world.fail(`get ${get.id} joins connection ${connection.id}, which is of no use any more`);
    if (!connection.shared) world.fail(`connection ${connection.id} is leased to two`);
  }

  #seat(lease: SimLease, connection: SimConnection): void {
    connection.leases.push(lease);
    connection.fresh = false;
    this.held.push(lease);
    if (connection.seated.length === 3) this.world.tally.sight('three seats are taken at once');
  }

  /** The lease has no seat any more. */
  ended(lease: SimLease): void {
    const { leases } = lease.connection;
    const seat = leases.indexOf(lease);
    if (seat >= 0) leases.splice(seat, 1);
    if (lease.state === 'over') return;
    lease.state = 'over';
    const at = this.held.indexOf(lease);
    if (at >= 0) this.held.splice(at, 1);
    this.over.push(lease);
  }

  #listen(lease: SimLease): void {
    const { world } = this;
    const { protocol, get } = lease;
    protocol.quiescent.subscribe(() => {
      lease.echoes++;
      if (protocol.state !== 'released') world.fail(`quiescent of a lease that is ${protocol.state}`);
      world.callbacks.run('released', get.key, true);
    });
    protocol.disconnected.subscribe(() => {
      lease.losses++;
      if (protocol.state !== 'closed') world.fail(`disconnected of a lease that is ${protocol.state}`);
      world.callbacks.run('lost', get.key, false);
    });
  }

  request(lease: SimLease, code: number): void {
    if (lease.state !== 'ready') return;
    this.requested(lease, code).subscribe({
      next: () => this.onHead(lease.request!),
      error: error => this.onFailed(lease.request!, error),
    });
  }

  requested(lease: SimLease, code: number): Observable<unknown> {
    const { world } = this;
    const request = new SimRequest(world, lease, code);
    lease.request = request;
    return new Observable<unknown>(subscriber => {
      if (lease.state === 'ready') lease.state = 'used';
      world.log(`get ${lease.get.id} requests ${request.method} ${request.mode}`);
      world.tally.command('request');
      const subscription = lease.protocol.request(request).subscribe({
        next: response => {
          request.response = response as unknown as SimResponse;
          if (request.settled !== null) world.fail(`a request that is ${request.settled} got a response`);
          request.settled = 'head';
          subscriber.next(response);
        },
        error: error => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
      request.subscription = subscription;
      return subscription;
    });
  }

  /** The request of a lease is sent over a connection. */
  attempted(connection: SimConnection, request: SimRequest): void {
    const { world } = this;
    const { lease } = request;
    request.attempts++;
    if (request.attempts === 1) {
      if (connection.place === 'leased' && connection.leases.includes(lease)) return;
      world.fail(`get ${lease.get.id} sends over connection ${connection.id}, which is not its own`);
      return;
    }
    if (connection.dial.claim !== request) world.fail('a retry does not go over its own connection');
    if (connection.carried > 0) world.fail('a retry goes over a used connection');
    if (!isPolled(connection)) world.fail(`a retry goes over a connection that is ${connection.place}`);
    if (request.attempts > 2) world.fail('a third attempt');
    if (request.written > 0 && request.writes && !request.safe) world.fail('a request is written twice');
    if (request.settled !== null || request.aborted) world.fail('a request is retried that has an end');
    lease.connection = connection;
    connection.claimed = false;
    connection.place = 'leased';
    lease.state = 'used';
    const at = this.over.indexOf(lease);
    if (at >= 0) this.over.splice(at, 1);
    this.#seat(lease, connection);
  }

  onHead(request: SimRequest): void {
    this.world.log(`get ${request.lease.get.id} has its response`);
    this.world.callbacks.run('head', request.lease.get.key, true);
  }

  onFailed(request: SimRequest, error: unknown): void {
    const { world } = this;
    const { lease, first } = request;
    world.log(`request of get ${lease.get.id} failed: ${(error as Partial<HTTPClientError>).code}`);
    if (request.settled !== null) world.fail(`a request that is ${request.settled} failed`);
    request.settled = 'error';
    world.failing = null;
    if (request.attempts === 1 && first?.again === true && request.redials === 0 && !hasLostItsPlace(request)) {
      world.fail(`a request that could be retried failed: ${(error as Partial<HTTPClientError>).code}`);
    }
    world.callbacks.run('failed', lease.get.key, true);
  }

  release(lease: SimLease): void {
    this.world.log(`get ${lease.get.id} releases`);
    lease.released++;
    if (lease.state === 'ready') this.world.races.returnedKeys.add(lease.get.key);
    lease.protocol.release();
  }

  abort(lease: SimLease): void {
    const { world } = this;
    const { connection } = lease;
    world.log(`get ${lease.get.id} aborts`);
    if (lease.request !== null) lease.request.aborted = true;
    const isAlone = !connection.shared || !connection.alive;
    const neighbours = isAlone || !connection.leases.includes(lease) ? [] : connection.seated;
    const { sprung } = world.callbacks;
    world.callbacks.sprung = false;
    world.callbacks.during(() => lease.protocol.abort(new Error('no more')));
    if (!world.callbacks.sprung && !connection.died) {
      const ended = neighbours.find(other => other !== lease && !other.isLive);
      if (ended !== undefined) world.fail(`the abort of get ${lease.get.id} ends the lease of get ${ended.get.id}`);
    }
    world.callbacks.sprung ||= sprung;
  }

  /** Unsubscribes from a request before its head. */
  cancelRequest(request: SimRequest): void {
    const { get } = request.lease;
    if (request.settled !== null || request.subscription === null) return;
    if (get.scoped && get.subscription === null) return; // within its own subscribe
    this.world.log(`get ${get.id} cancels its request`);
    request.settled = 'cancelled';
    this.world.callbacks.during(() => (get.scoped ? get.subscription : request.subscription)!.unsubscribe());
  }

  /** Ends the scope of a `use` that holds its lease. */
  endScope(get: SimGet, how: number): void {
    this.world.log(`scope of get ${get.id} ends (${how})`);
    if (how === 0) get.hold.complete();
    else if (how === 1) get.subscription?.unsubscribe();
    else get.hold.error(new Deliberate('inner'));
  }

  /** The consumer of a body is told of its end. */
  bodyEnded(request: SimRequest, hook: Hook = 'head'): void {
    const { callbacks } = this.world;
    try {
      callbacks.run(hook, request.lease.get.key, hook === 'head');
    } catch (error) {
      callbacks.unhandled(error); // as RxJS does
    }
  }

  /** What is done with a handle whose lease is over touches nothing. */
  misuse({ get, protocol }: SimLease, how: number): void {
    const { world } = this;
    const before = JSON.stringify(world.pool.stats());
    world.log(`get ${get.id} uses a lease that is over (${how})`);
    if (how === 0) protocol.release();
    else if (how === 1) protocol.abort();
    else {
      let code = '';
      protocol.request({ path: '/' }).subscribe({
        next: () => world.fail('a lease that is over gave a response'),
        error: error => (code = (error as HTTPClientError).code),
      });
      if (code !== 'ERR_LEASE_USED') world.fail(`a lease that is over is requested: ${code}`);
    }
    if (JSON.stringify(world.pool.stats()) !== before) world.fail('a lease that is over changed the pool');
  }
}

/** The connection died with other leases, of which one keeps the place. */
function hasLostItsPlace({ lease, first }: SimRequest): boolean {
  const others = first!.connection.bereaved.filter(other => other !== lease);
  // It may have given up at once.
  const { sprung } = lease.connection.world.callbacks;
  return others.some(other => sprung || other.isLive || (other.request?.redials ?? 0) > 0);
}

/** The loop has polled since it was made, taken or handed back, or nobody asks whether it has. */
function isPolled({ place, world }: SimConnection): boolean {
  return place === 'ready' || (place === 'validating' && world.settings.validation === 'off');
}
