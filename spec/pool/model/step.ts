import { hooks } from './Callbacks.js';
import { commands } from './commands.js';
import type { World } from './World.js';

/** Commands that have others happen, at some other time. */
const deck: typeof commands = [
  ...commands,
  ['command at the next timer', 2, (world, code) => schedule(world, code)],
  ['arm a callback', 7, (world, code) => arm(world, code)],
];

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
/** What happens where several keys press upon few connections, beside all else. */
const drawnInCrowds: readonly number[] = drawn.concat(
  ['get', 'renew', 'renew', 'respond', 'release', 'validate', 'dial ok', 'advance time'].flatMap(name =>
    Array<number>(12).fill(names.indexOf(name)),
  ),
);
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
  const from = world.settings.crowded ? drawnInCrowds : drawn;
  const index = from[number % from.length];
  if (world.trace !== null) world.trace.push(`${names[index]}`);
  world.beginStep();
  world.guard(() => {
    const code = Math.floor(number / from.length);
    let done = run(world, index, code);
    // Most of the time most commands have nothing to do. Rather than nothing, something goes on as it should.
    for (let tries = 0; !done && tries < goingOn.length; tries++) {
      done = run(world, goingOn[(code + tries) % goingOn.length], code);
    }
  });
  world.endStep();
}

/** At the very instant of the next timer, before it or after it. */
function schedule(world: World, code: number): boolean {
  const { nextDue } = world.clock;
  if (nextDue === Infinity) return false;
  const inner = nestable(code >> 1);
  world.clock.at(nextDue, () => world.guard(() => void run(world, inner, code >> 9)), code % 2 === 0);
  return true;
}

/** Has a command happen inside a callback, or the callback throw. */
function arm(world: World, code: number): boolean {
  if (world.callbacks.traps.length > 3) return false;
  const hook = hooks[code % hooks.length];
  const inner = nestable(code >> 4);
  if ((code >> 13) % 4 === 0) {
    world.callbacks.traps.push({ hook, run: null });
    return true;
  }
  world.callbacks.traps.push({
    hook,
    run: () => {
      if (hook === 'released' && inner === getIndex) world.races.saw('release re-enters get');
      run(world, inner, code >> 9);
    },
  });
  return true;
}
