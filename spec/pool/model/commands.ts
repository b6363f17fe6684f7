import type { SimConnection } from './SimConnection.js';
import { hooks, type World } from './World.js';

/** A command does something to the world, or nothing if there is nothing to do it to; then it does not count. */
type Command = (world: World, code: number) => boolean;

/** Whichever, or the last of them for −1. */
const pick = <T>(from: readonly T[], code: number): T | undefined =>
  code < 0 ? from.at(-1) : from[code % from.length];

const inPlace = (world: World, place: SimConnection['place'], code: number): SimConnection | undefined =>
  pick(
    world.connections.filter(connection => connection.place === place && connection.alive),
    code,
  );

const exchanging = (world: World, code: number): SimConnection | undefined =>
  pick(
    world.connections.filter(connection => connection.exchange !== null),
    code,
  );

const some = <T>(chosen: T | undefined, run: (it: T) => void): boolean => {
  if (chosen === undefined) return false;
  run(chosen);
  return true;
};

const ask =
  (scoped: boolean): Command =>
  (world, code) => {
    world.get(code % world.settings.keys, scoped, code >> 2);
    return true;
  };

const openDials = (world: World, late: boolean) =>
  world.dials.filter(dial => dial.state === 'connecting' && (dial.get.state !== 'waiting') === late);

const answer =
  (how: 'respond' | 'respondHead' | 'respondAndClose' | 'informational' | 'upgrade'): Command =>
  (world, code) =>
    some(exchanging(world, code), connection => {
      world.log(`${how} on connection ${connection.id}`);
      if (how.startsWith('respond')) {
        connection.said = (code >> 4) % 8 === 7 ? { timeout: (code >> 7) % 3, max: (code >> 9) % 2 } : undefined;
      }
      connection[how]();
    });

const die =
  (place: 'idle' | 'validating' | 'leased'): Command =>
  (world, code) =>
    some(mortal(world, place, code), connection => {
      world.log(`connection ${connection.id} dies while ${place}`);
      if (place === 'validating') world.noteFinOnTake(connection);
      if ((code >> 4) % 2 === 0 || connection.exchange !== null) connection.die();
      else connection.die(new world.errors.ResponseFailedError('reset'));
    });

/** One that was used before and has not answered yet, if there is one: its request may be retried. */
const mortal = (world: World, place: 'idle' | 'validating' | 'leased', code: number): SimConnection | undefined => {
  const stale = world.connections.find(({ exchange, carried }) => exchange?.headed === false && carried > 0);
  return place === 'leased' && stale !== undefined && code % 4 !== 0 ? stale : inPlace(world, place, code);
};

const get = ask(false);
const use = ask(true);

/** By name; the number of places that each has in the deck that commands are drawn from. */
const deck: readonly (readonly [name: string, weight: number, command: Command])[] = [
  ['get', 7, get],
  ['use', 3, use],
  [
    'cancel',
    5,
    (world, code) => some(pick(world.gets.flat(), code), waiting => world.cancel(waiting, (code >> 5) % 3 === 0)),
  ],
  [
    'dial ok',
    9,
    (world, code) => some(pick(openDials(world, false), code % 2 === 0 ? code >> 1 : -1), dial => world.emit(dial)),
  ],
  ['dial late', 12, (world, code) => some(pick(openDials(world, true), code), dial => world.emit(dial))],
  [
    'dial fail',
    4,
    (world, code) =>
      some(pick(openDials(world, false).concat(openDials(world, true)), code), dial =>
        world.failDial(dial, (code >> 5) % 4 === 0),
      ),
  ],
  [
    'validate',
    9,
    (world, code) =>
      some(
        pick(
          world.connections.filter(connection => connection.validation !== null),
          code,
        ),
        connection => world.pass(connection),
      ),
  ],
  [
    'validation error',
    1,
    (world, code) =>
      some(code % 2 === 0 ? inPlaceValidating(world, code >> 3) : undefined, connection =>
        world.refuseValidation(connection),
      ),
  ],
  [
    'request on a lease',
    4,
    (world, code) =>
      some(
        pick(
          world.leases.filter(lease => lease.state === 'ready' && !lease.get.scoped),
          code,
        ),
        lease => world.request(lease, code >> 4),
      ),
  ],
  [
    'release',
    7,
    (world, code) =>
      some(
        pick(
          world.leases.filter(lease => lease.state === 'ready'),
          code,
        ),
        lease => world.release(lease),
      ),
  ],
  [
    'abort',
    4,
    (world, code) =>
      some(pick(world.leases.concat(world.over.filter(lease => !isInert(lease))), code), lease => world.abort(lease)),
  ],
  [
    'end of scope',
    8,
    (world, code) =>
      some(
        pick(
          world.leases.filter(lease => lease.get.scoped),
          code,
        ),
        lease => world.endScope(lease.get, (code >> 4) % 3),
      ),
  ],
  [
    'cancel request',
    8,
    (world, code) =>
      some(
        pick(
          world.leases.filter(
            ({ request }) => request !== null && request.settled === null && request.subscription !== null,
          ),
          code,
        ),
        lease => world.cancelRequest(lease.request!),
      ),
  ],
  [
    'stale handle',
    1,
    (world, code) => some(pick(world.over.filter(isInert), code), lease => world.stale(lease, (code >> 4) % 3)),
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
      some(exchanging(world, code), connection => {
        for (const waiting of [...world.gets[connection.key]]) world.cancel(waiting, false);
        connection.respond();
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
          world.connections.filter(connection => connection.needsTransportClose),
          code,
        ),
        connection => connection.closeTransport(),
      ),
  ],
  ['advance time', 5, (world, code) => advance(world, (code >> 4) % 6 === 5 ? 100 + (code % 1_200) : 1 + (code % 25))],
  [
    'advance to the next timer',
    3,
    world => {
      const { nextDue } = world.clock;
      return nextDue !== Infinity && advance(world, Math.max(nextDue - world.clock.now(), 0));
    },
  ],
  ['command at the next timer', 2, (world, code) => schedule(world, code)],
  ['close', 1, (world, code) => close(world, code)],
  ['arm a callback', 7, (world, code) => arm(world, code)],
];

const isInert = ({ protocol }: World['leases'][number]): boolean =>
  protocol.state === 'released' || protocol.state === 'closed';

const inPlaceValidating = (world: World, code: number): SimConnection | undefined =>
  pick(
    world.connections.filter(connection => connection.validation !== null),
    code,
  );

function advance(world: World, duration: number): boolean {
  world.log(`${duration} ms pass`);
  world.clock.advance(duration);
  return true;
}

/** At the very instant of the next timer, before it or after it. */
function schedule(world: World, code: number): boolean {
  const { nextDue } = world.clock;
  if (nextDue === Infinity) return false;
  const inner = nestable(code >> 1);
  world.clock.at(nextDue, () => world.guard(() => void run(world, inner, code >> 9)), code % 2 === 0);
  return true;
}

function close(world: World, code: number): boolean {
  // Most sequences live on: one in eight draws closes, and a closed pool may be told so again.
  if (!world.closing && code % 8 !== 0) return false;
  world.close([0, 20, 10_000, Infinity][(code >> 3) % 4]);
  return true;
}

/** Has a command happen inside a callback, or the callback throw. */
function arm(world: World, code: number): boolean {
  if (world.traps.length > 3) return false;
  const hook = hooks[code % hooks.length];
  const inner = nestable(code >> 4);
  if ((code >> 13) % 4 === 0) {
    world.traps.push({ hook, run: null });
    return true;
  }
  world.traps.push({
    hook,
    run: () => {
      if (hook === 'released' && inner === getIndex) world.noteReentrantReleaseGet();
      run(world, inner, code >> 9);
    },
  });
  return true;
}

const names = deck.map(([name]) => name);
const getIndex = names.indexOf('get');
const notNested = new Set(['advance time', 'advance to the next timer', 'command at the next timer', 'arm a callback']);
const goingOn = [
  'dial ok',
  'validate',
  'respond',
  'request on a lease',
  'respond',
  'validate',
  'dial ok',
  'transport closes',
  'dial late',
  'dial late',
].map(name => names.indexOf(name));
const drawn: readonly number[] = deck.flatMap(([, weight], index) => Array<number>(weight).fill(index));
const drawnNested: readonly number[] = drawn.filter(index => !notNested.has(names[index]));

const nestable = (code: number): number => drawnNested[code % drawnNested.length];

function run(world: World, index: number, code: number): boolean {
  const [name, , command] = deck[index];
  const done = command(world, code);
  if (done) world.tally.command(name);
  return done;
}

/** Interprets one number against the live state. */
export function step(world: World, number: number): void {
  world.tally.steps++;
  const index = drawn[number % drawn.length];
  if (world.trace !== null) world.trace.push(`${names[index]}`);
  world.beginStep();
  world.guard(() => {
    const code = Math.floor(number / drawn.length);
    let done = run(world, index, code);
    // Most of the time most commands have nothing to do. Rather than nothing, something goes on as it should.
    for (let tries = 0; !done && tries < goingOn.length; tries++) {
      done = run(world, goingOn[(code + tries) % goingOn.length], code);
    }
  });
  world.endStep();
  world.sweep();
}

/** All servers answer and all owners let go, without the help of time: every get that still waits has to be served. */
export function progress(world: World): void {
  world.traps.length = 0;
  let rounds = 3 * world.gets.flat().length + 20;
  while (rounds-- > 0 && world.gets.some(waiting => waiting.length > 0)) {
    world.beginStep();
    for (const connection of [...world.connections]) {
      world.guard(() => {
        if (connection.needsTransportClose) connection.closeTransport();
        if (connection.validation !== null) world.pass(connection);
        if (connection.exchange !== null) connection.respond();
      });
    }
    for (const dial of [...world.dials]) world.guard(() => world.emit(dial));
    for (const lease of [...world.leases]) world.guard(() => letGo(world, lease));
    world.endStep();
    world.sweep();
  }
  for (const waiting of world.gets) if (waiting.length > 0) world.fail(`get ${waiting[0].id} is never served`);
}

function letGo(world: World, lease: World['leases'][number]): void {
  if (lease.state !== 'ready') return;
  if (lease.get.scoped) world.endScope(lease.get, 0);
  else world.release(lease);
}

/** Closes the pool, twice, and sees that nothing is left of it. */
export function end(world: World, code: number): void {
  const grace = [0, 20, 10_000, Infinity][code % 4];
  world.beginStep();
  world.guard(() => world.close(grace));
  world.endStep();
  world.tally.command('close');
  world.beginStep();
  world.traps.length = 0;
  if (grace !== Infinity) world.guard(() => world.clock.advance(grace + 10));
  // The command of a timer may have closed it with another grace period meanwhile.
  for (let round = 0; round < 4; round++) {
    for (const connection of [...world.connections]) world.guard(() => connection.respond());
    for (const lease of [...world.leases])
      world.guard(() => (lease.request === null ? letGo(world, lease) : world.abort(lease)));
  }
  for (let round = 0; round < 2; round++) {
    for (const connection of [...world.connections]) world.guard(() => connection.closeTransport());
  }
  world.endStep();
  world.get(0, false, 0);
  world.finish();
}
