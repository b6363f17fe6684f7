import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { bundle } from '../support/bundle.js';
import type { SeededBug } from '../support/seedBug.js';
import { until } from './until.js';

export interface ProgramOptions {
  /** Options of node, such as `--expose-gc`. */
  readonly flags?: readonly string[];
  /** With a channel for `process.send`. */
  readonly ipc?: boolean;
  /** The library in it has this bug. */
  readonly bug?: SeededBug;
  /** The node to run it with. Default: this one. */
  readonly node?: string;
}

/** A program, in a process of its own: it shares no event loop, no heap and no open handle with a spec. */
export class Program {
  /** What it printed. */
  output = '';
  errors = '';
  exitCode: number | null | undefined;
  /** When it printed its last line, and when it ended, in ms of `performance.now()`. */
  lastLineAt = 0;
  exitedAt = 0;
  readonly child: ChildProcess;

  /** Starts programs/`name`.ts, or `name`.ts if that is an absolute path, whose `process.argv.slice(2)` are `args`. */
  constructor(
    name: string,
    args: readonly (string | number)[] = [],
    { flags = [], ipc = false, bug, node = process.execPath }: ProgramOptions = {},
  ) {
    const child = spawn(node, [...flags, '-', ...args.map(String)], {
      stdio: ipc ? ['pipe', 'pipe', 'pipe', 'ipc'] : 'pipe',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    this.child = child;
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
      this.lastLineAt = performance.now();
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    child.stdin!.on('error', () => undefined); // it may end before it has read all of itself
    child.once('exit', () => (this.exitedAt = performance.now()));
    child.once('close', code => (this.exitCode = code));
    bundled(name, bug).then(
      text => child.stdin!.end(text),
      (error: unknown) => {
        this.errors += String(error);
        this.stop();
      },
    );
  }

  /** Resolves with its output when it has ended in order. */
  async done(ms = 30_000): Promise<string> {
    await until(() => this.exitCode !== undefined, 'the program to end', ms).catch((error: unknown) => {
      this.stop();
      throw error;
    });
    if (this.exitCode !== 0) throw new Error(`The program ended with ${this.exitCode}:\n${this.output}${this.errors}`);
    return this.output;
  }

  /** What it printed, as JSON. */
  async result<T>(ms?: number): Promise<T> {
    return JSON.parse(await this.done(ms)) as T;
  }

  /** One message that it sent. */
  async message<T>(): Promise<T> {
    const [message] = (await once(this.child, 'message')) as [T];
    return message;
  }

  ask<T>(question: unknown): Promise<T> {
    const answer = this.message<T>();
    this.child.send(question as object);
    return answer;
  }

  stop(): void {
    this.child.kill('SIGKILL');
  }
}

const bundles = new Map<string, Promise<string>>();

/** The program as one script that node reads from its input: no file is left behind. */
function bundled(name: string, bug?: SeededBug): Promise<string> {
  const key = JSON.stringify([name, bug]);
  let text = bundles.get(key);
  if (text === undefined) {
    bundles.set(key, (text = bundle({ file: resolve(__dirname, 'programs', `${name}.ts`) }, { bug })));
  }
  return text;
}
