import type { SimConnection } from './SimConnection.js';
import type { SimDial } from './SimDial.js';
import type { SimGet } from './SimGet.js';
import type { World } from './World.js';

/** What is on the way to a waiting get. */
export type Cover = SimConnection | SimDial;

/** The connections that are being validated under a key, once for each seat that a get can have there. */
export function seatsOnTheWay(world: World, key: number): SimConnection[] {
  return world.connections.all.filter(isOnTheWay(key)).flatMap(connection => {
    // A connection that may carry one request more has one seat more, whatever its capacity.
    const { persistent, maxRequestsPerConnection } = world.settings.pool;
    const left = persistent ? maxRequestsPerConnection - connection.carried : 1;
    const all = Math.min(connection.capacity, left);
    // A retry sits on the connection that was made for it.
    const seats = connection.claimed ? all - 1 : all;
    return Array<SimConnection>(Math.max(seats, 0)).fill(connection);
  });
}

const isOnTheWay = (key: number) => (connection: SimConnection) =>
  connection.key === key && (connection.place === 'validating' || connection.place === 'ready');

/** What each waiting get of a key counts on, oldest first. Null: nothing is on the way to it. */
export function coverage(
  world: World,
  key: number,
  without?: SimDial,
  queue: readonly SimGet[] = world.gets.waiting[key],
): Map<SimGet, Cover | null> {
  const dials = world.dials.all.filter(
    dial => dial.key === key && dial.open && dial.claim === null && dial !== without,
  );
  const seats = seatsOnTheWay(world, key);
  const nobodys = dials.filter(({ holder }) => holder?.state !== 'waiting');
  // One whose get leaves unserved passes on at once, or is aborted: so it was not left for another.
  const free = [...nobodys.filter(({ orphaned }) => orphaned), ...nobodys.filter(({ orphaned }) => !orphaned)];
  const covers = new Map<SimGet, Cover | null>();
  for (const get of queue) {
    const own = dials.find(({ holder }) => holder === get);
    // Validated connections go to the head of the queue: the oldest that have no dial count on them.
    covers.set(get, own ?? seats.shift() ?? free.shift() ?? null);
  }
  return covers;
}

/** The oldest get that nothing is on the way to. */
export function firstUncovered(covers: ReadonlyMap<SimGet, Cover | null>): SimGet | null {
  for (const [get, cover] of covers) if (cover === null) return get;
  return null;
}
