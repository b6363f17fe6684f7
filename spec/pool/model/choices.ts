import type { SimConnection } from './SimConnection.js';
import type { SimExchange } from './SimExchange.js';
import type { World } from './World.js';

/** A command does something to the world, or nothing if there is nothing to do it to; then it does not count. */
export type Command = (world: World, code: number) => boolean;

/** Whichever, or the last of them for −1. */
export const pick = <T>(from: readonly T[], code: number): T | undefined =>
  code < 0 ? from.at(-1) : from[code % from.length];

export const inPlace = (world: World, place: SimConnection['place'], code: number): SimConnection | undefined =>
  pick(
    world.connections.all.filter(connection => connection.place === place && connection.alive),
    code,
  );

export const exchanging = (world: World, code: number): SimExchange | undefined =>
  pick(
    world.connections.all.flatMap(({ exchanges }) => exchanges),
    code,
  );

export const shared = (world: World, code: number): SimConnection | undefined =>
  pick(
    world.connections.all.filter(connection => connection.shared && connection.alive),
    code,
  );

export const some = <T>(chosen: T | undefined, run: (it: T) => void): boolean => {
  if (chosen === undefined) return false;
  run(chosen);
  return true;
};

/** A connection that waits for the loop to poll. */
export const validating = (world: World, code: number): SimConnection | undefined =>
  pick(
    world.connections.all.filter(connection => connection.validation !== null),
    code,
  );
