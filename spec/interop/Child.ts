import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from './Server.js';

const running = new Set<Child>();

/** A server in a process group of its own, which ends with this process whatever happens. */
export class Child {
  #log = '';

  private constructor(
    readonly name: string,
    readonly process: ChildProcess,
  ) {
    running.add(this);
    process.once('close', () => running.delete(this));
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on('data', (text: Buffer) => (this.#log = (this.#log + text.toString()).slice(-4_000)));
    }
  }

  static start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
    const options = { detached: true, env: { ...process.env, ...env } };
    return new Child(command, spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** Resolves when somebody takes connections at all of these addresses. */
  async listening(addresses: readonly Address[]): Promise<void> {
    const deadline = Date.now() + 20_000;
    for (const address of addresses) {
      while (!(await listens(address))) {
        if (this.#over || Date.now() > deadline) throw new Error(`${this.name} does not start:\n${this.#log}`);
        await sleep(20);
      }
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Asks it to end, and makes it after a while. */
  async stop(): Promise<void> {
    if (!this.#over) {
      const closed = once(this.process, 'close');
      this.signal('SIGTERM');
      const patience = setTimeout(() => this.#kill(), 3_000);
      await closed;
      clearTimeout(patience);
    }
    this.#kill(); // what it started itself
  }

  get #over(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  #kill(): void {
    try {
      process.kill(-this.process.pid!, 'SIGKILL');
    } catch {
      // nobody is left
    }
  }

  static {
    process.on('exit', () => running.forEach(child => child.#kill()));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  }
}

async function listens(address: Address): Promise<boolean> {
  const socket = connect(typeof address === 'number' ? { port: address, host: '127.0.0.1' } : { path: address });
  return new Promise(resolve => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

/** What a command prints on either stream. */
export function output(command: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return `${stdout ?? ''}${stderr ?? ''}`;
}
