// The machine: what it is, which core does what, and who else was on it.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

const linux = process.platform === 'linux';
export const pinned = linux && cpus().length > 1 && spawnSync('taskset', ['-V'], { stdio: 'ignore' }).status === 0;

/** The command line that runs `command` on one core: servers and the master on 0, clients on 1. */
export function onCore(core, command, args) {
  return pinned ? ['taskset', ['-c', String(core), command, ...args]] : [command, args];
}

export function describeMachine() {
  const [{ model }] = cpus();
  return `${cpus().length} × ${model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}`;
}

/** The CPU time that a core has spent on whatever it was, and what the host took from it, in µs. */
export function coreTime(core) {
  if (!linux) return { busy: 0, steal: 0 };
  const line = readFileSync('/proc/stat', 'latin1')
    .split('\n')
    .find(text => text.startsWith(`cpu${core} `));
  const [user, nice, system, , , irq, softirq, steal] = line.trim().split(/\s+/).slice(1).map(Number);
  return { busy: (user + nice + system + irq + softirq) * 10_000, steal: steal * 10_000 };
}

/** The CPU time of a process, in µs. */
export function processTime(pid) {
  if (!linux) return 0;
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}
