import { exchanging, inPlace, pick, shared, some, validating, type Command } from './choices.js';
import type { SimConnection } from './SimConnection.js';
import type { SimLease } from './SimLease.js';
import type { World } from './World.js';

const ask =
  (scoped: boolean): Command =>
  (world, code) => {
    world.gets.ask(code % world.settings.keys, scoped, code >> 2);
    return true;
  };

/** Some dials hang while others come and go. */
const openDials = (world: World, late: boolean, code: number) =>
  world.dials.all.filter(
    dial =>
      dial.state === 'connecting' && (dial.get.state !== 'waiting') === late && (!dial.hangs || (code >> 8) % 8 === 0),
  );

const answer =
  (how: 'respond' | 'respondHead' | 'respondAndClose' | 'informational' | 'upgrade'): Command =>
  (world, code) =>
    some(exchanging(world, code), exchange => {
      const { connection, request } = exchange;
      world.log(`${how} to get ${request.lease.get.id} on connection ${connection.id}`);
      if (how.startsWith('respond')) {
        connection.keepAlive = (code >> 4) % 8 === 7 ? { timeout: (code >> 7) % 3, max: (code >> 9) % 2 } : undefined;
      }
      connection[how](exchange);
    });

const die =
  (place: 'idle' | 'validating' | 'leased'): Command =>
  (world, code) =>
    some(mortal(world, place, code), connection => {
      world.log(`connection ${connection.id} dies while ${place}`);
      if (place === 'validating') noteFinOnTake(connection);
      if ((code >> 4) % 2 === 0 || connection.exchanges.length > 0) connection.die();
      else connection.die(new world.errors.ResponseFailedError('reset'));
    });

/** One that was used before and has not answered yet, if there is one: its request may be retried. */
const mortal = (world: World, place: 'idle' | 'validating' | 'leased', code: number): SimConnection | undefined => {
  const stale = world.connections.all.find(
    ({ exchanges, carried }) => carried > 0 && exchanges.some(({ headed }) => !headed),
  );
  return place === 'leased' && stale !== undefined && code % 4 !== 0 ? stale : inPlace(world, place, code);
};

function noteFinOnTake({ carried, world }: SimConnection): void {
  if (carried > 0) world.races.saw('FIN | take');
}

const get = ask(false);
const use = ask(true);

/** By name; the number of places that each has in the deck that commands are drawn from. */
export const commands: readonly (readonly [name: string, weight: number, command: Command])[] = [
  ['get', 7, get],
  ['use', 3, use],
  [
    'cancel',
    5,
    (world, code) =>
      some(pick(world.gets.waiting.flat(), code), waiting => world.gets.cancel(waiting, (code >> 5) % 3 === 0)),
  ],
  [
    'dial ok',
    9,
    (world, code) =>
      some(pick(openDials(world, false, code), code % 2 === 0 ? code >> 1 : -1), dial => world.dials.emit(dial)),
  ],
  ['dial late', 12, (world, code) => some(pick(openDials(world, true, code), code), dial => world.dials.emit(dial))],
  [
    'dial fail',
    6,
    (world, code) =>
      some(pick(openDials(world, false, code).concat(openDials(world, true, code)), code), dial =>
        world.dials.fail(dial, (code >> 5) % 4 === 0),
      ),
  ],
  ['validate', 9, (world, code) => some(validating(world, code), connection => world.connections.pass(connection))],
  [
    'validation error',
    2,
    (world, code) =>
      some(code % 2 === 0 ? validating(world, code >> 3) : undefined, connection =>
        world.connections.refuseValidation(connection),
      ),
  ],
  [
    'request on a lease',
    4,
    (world, code) =>
      some(
        pick(
          world.leases.held.filter(lease => lease.state === 'ready' && !lease.get.scoped),
          code,
        ),
        lease => world.leases.request(lease, code >> 4),
      ),
  ],
  [
    'release',
    7,
    (world, code) =>
      some(
        pick(
          world.leases.held.filter(lease => lease.state === 'ready'),
          code,
        ),
        lease => world.leases.release(lease),
      ),
  ],
  [
    'abort',
    4,
    (world, code) =>
      some(pick(world.leases.held.concat(world.leases.over.filter(({ isLive }) => isLive)), code), lease =>
        world.leases.abort(lease),
      ),
  ],
  [
    'end of scope',
    8,
    (world, code) =>
      some(
        pick(
          world.leases.held.filter(lease => lease.get.scoped),
          code,
        ),
        lease => world.leases.endScope(lease.get, (code >> 4) % 3),
      ),
  ],
  [
    'cancel request',
    8,
    (world, code) =>
      some(
        pick(
          world.leases.held.filter(
            ({ request }) => request !== null && request.settled === null && request.subscription !== null,
          ),
          code,
        ),
        lease => world.leases.cancelRequest(lease.request!),
      ),
  ],
  [
    'stale handle',
    1,
    (world, code) =>
      some(
        pick(
          world.leases.over.filter(({ isLive }) => !isLive),
          code,
        ),
        lease => world.leases.misuse(lease, (code >> 4) % 3),
      ),
  ],
  ['respond', 9, answer('respond')],
  ['respond with a head', 3, answer('respondHead')],
  ['respond and close', 8, answer('respondAndClose')],
  ['informational', 1, answer('informational')],
  ['upgrade', 1, answer('upgrade')],
  [
    'cancel all and respond',
    1,
    (world, code) =>
      some(exchanging(world, code), exchange => {
        const { connection } = exchange;
        for (const waiting of [...world.gets.waiting[connection.key]]) world.gets.cancel(waiting, false);
        connection.respond(exchange);
      }),
  ],
  ['die while idle', 4, die('idle')],
  ['die while validating', 5, die('validating')],
  ['die while leased', 8, die('leased')],
  [
    'bytes on idle',
    4,
    (world, code) =>
      some(inPlace(world, (code >> 4) % 3 === 0 ? 'validating' : 'idle', code), connection => {
        world.log(`bytes on connection ${connection.id}`);
        if (connection.place === 'idle') world.tally.race('bytes on idle');
        connection.bytes();
      }),
  ],
  [
    'transport closes',
    2,
    (world, code) =>
      some(
        pick(
          world.connections.all.filter(connection => connection.needsTransportClose),
          code,
        ),
        connection => connection.closeTransport(),
      ),
  ],
  [
    'capacity',
    6,
    (world, code) =>
      some(shared(world, code), connection => {
        world.log(`capacity of connection ${connection.id}: ${(code >> 4) % 4}`);
        connection.setCapacity((code >> 4) % 4);
      }),
  ],
  [
    'reset',
    3,
    (world, code) =>
      some(exchanging(world, code), exchange => {
        if (!exchange.connection.shared) return;
        world.log(`connection ${exchange.connection.id} resets the exchange of get ${exchange.request.lease.get.id}`);
        exchange.connection.reset(exchange);
      }),
  ],
  ['renew', 3, (world, code) => some(pick(world.leases.held, code), lease => renew(world, lease, code >> 4))],
  [
    'advance time',
    5,
    (world, code) =>
      advance(world, (code >> 4) % (world.settings.crowded ? 2 : 6) === 1 ? 100 + (code % 1_200) : 1 + (code % 25)),
  ],
  [
    'advance to the next timer',
    3,
    world => {
      const { nextDue } = world.clock;
      return nextDue !== Infinity && advance(world, Math.max(nextDue - world.clock.now(), 0));
    },
  ],
  ['close', 1, (world, code) => close(world, code)],
];

function advance(world: World, duration: number): boolean {
  world.log(`${duration} ms pass`);
  world.clock.advance(duration);
  return true;
}

/** One who is done with a lease asks for the next before it ends. */
function renew(world: World, lease: SimLease, code: number): void {
  const { get, connection, request } = lease;
  world.gets.ask(get.key, false, code);
  const exchange = connection.exchanges.find(({ request: its }) => its === request);
  if (exchange !== undefined) connection.respond(exchange);
  else if (!get.scoped) world.leases.release(lease);
}

function close(world: World, code: number): boolean {
  // Most sequences live on: one in eight draws closes, and a closed pool may be told so again.
  if (!world.closing && code % 8 !== 0) return false;
  world.close([0, 20, 10_000, Infinity][(code >> 3) % 4]);
  return true;
}
