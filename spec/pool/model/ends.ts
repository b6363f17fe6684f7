import type { SimLease } from './SimLease.js';
import type { World } from './World.js';

/** All servers answer and all owners let go, without the help of time: every get that still waits has to be served. */
export function progress(world: World): void {
  world.callbacks.traps.length = 0;
  let rounds = 3 * world.gets.waiting.flat().length + 20;
  while (rounds-- > 0 && world.gets.waiting.some(waiting => waiting.length > 0)) {
    world.beginStep();
    for (const connection of [...world.connections.all]) {
      world.guard(() => {
        if (connection.needsTransportClose) connection.closeTransport();
        if (connection.shared && connection.capacity === 0) connection.setCapacity(1);
        if (connection.validation !== null) world.connections.pass(connection);
        for (const exchange of [...connection.exchanges]) connection.respond(exchange);
      });
    }
    for (const dial of [...world.dials.all]) world.guard(() => world.dials.emit(dial));
    for (const lease of [...world.leases.held]) world.guard(() => letGo(world, lease));
    world.endStep();
  }
  for (const waiting of world.gets.waiting) if (waiting.length > 0) world.fail(`get ${waiting[0].id} is never served`);
}

function letGo(world: World, lease: SimLease): void {
  if (lease.state !== 'ready') return;
  if (lease.get.scoped) world.leases.endScope(lease.get, 0);
  else world.leases.release(lease);
}

/** Closes the pool, twice, and sees that nothing is left of it. */
export function end(world: World, code: number): void {
  const grace = [0, 20, 10_000, Infinity][code % 4];
  world.beginStep();
  world.guard(() => world.close(grace));
  world.endStep();
  world.tally.command('close');
  world.beginStep();
  world.callbacks.traps.length = 0;
  if (grace !== Infinity) world.guard(() => world.clock.advance(grace + 10));
  // The command of a timer may have closed it with another grace period meanwhile.
  for (let round = 0; round < 4; round++) {
    for (const connection of [...world.connections.all]) {
      for (const exchange of [...connection.exchanges]) world.guard(() => connection.respond(exchange));
    }
    for (const lease of [...world.leases.held])
      world.guard(() => (lease.request === null ? letGo(world, lease) : world.leases.abort(lease)));
  }
  for (let round = 0; round < 2; round++) {
    for (const connection of [...world.connections.all]) world.guard(() => connection.closeTransport());
  }
  world.endStep();
  world.gets.ask(0, false, 0);
  world.finish();
}
