// The machine: what it is, which core does what, and who else was on it.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

const linux = process.platform === 'linux';
export const pinned = linux && cpus().length > 1 && spawnSync('taskset', ['-V'], { stdio: 'ignore' }).status === 0;

/** The command line that runs `command` on one core: servers and the master on 0, clients on 1. */
export function onCore(core, command, args) {
  return pinned ? ['taskset', ['-c', String(core), command, ...args]] : [command, args];
}

/**
 * Does `work` while a loop of the lowest priority (SCHED_IDLE: it runs only where nothing else would) keeps both cores from
 * sleeping. Undefined where that is not to be had. In a virtual machine a core that sleeps is woken by its host, which takes
 * longer than a request: with one request at a time that is most of what is measured.
 */
export async function awake(work) {
  if (!pinned || spawnSync('chrt', ['-V'], { stdio: 'ignore' }).status !== 0) return undefined;
  const loops = [0, 1].map(core => {
    // It ends by itself, should nobody be left to end it.
    const loop = 'for (const until = Date.now() + 300_000; Date.now() < until; );';
    const [command, args] = onCore(core, 'chrt', ['-i', '0', process.execPath, '-e', loop]);
    return spawn(command, args, { stdio: 'ignore' });
  });
  try {
    return await work();
  } finally {
    for (const loop of loops) {
      const gone = once(loop, 'exit');
      loop.kill('SIGKILL');
      await gone;
    }
  }
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
