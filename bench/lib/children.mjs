// The processes of a run: a server, and a worker for each client. All live as long as the run.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onCore } from './machine.mjs';

export const home = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(home, 'node_modules');

/** The Node that the clients run on: that of the npm package, or, where there is none for this machine, this one. */
export function clientNode() {
  const name = readdirSync(modules).find(each => /^node-(linux|darwin)-/.test(each));
  return name === undefined ? process.execPath : join(modules, name, 'bin', 'node');
}

/** A child that is told JSON lines and answers each with one. */
export class Child {
  #lines;

  constructor(core, command, args, env = {}) {
    this.process = spawn(...onCore(core, command, args), {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '', ...env },
    });
    this.process.stdin.on('error', () => undefined); // it has gone, which its last line tells
    this.#lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  get pid() {
    return this.process.pid;
  }

  async line() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`A process of the benchmark ended: ${this.process.spawnargs.join(' ')}`);
    return JSON.parse(value);
  }

  ask(question) {
    this.process.stdin.write(`${JSON.stringify(question)}\n`);
    return this.line();
  }

  async stop() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, 'exit');
    this.process.stdin.end();
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 3_000);
    await gone;
    clearTimeout(timer);
  }
}

/** Compiles the server, once a version of it. */
function compiledServer() {
  const folder = join(home, 'build');
  const binary = join(folder, 'server');
  mkdirSync(folder, { recursive: true });
  const source = join(home, 'server', 'server.c');
  const { status, stderr, error } = spawnSync('cc', ['-O2', '-o', binary, source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The server needs a C compiler, cc: ${error?.message ?? stderr}`);
  return binary;
}

/** A server on so many ports. */
export async function startServer(ports = 1) {
  const child = new Child(0, compiledServer(), [String(ports)]);
  const origins = (await child.line()).map(port => `http://127.0.0.1:${port}`);
  return { child, origins };
}

/** A client, in a process of its own. `options` are what its factory gets; `build` is that of the library. */
export async function startWorker(name, options, { flags = [], build, as = name } = {}) {
  const script = join(home, 'worker.mjs');
  const env = build === undefined ? {} : { RXJS_HTTP_POOL_BUILD: build };
  const worker = new Child(1, clientNode(), [...flags, script, name, JSON.stringify(options)], env);
  worker.name = as;
  await worker.line(); // it is ready
  return worker;
}

/** Twisted's client, if its Python is there. */
export async function startTwisted(origin) {
  const python = '/usr/bin/python3';
  if (!existsSync(python) || spawnSync(python, ['-c', 'import twisted']).status !== 0) return undefined;
  const worker = new Child(1, python, [join(home, 'clients', 'twisted_agent.py'), origin]);
  worker.name = 'Twisted Agent';
  await worker.line();
  return worker;
}
