import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { Script } from 'node:vm';
import { PluginKind, declareClassPlugin } from '@stryker-mutator/api/plugin';
import { DryRunStatus, MutantRunStatus, TestStatus, toMutantRunResult } from '@stryker-mutator/api/test-runner';
import { addEventHandler, getState, resetState, run } from 'jest-circus';

const usualFile = 'spec/mutation/usual.json';
const strays = ['uncaughtException', 'unhandledRejection'];

/** What one mutant leaves behind in the modules must not fail the next; wire/ keeps nothing between two specs. */
const stateful = process.env.MUTATION_ROOM !== 'wire';

/** Specs that take the time, or much of it: code that counts its own steps is many times as slow. */
const timed = /linear|flood/;

/**
 * Runs the specs of a room with the runner that is inside Jest, in this process. Jest itself takes seconds to start anew
 * for every mutant, which is most of 4 000 mutants' time; this takes a few ms.
 */
class CircusRunner {
  #file = resolve('spec/mutation/room.cjs');
  #script = new Script(
    `(function (require, module, exports, __dirname, __filename) {${readFileSync(this.#file, 'utf8')}\n})`,
    { filename: this.#file },
  );
  /** Shared with the mutated code, which asks it for the active mutant at every place that has one. */
  #context = (globalThis.__stryker__ ??= {});
  #mutant = undefined;
  #asked = 0;
  /** How often each spec asks, in the run without a mutant: ten times that is a loop without an end. */
  #usual = undefined;
  #most = Infinity;
  #endless = false;
  #failed = false;
  /** The specs as the modules have declared them; undefined: the modules have to be loaded first. */
  #specs = undefined;

  constructor() {
    Object.defineProperty(this.#context, 'activeMutant', {
      get: () => {
        if (++this.#asked > this.#most) {
          this.#endless = true;
          throw new Error('A loop without an end');
        }
        return this.#mutant;
      },
    });
    // Between two mutants: what a timer of an earlier one throws must not end the process.
    for (const name of strays) process.on(name, () => undefined);
    addEventHandler(({ name, test }) => {
      if (name === 'test_fn_failure' || name === 'hook_failure') this.#failed = true;
      if (name === 'test_start') this.#begin(test);
      if (name === 'test_done') this.#done(test);
    });
  }

  capabilities() {
    return { reloadEnvironment: true };
  }

  async dryRun() {
    this.#usual = {};
    const tests = await this.#run(() => true);
    // For the workers to come as well.
    writeFileSync(usualFile, JSON.stringify(this.#usual));
    return { status: DryRunStatus.Complete, tests, mutantCoverage: this.#context.mutantCoverage };
  }

  async mutantRun({ activeMutant, testFilter, disableBail, reloadEnvironment }) {
    this.#usual ??= JSON.parse(readFileSync(usualFile, 'utf8'));
    this.#mutant = activeMutant.id;
    if (reloadEnvironment) this.#specs = undefined;
    const wanted = testFilter && new Set(testFilter);
    const tests = await this.#run(name => wanted?.has(name) ?? true);
    if (reloadEnvironment || (stateful && this.#failed)) this.#specs = undefined;
    if (this.#endless) return { status: MutantRunStatus.Timeout, reason: 'A loop without an end' };
    return toMutantRunResult({ status: DryRunStatus.Complete, tests }, disableBail);
  }

  #begin(test) {
    const id = nameOf(test);
    this.#context.currentTestId = id;
    this.#asked = 0;
    this.#most = this.#mutant === undefined ? Infinity : 10 * (this.#usual[id] ?? 0) + 10_000;
    // One spec that fails is enough.
    if (this.#failed) test.mode = 'skip';
  }

  #done(test) {
    this.#context.currentTestId = undefined;
    this.#most = Infinity;
    if (this.#mutant === undefined) this.#usual[nameOf(test)] = this.#asked;
    if (this.#endless) this.#failed = true;
  }

  async #run(wanted) {
    this.#failed = this.#endless = false;
    const results = [];
    const fail = (id, error) => {
      this.#failed = true;
      results.push({ id, name: id, timeSpentMs: 0, status: TestStatus.Failed, failureMessage: String(error) });
    };
    const listeners = strays.map(name => process.rawListeners(name));
    const stray = error => fail('a stray error', error);
    for (const name of strays) process.removeAllListeners(name).on(name, stray);
    try {
      this.#specs ??= this.#load();
      resetState();
      // A machine that is busy must not fail the run without a mutant.
      if (this.#mutant === undefined) getState().testTimeout = 60_000;
      copy(this.#specs, getState().rootDescribeBlock, wanted);
      const { testResults } = await run();
      // What was thrown into the void comes with the next turn.
      await new Promise(done => setTimeout(done, 1));
      results.unshift(...testResults.map(toResult));
    } catch (error) {
      fail('the modules are loaded', error);
    } finally {
      strays.forEach((name, i) => {
        process.removeAllListeners(name);
        for (const listener of listeners[i]) process.on(name, listener);
      });
    }
    return results;
  }

  #load() {
    this.#asked = 0;
    this.#most = 1e7; // more than any room asks while it is loaded
    resetState();
    const module = { exports: {} };
    const load = this.#script.runInThisContext();
    load(createRequire(this.#file), module, module.exports, dirname(this.#file), this.#file);
    return getState().rootDescribeBlock;
  }
}

/** The names from the root down, which no two specs share. */
function nameOf({ name, parent }) {
  return parent ? `${nameOf(parent)} > ${name}` : '';
}

/** Copies the specs that are wanted, and the blocks that hold one: a run leaves its marks on them. */
function copy(from, to, wanted) {
  to.hooks.push(...from.hooks.map(hook => ({ ...hook, parent: to })));
  for (const child of from.children) {
    if (child.type === 'test') {
      if (!timed.test(child.name) && wanted(nameOf(child)))
        to.children.push({ ...child, parent: to, errors: [], retryReasons: [] });
      continue;
    }
    const block = { ...child, parent: to, children: [], hooks: [], tests: [] };
    copy(child, block, wanted);
    if (block.children.length > 0) to.children.push(block);
  }
}

function toResult({ testPath, status, duration, errors }) {
  const id = ['', ...testPath.slice(1)].join(' > ');
  const result = { id, name: id, timeSpentMs: duration ?? 0 };
  if (errors.length > 0)
    return { ...result, status: TestStatus.Failed, failureMessage: errors.join('\n').slice(0, 500) };
  return { ...result, status: status === 'done' ? TestStatus.Success : TestStatus.Skipped };
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'circus', CircusRunner)];
