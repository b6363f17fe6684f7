// Short slots in random order: what the machine does meanwhile hits all clients alike.
import { coreTime, pinned, processTime } from './machine.mjs';
import { median, pairedRatio, random } from './statistics.mjs';

/**
 * Gives each worker a slot per rotation. All are alive all the time; those that have no slot are idle.
 *
 * @returns the samples of each worker by name, and how busy the machine was with other things
 */
export async function rotate(workers, { rotations, slot, server, warmUp }) {
  const next = random(rotations * 7 + workers.length);
  for (const worker of workers) await worker.ask({ ...slot, ...warmUp });
  const samples = new Map(workers.map(worker => [worker.name, []]));
  let foreign = 0;
  let stolen = 0;
  let elapsed = 0;
  for (let rotation = 0; rotation < rotations; rotation++) {
    for (const worker of shuffled(workers, next)) {
      const core = coreTime(1);
      const served = server === undefined ? 0 : processTime(server.pid);
      const sample = await worker.ask(slot);
      const after = coreTime(1);
      sample.serverCPU = server === undefined ? 0 : processTime(server.pid) - served;
      samples.get(worker.name).push(sample);
      elapsed += sample.elapsed * 1_000;
      foreign += Math.max(0, after.busy - core.busy - sample.cpu);
      stolen += after.steal - core.steal;
    }
  }
  return { samples, contention: pinned ? { foreign: foreign / elapsed, stolen: stolen / elapsed } : undefined };
}

function shuffled(list, next) {
  const copy = [...list];
  for (let at = copy.length - 1; at > 0; at--) {
    const other = Math.floor(next() * (at + 1));
    [copy[at], copy[other]] = [copy[other], copy[at]];
  }
  return copy;
}

/** Work per second. */
export const rate = sample => (sample.work / sample.elapsed) * 1_000;
/** CPU µs per unit of work. */
export const cost = sample => sample.cpu / sample.work;

/** How a worker did: medians, and the server's share of its core. */
export function summary(samples) {
  const sum = name => samples.reduce((total, sample) => total + sample[name], 0);
  return {
    rate: median(samples.map(rate)),
    cost: median(samples.map(cost)),
    p50: median(samples.map(sample => sample.p50)),
    p99: median(samples.map(sample => sample.p99)),
    clientShare: sum('cpu') / sum('elapsed') / 1_000,
    serverShare: sum('serverCPU') / sum('elapsed') / 1_000,
    work: sum('work'),
  };
}

/** `of` as a multiple of `to`, for one figure of a sample. */
export function compare(samples, of, to, figure) {
  return pairedRatio(samples.get(of).map(figure), samples.get(to).map(figure));
}
