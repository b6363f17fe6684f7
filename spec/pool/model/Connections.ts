import type { Subscriber } from 'rxjs';
import { Deliberate } from './Callbacks.js';
import { seatsOnTheWay } from './coverage.js';
import { connectionToTake } from './Dials.js';
import type { SimConnection } from './SimConnection.js';
import { keyNames, type World } from './World.js';

/** The connections, and where each is in the pool, told from what the pool does to it. */
export class Connections {
  readonly all: SimConnection[] = [];
  /** Per key, oldest first. */
  readonly idle: SimConnection[][] = [[], [], [], []];
  readonly ready: SimConnection[][] = [[], [], [], []];
  /** Connections that the pool is about to validate, the innermost last. */
  readonly #touched: SimConnection[] = [];

  constructor(private readonly world: World) {}

  beginStep(): void {
    this.#touched.length = 0;
  }

  connected(connection: SimConnection): void {
    const { world } = this;
    const { dial } = connection;
    if (dial.state !== 'emitting') world.fail(`connection ${connection.id} of a dial that is ${dial.state}`);
    world.dials.connected(dial);
    world.counts.opened++;
    this.all.push(connection);
    world.log(`connection ${connection.id} under ${keyNames[connection.key]}`);
    this.#validating(connection);
  }

  /** Leases end without a word to us. A connection of which no seat is taken any more has come back. */
  settle(): void {
    for (const connection of this.all) {
      if (connection.place !== 'leased') continue;
      const ended = connection.leases.filter(lease => !lease.isLive);
      for (const lease of ended) this.world.leases.ended(lease);
      this.#checkUse(connection);
      // A lease that is not released ends with its connection.
      const isBack = connection.leases.length === 0 && ended.some(({ protocol }) => protocol.state === 'released');
      if (!isBack || !connection.alive) continue;
      this.#checkTurn(connection);
      this.#validating(connection);
    }
  }

  #validating(connection: SimConnection): void {
    this.world.counts.dirty.add(connection.key);
    this.#touched.push(connection);
    connection.place = 'validating';
  }

  /** `validateIdle` is subscribed to. */
  validates(subscriber: Subscriber<void>): void {
    const { clock, settings } = this.world;
    this.settle();
    const touched = this.#touched;
    let connection = touched.pop();
    while (connection !== undefined && (connection.place !== 'validating' || connection.validation !== null)) {
      connection = touched.pop();
    }
    if (connection === undefined) {
      this.world.fail('something is validated that is not to be');
      return;
    }
    const validated = connection;
    validated.validation = subscriber;
    if (settings.validation === 'sync') this.pass(validated);
    else if (settings.validation === 'timed') {
      clock.at(clock.now() + 1 + (validated.id % 7), () => {
        if (validated.validation === subscriber) this.world.guard(() => this.pass(validated));
      });
    }
  }

  /** The loop has polled. */
  pass(connection: SimConnection, error?: Error): void {
    const { validation, key } = connection;
    if (validation === null) return;
    connection.validation = null;
    if (connection.place === 'validating') {
      this.world.log(`connection ${connection.id} is validated`);
      connection.place = 'ready';
      if (!connection.claimed) this.ready[key].push(connection);
      this.world.races.delivered(key);
    }
    if (error === undefined) validation.next();
    else validation.error(error);
  }

  /** The loop cannot be asked: that is reported, and counts as an answer. */
  refuseValidation(connection: SimConnection): void {
    this.world.log(`validation of connection ${connection.id} errors`);
    this.pass(connection, new Deliberate('no loop'));
  }

  /** An exchange has come to its end, and the pool is about to be told. */
  exchanged(connection: SimConnection): void {
    if (connection.place === 'leased') this.world.races.returns(connection);
  }

  /** The pool takes it out of the cache. */
  taken(connection: SimConnection): void {
    const { world } = this;
    const { id, key } = connection;
    if (connectionToTake(world, key) !== connection) world.fail(`connection ${id} was taken, but is not the latest`);
    if (world.clock.now() >= connection.idleUntil) world.fail(`connection ${id} was taken after its time`);
    this.#checkAge(connection);
    this.idle[key].splice(this.idle[key].indexOf(connection), 1);
    this.#validating(connection);
  }

  /** The pool puts it into the cache. A lease that is the last hears of it afterwards. */
  becomesIdle(connection: SimConnection): void {
    const { world } = this;
    const { id, place, key } = connection;
    const { cachedConnectionTimeout, maxPersistentPerHost } = world.settings.pool;
    const isFree = place === 'validating' || place === 'ready' || (place === 'leased' && connection.seated.length < 2);
    if (!isFree) world.fail(`connection ${id} is cached while ${place}`);
    if (!connection.alive) world.fail(`connection ${id} is cached, and dead`);
    if (world.closing) world.fail('a closing pool caches');
    this.#checkAge(connection);
    if (world.callbacks.blurred === 0 && connection.capacity > 0) {
      const others = seatsOnTheWay(world, key).filter(other => other !== connection);
      const waiting = world.gets.waiting[key];
      // One that is within its `subscribe` may be no get yet.
      if (waiting.length > others.length && waiting.every(get => get.subscription !== null)) {
        world.fail(`connection ${id} is cached while gets wait`);
      }
    }
    this.#leaveQueues(connection);
    this.#letGo(connection);
    connection.place = 'idle';
    connection.cached = true;
    connection.fresh = false;
    connection.claimed = false;
    connection.idleUntil = world.clock.now() + cachedConnectionTimeout;
    this.idle[key].push(connection);
    if (this.idle[key].length > maxPersistentPerHost) world.races.saw('return | over the idle cap');
  }

  /** The pool, or a lease, closes it. */
  left(connection: SimConnection): void {
    const { world } = this;
    const { id, place, key } = connection;
    if (place === 'gone' || place === 'born') return;
    if (place === 'idle') {
      const idle = this.idle[key];
      const isSurplus = idle.length > world.settings.pool.maxPersistentPerHost;
      if (isSurplus && idle[0] !== connection) world.fail('the surplus is not the oldest');
      if (world.clock.now() >= connection.idleUntil) world.races.expired(key);
    }
    world.log(`connection ${id} (${place}) is closed`);
    this.#leaveQueues(connection);
    this.#letGo(connection);
    connection.place = 'gone';
    world.counts.evictions++;
  }

  #letGo(connection: SimConnection): void {
    this.world.counts.dirty.add(connection.key);
    for (const lease of [...connection.leases]) this.world.leases.ended(lease);
  }

  #leaveQueues(connection: SimConnection): void {
    for (const queue of [this.ready[connection.key], this.idle[connection.key]]) {
      const at = queue.indexOf(connection);
      if (at >= 0) queue.splice(at, 1);
    }
  }

  // ---- what has to hold ------------------------------------------------------------------------------------------

  #checkAge({ id, bornAt, carried }: SimConnection): void {
    const { world } = this;
    const { maxConnectionAge, maxRequestsPerConnection, persistent } = world.settings.pool;
    if (world.clock.now() >= bornAt + maxConnectionAge) world.fail(`connection ${id} is used again, and too old`);
    if (carried >= maxRequestsPerConnection) world.fail(`connection ${id} is used again after ${carried} requests`);
    if (!persistent) world.fail(`connection ${id} is used again, and nothing is persistent`);
  }

  /** A connection that a lease could not have now takes no other ever again: so the pool may decide. */
  #checkUse(connection: SimConnection): void {
    const { clock, settings, closing } = this.world;
    const { maxConnectionAge, maxRequestsPerConnection, persistent } = settings.pool;
    const { bornAt, carried, keepAlive, leases } = connection;
    const used = carried + leases.length >= maxRequestsPerConnection || keepAlive?.max === 0;
    // One that is never empty gives way to another key by taking no further lease.
    const [own] = this.world.gets.waiting[connection.key];
    const givesWay = own !== undefined && this.world.gets.starving(connection.key).some(({ id }) => id < own.id);
    const isOld = clock.now() >= bornAt + maxConnectionAge;
    if (closing || !persistent || used || isOld || givesWay) connection.spent = true;
  }

  /** A get of another key that has waited long for room comes before younger gets. */
  #checkTurn({ id, key }: SimConnection): void {
    const { world } = this;
    if (world.callbacks.sprung || world.closing) return;
    const [own] = world.gets.waiting[key];
    const rivals = world.gets.starving(key);
    if (own !== undefined && rivals.length > 0 && rivals.every(({ id: rank }) => rank < own.id)) {
      world.fail(`get ${rivals[0].id} starves: connection ${id} comes back, and goes to a younger get`);
    }
  }

  sweep(): void {
    const { all } = this;
    for (let i = all.length - 1; i >= 0; i--) {
      if (all[i].place === 'gone' && !all[i].transportOpen) all.splice(i, 1);
    }
  }
}
