import { coverage, seatsOnTheWay } from './coverage.js';
import { connectionToTake } from './Dials.js';
import { keyNames, type World } from './World.js';

/** The invariants that hold whenever the pool is at rest. */
export function checkAtRest(world: World): void {
  world.connections.settle();
  world.counts.atRest();
  checkPlaces(world);
  checkLeases(world);
  for (let key = 0; key < world.settings.keys; key++) checkQueue(world, key);
}

function checkPlaces(world: World): void {
  const { maxPersistentPerHost, maxPersistent } = world.settings.pool;
  const now = world.clock.now();
  for (const { id, place, alive, validation, seated, idleUntil } of world.connections.all) {
    if (place === 'idle' && !alive) world.fail(`idle connection ${id} is dead`);
    if (place === 'born') world.fail(`connection ${id} was not taken up`);
    if (place === 'ready') world.fail(`connection ${id} is ready and nobody got it`);
    if (place === 'validating' && validation === null) {
      world.fail(`connection ${id} is neither idle, validating, leased nor gone`);
    }
    if (place === 'leased' && seated.length === 0) world.fail(`${id} is leased to nobody`);
    if (place === 'idle' && idleUntil < now) world.fail(`${id} is idle for too long`);
  }
  const idle = world.connections.idle.flat().length;
  if (idle > maxPersistent) world.fail(`${idle} idle, maxPersistent ${maxPersistent}`);
  for (let key = 0; key < world.settings.keys; key++) {
    if (world.connections.idle[key].length > maxPersistentPerHost) world.fail(`too many idle under ${keyNames[key]}`);
  }
}

function checkLeases(world: World): void {
  const now = world.clock.now();
  for (const { state, since, get, isLive } of world.leases.held) {
    if (state !== 'ready' || !isLive || since + world.settings.pool.leaseTimeout + 20 >= now) continue;
    world.fail(`the unused lease of get ${get.id} outlived leaseTimeout`);
  }
}

/** Why each get of a key still waits: what it waits for is on the way, or there is no room for it. */
function checkQueue(world: World, key: number): void {
  const waiting = world.gets.waiting[key];
  const now = world.clock.now();
  for (const get of waiting) {
    get.starved = false;
    if (get.until + 20 < now) world.fail(`get ${get.id} waits ${now - get.until} ms past its acquireTimeout`);
  }
  if (!world.closing) {
    checkCapacity(world, key);
    world.dials.atRest(key);
  }
  if (waiting.length === 0) return;
  if (world.closing) world.fail(`get ${waiting[0].id} waits while the pool is closing`);
  const { maxConnectionsPerHost, maxConnections } = world.settings.pool;
  const isFull = world.open(key) >= maxConnectionsPerHost;
  const hasRoom = world.open() < maxConnections || world.connections.idle.some(({ length }) => length > 0);
  for (const [get, cover] of coverage(world, key)) {
    if (cover !== null || isFull) continue;
    if (hasRoom) world.fail(`get ${get.id} of ${keyNames[key]} waits though there is room: lost wake-up`);
    get.starved = true;
  }
}

/** No get waits, but for a validation, while there is a connection that it could have at once, whoever dials for whom. */
function checkCapacity(world: World, key: number): void {
  const [get] = world.gets.waiting[key].slice(seatsOnTheWay(world, key).length);
  if (get === undefined) return;
  const idle = connectionToTake(world, key);
  if (idle !== undefined) world.fail(`get ${get.id} waits beside connection ${idle.id}, which is idle`);
  const open = world.connections.all.find(
    ({ key: its, place, alive, spent, seated, capacity }) =>
      its === key && place === 'leased' && alive && !spent && seated.length < capacity,
  );
  if (open !== undefined) world.fail(`get ${get.id} waits beside connection ${open.id}, which has a free seat`);
}
