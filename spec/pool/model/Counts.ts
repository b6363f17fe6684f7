import { keyNames, type World } from './World.js';

const counted = ['opened', 'connectFailures', 'leases', 'reuses', 'retries', 'evictions', 'refusals'] as const;

const nothing = { leased: 0, seats: 0, idle: 0, connecting: 0, validating: 0, pending: 0 };

/** What the pool says of itself, beside what the model has seen. */
export class Counts {
  opened = 0;
  connectFailures = 0;
  leases = 0;
  reuses = 0;
  retries = 0;
  evictions = 0;
  refusals = 0;
  cancelledInside = 0;
  failedInside = 0;
  /** Keys that something has happened to in this step. */
  readonly dirty = new Set<number>();
  #steps = 0;

  constructor(private readonly world: World) {}

  /** Snapshots cost more than all the rest: of a key that nothing has happened to, one is taken now and then. */
  atRest(): void {
    const whole = ++this.#steps % 8 === 0;
    for (let key = 0; key < this.world.settings.keys; key++) if (whole || this.dirty.has(key)) this.check(key);
    if (whole || this.dirty.size > 0) this.#checkTotals();
    this.dirty.clear();
  }

  /** Over all keys, by our own count: that of each key is compared with the pool's whenever something happens to it. */
  checkCaps(): void {
    const { world } = this;
    if (world.callbacks.blurred > 0) return;
    const open = world.open();
    if (open > world.settings.pool.maxConnections) world.fail(`${open} connections open, maxConnections exceeded`);
  }

  check(key: number): void {
    const { world } = this;
    const name = keyNames[key];
    const known = world.pool.stats(name);
    const stats = known ?? nothing;
    if (stats.leased + stats.idle + stats.connecting > world.settings.pool.maxConnectionsPerHost) {
      world.fail(`maxConnectionsPerHost exceeded under ${name}`);
    }
    if (world.callbacks.blurred > 0) return;
    let leased = 0;
    let seats = 0;
    let validating = 0;
    let connecting = 0;
    for (const connection of world.connections.all) {
      if (connection.key !== key) continue;
      if (connection.place === 'leased') {
        leased++;
        seats += connection.seated.length;
      } else if (connection.place === 'validating' || connection.place === 'ready') validating++;
    }
    for (const dial of world.dials.all) if (dial.key === key && dial.open) connecting++;
    const pending = world.gets.waiting[key].length;
    const idle = world.connections.idle[key].length;
    if (
      stats.leased !== leased + validating ||
      stats.seats !== seats ||
      stats.validating !== validating ||
      stats.idle !== idle ||
      stats.connecting !== connecting ||
      stats.pending !== pending
    ) {
      const seen = `leased ${leased + validating} seats ${seats} validating ${validating} idle ${idle} connecting ${connecting} pending ${pending}`;
      world.fail(`stats(${name}) is ${JSON.stringify(stats)}, but the model has ${seen}`);
    }
    if (leased + validating + connecting + pending + idle === 0 && world.callbacks.depth === 0) {
      if (known !== undefined) {
        world.fail(`${name} holds nothing and is remembered`);
      }
    }
  }

  #checkTotals(): void {
    const { world } = this;
    const stats = world.pool.stats();
    const open = stats.leased + stats.idle + stats.connecting;
    if (open > world.settings.pool.maxConnections) world.fail(`${open} connections open, maxConnections exceeded`);
    for (const name of counted) {
      const count = this[name];
      const said = stats[name];
      // A get that is cancelled by what its own refusal calls first has not heard of it.
      if (name === 'refusals' && said > count && said - count <= this.cancelledInside) continue;
      // Nor does a dial count that fails in what its own end calls.
      if (name === 'connectFailures' && said < count && count - said <= this.failedInside) continue;
      if (said !== count) world.fail(`stats().${name} is ${said}, but the model counted ${count}`);
    }
  }
}
