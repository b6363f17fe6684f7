import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { concatMap, firstValueFrom, lastValueFrom, range, toArray } from 'rxjs';
import { Agent, discard } from 'rxjs-http-pool';
import { Call, monotonic, type CallHost } from './Call.js';
import { base64 } from './Ledger.js';
import type { Alive, EpochReport, Finding, Outcome } from './messages.js';
import { Random } from './Random.js';
import { attemptsPerCall, drawBait, drawScenario, isIdempotent, type Answer, type Scenario } from './scenario.js';
import { openSources } from './upload.js';
import { WatchedAgent } from './WatchedAgent.js';

// client OPTIONS: the callers of the soak, in a process of their own. The run is made of epochs: after each everything
// must be as it was before.

export interface ClientOptions {
  readonly seed: number;
  readonly ports: readonly number[];
  readonly requests: number;
  readonly seconds: number;
  readonly epoch: number;
  /** One scenario instead, so many times. */
  readonly only?: Scenario;
}

const options = JSON.parse(process.argv[2]) as ClientOptions;
const { seed, ports } = options;
const keys = ports.map(String);
const startedAt = monotonic();
/** Requests of the epochs that are over. */
let made = 0;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

function found(invariant: string, detail: string): void {
  process.send!({ type: 'finding', invariant, detail } satisfies Finding);
}

process.on('unhandledRejection', error => found('unhandled', `rejection: ${String((error as Error)?.stack ?? error)}`));
process.on('uncaughtException', error => found('unhandled', `exception: ${error.stack}`));
process.on('warning', warning => found('unhandled', `warning: ${warning.stack}`));
/** So many calls, with everything around them, from nothing to nothing. */
class Epoch implements CallHost {
  readonly ports = ports;
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;
  readonly #random: Random;
  readonly #active = new Set<Call>();
  #houses: WatchedAgent[] = [];
  readonly #closing: Promise<void>[] = [];
  readonly #first: number;
  #next: number;
  readonly #outcomes: Uint8Array;
  readonly #idempotent: Uint8Array;
  readonly #raced: EpochReport['raced'][number][] = [];
  readonly #counts = new Map<string, number>();
  /** How many are to be under way. */
  #target = 100;
  #lull = false;
  #ticks = 0;
  /** The requests that the end of a lull waits for. */
  readonly #baits = new Set<Call>();
  #done: () => void = () => undefined;

  constructor(
    first: number,
    private readonly requests: number,
  ) {
    this.#first = this.#next = first;
    this.#random = Random.of(seed ^ 0x5eed, first);
    this.#outcomes = new Uint8Array(requests * attemptsPerCall);
    this.#idempotent = new Uint8Array(requests * attemptsPerCall);
  }

  async run(): Promise<void> {
    const began = monotonic();
    const resources = process.getActiveResourcesInfo().sort().join(' ');
    for (let i = 0; i < 3; i++) this.#open();
    await new Promise<void>(resolve => {
      this.#done = resolve;
      this.#change();
      this.#tick();
    });
    await this.#chain();
    await this.#released();
    for (const house of this.#houses.splice(0)) this.#close(house);
    await Promise.all(this.#closing);
    await this.#quiet(resources);
    process.send!(this.#report((monotonic() - began) / 1_000, await heap()));
  }

  // ---- the pace of it ----

  /** Tops up what is under way. It runs in the timers phase: the loop polls before anything that it starts goes out. */
  #tick(): void {
    const budget = this.#lull ? 5 : this.#target;
    while (this.#active.size < budget && this.#more()) this.#begin(true);
    for (const house of this.#houses) house.look(keys);
    if (++this.#ticks % 50 === 0) this.#watch();
    if (!this.#more() && this.#active.size === 0) this.#done();
    else setTimeout(() => this.#tick(), 2);
  }

  /** Another number of callers, every now and then. Before it there is a lull, at whose end the loop stands still. */
  #change(): void {
    const random = this.#random;
    if (!this.#more()) return;
    if (this.#lull) {
      this.#lull = false;
      // What idle connections are told meanwhile lies there when the next requests are made, all in one turn.
      const until = monotonic() + random.int(5, 25);
      while (monotonic() < until);
      this.#target = random.pick([50, 100, 150, 250, 350, 500]);
      while (this.#active.size < this.#target && this.#more()) this.#begin(true);
      setTimeout(() => this.#change(), random.int(100, 500));
    } else {
      this.#lull = true;
      for (let i = 0; i < baits && this.#more(); i++) this.#begin(true, drawBait);
    }
  }

  #more(): boolean {
    return this.#next < this.#first + this.requests;
  }

  #begin(inTimer: boolean, draw = drawScenario): void {
    const id = this.#next++;
    const scenario = options.only === undefined ? draw(seed, id) : { ...options.only, id };
    const house = this.#random.pick(this.#houses);
    if (--house.budget <= 0) {
      this.#houses = this.#houses.filter(other => other !== house);
      this.#open();
      this.#close(house);
    }
    const at = (id - this.#first) * attemptsPerCall;
    this.#idempotent.fill(isIdempotent(scenario.client) ? 1 : 0, at, at + attemptsPerCall);
    const call = new Call(scenario, house, this);
    this.#active.add(call);
    if (draw === drawBait) this.#baits.add(call);
    call.start(inTimer);
  }

  settled(call: Call): void {
    this.#active.delete(call);
    if (this.#baits.delete(call) && this.#baits.size === 0) setTimeout(() => this.#change());
    if (call.scenario.client.chained === true && !this.#lull && this.#more()) this.#begin(false);
  }

  /** Names the calls that hang. */
  #watch(): void {
    const now = monotonic();
    for (const call of this.#active) {
      if (now - call.began <= call.limit) continue;
      found('hung', `after ${Math.round(now - call.began)} ms\n  ${call.story}`);
      call.give();
    }
  }

  // ---- agents come and go ----

  #open(): void {
    this.#houses.push(new WatchedAgent(this.#random, found));
  }

  #close(house: WatchedAgent): void {
    const { agent } = house;
    house.closing = true;
    const gracePeriod = this.#random.pick([0, 0, 20, 200, 1_000]);
    const closed = firstValueFrom(agent.close({ gracePeriod }));
    // Not bounded by a race: a late end is told as such, an end that never comes by the one who waits for this process.
    const late = setTimeout(() => {
      found('close', `not closed ${gracePeriod + 10_000} ms after close: ${JSON.stringify(agent.pool.stats())}`);
      expired();
    }, gracePeriod + 10_000);
    let expired: () => void = () => undefined;
    const expiry = new Promise<void>(resolve => (expired = resolve));
    const done = closed.then(() => {
      clearTimeout(late);
      house.look(keys);
      const { open, pending } = agent.pool.stats();
      if (open + pending > 0) found('close', `closed, but ${open} are open and ${pending} wait`);
    });
    for (const [reason, count] of house.reasons) this.count(`evicted: ${reason}`, count);
    this.#closing.push(Promise.race([done, expiry]));
  }

  /** A chain of requests, each begun by the end of the last, needs one connection. */
  async #chain(): Promise<void> {
    const agent = new Agent({ pool: { maxConnectionsPerHost: 8 } });
    const answer: Answer = { status: 200, framing: 'chunked', kind: 'bytes', size: 300, writes: 1, gap: 0, delay: 0 };
    const first = (this.#first + this.requests) * attemptsPerCall;
    const ends$ = range(first, links).pipe(
      concatMap(id => {
        const headers = { 'X-Id': String(id), 'X-Script': JSON.stringify([answer, answer]) };
        return agent.get(`http://127.0.0.1:${ports[0]}/${id}`, { headers }).pipe(discard());
      }),
      toArray(),
    );
    try {
      const ends = await lastValueFrom(ends$);
      const { opened } = agent.pool.stats();
      if (ends.length !== links || opened !== 1) found('chain', `${ends.length} requests over ${opened} connections`);
    } catch (error) {
      found('chain', String(error));
    }
    await lastValueFrom(agent.close());
  }

  // ---- what must hold when all of it is over ----

  /** Nobody waits for anything: within the deadlines of what was left unread, every connection is free or gone. */
  async #released(): Promise<void> {
    const held = (): number => this.#houses.reduce((sum, { agent }) => sum + agent.pool.stats().leased, 0);
    const began = monotonic();
    const free = async (limit: number): Promise<void> => {
      while (held() > 0 && monotonic() - began < limit) await sleep(20);
    };
    await free(5_000);
    if (held() === 0) return;
    const story = this.#houses.map(house => house.held(keys)).join('');
    await free(60_000);
    const end = held() > 0 ? 'for good' : `for ${Math.round(monotonic() - began)} ms`;
    found('leftovers', `connections are leased ${end} after all calls have ended${story}`);
  }

  async #quiet(before: string): Promise<void> {
    const left = (): string[] => {
      const resources = process.getActiveResourcesInfo().sort().join(' ');
      const listeners = getEventListeners(this.signal, 'abort').length;
      return [
        ...(resources === before ? [] : [`resources: ${resources}; before: ${before}`]),
        ...(listeners === 0 ? [] : [`${listeners} listeners on a signal`]),
        ...(openSources.count === 0 ? [] : [`${openSources.count} sources of uploads are open`]),
      ];
    };
    for (let waited = 0; left().length > 0 && waited < 10_000; waited += 20) {
      // This very wait is a timer: it is looked at when that has gone off.
      await sleep(20);
      await new Promise(resolve => setImmediate(resolve));
    }
    for (const what of left()) found('leftovers', what);
    openSources.count = 0;
  }

  #report(seconds: number, used: number): EpochReport {
    made += this.requests;
    const over = made >= options.requests || (monotonic() - startedAt) / 1_000 >= options.seconds;
    return {
      type: 'epoch',
      next: (this.#next + links) * attemptsPerCall,
      requests: this.requests,
      outcomes: base64(this.#outcomes),
      idempotent: base64(this.#idempotent),
      raced: this.#raced,
      counts: Object.fromEntries(this.#counts),
      heap: used,
      seconds,
      last: over,
    };
  }

  found(invariant: string, detail: string): void {
    found(invariant, detail);
  }

  outcome(attempt: number, outcome: Outcome): void {
    this.#outcomes[attempt - this.#first * attemptsPerCall] = outcome;
  }

  raced(unasked: number, attempt: number, since: number | null): void {
    this.#raced.push({ unasked, attempt, since });
  }

  count(what: string, by = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by);
  }
}

/** The requests whose connections speak while the loop stands still. */
const baits = 8;
/** The requests of the chain at the end of an epoch. */
const links = 20;

async function heap(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await sleep(5);
    collect();
  }
  return process.memoryUsage().heapUsed;
}

async function main(): Promise<void> {
  setInterval(() => process.send!({ type: 'alive' } satisfies Alive), 5_000).unref();
  const goOn = (): Promise<unknown> => new Promise(resolve => process.once('message', resolve));
  for (let first = 0, over = false; !over; first += options.epoch + links) {
    await new Epoch(first, options.epoch).run();
    over = (await goOn()) === 'stop';
  }
  process.disconnect();
}

// Whoever started it has gone, or lets it go.
process.on('disconnect', () => process.exit());
void main();
