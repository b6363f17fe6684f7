import type { Subscriber } from 'rxjs';
import type { Transport } from '../../../src/endpoint/index.js';
import { coverage, firstUncovered } from './coverage.js';
import { SimConnection } from './SimConnection.js';
import { SimDial } from './SimDial.js';
import { SimTransport } from './SimExchange.js';
import type { SimGet } from './SimGet.js';
import type { SimRequest } from './SimRequest.js';
import { keyNames, type World } from './World.js';

/** The endpoints, and who counts on what is dialled there. */
export class Dials {
  readonly all: SimDial[] = [];
  /** Keys of which a get has left unserved in this step. */
  readonly leftUnserved = new Set<number>();

  constructor(private readonly world: World) {}

  /** The pool subscribes to the endpoint of a get. */
  begun(get: SimGet, subscriber: Subscriber<Transport>): (() => void) | undefined {
    const { world } = this;
    const { callbacks, connections } = world;
    const { key } = get;
    const claim = world.failing;
    world.failing = null;
    const dial = new SimDial(world, get, subscriber, claim);
    this.all.push(dial);
    world.log(`dial for get ${get.id} of ${keyNames[key]}${claim === null ? '' : ' (retry)'}`);
    if (world.closing) world.fail('a closing pool dials');
    if (claim !== null) this.#begunAgain(claim, dial);
    else this.#checkNeed(dial);
    for (const connection of connections.all) {
      if (connection.needsTransportClose && connection.key !== key) world.races.saw('slow destroy | other key asks');
    }
    const how = (get.plan >> 12) % 16;
    let disturbed = false;
    try {
      disturbed = callbacks.run('dial', key, true);
    } catch (error) {
      this.#over(dial, 'failed');
      world.counts.connectFailures++;
      throw error;
    }
    if (how >= 14 && !disturbed) this.emit(dial);
    else if (how === 13 && !disturbed) this.fail(dial, false);
    // A teardown that runs before `subscribe` returns is run by RxJS, and what it throws comes out there.
    const subscribed = dial.state === 'connecting' && !subscriber.closed;
    dial.subscribing = false;
    return () => {
      if (dial.state === 'failed' || dial.state === 'aborted') return;
      if (dial.open) this.#aborted(dial);
      if (subscribed) callbacks.run('abortDial', key, false);
    };
  }

  /** A dial is begun for the oldest get that nothing is on the way to, and not beside one that nobody counts on. */
  #checkNeed(dial: SimDial): void {
    const { world } = this;
    const { get, key } = dial;
    if (get.state !== 'waiting' && !get.leaving) world.fail(`a dial for get ${get.id}, which is ${get.state}`);
    if (connectionToTake(world, key) !== undefined) world.fail(`get ${get.id} dials beside an idle connection`);
    if (world.callbacks.blurred > 0) return;
    const covers = coverage(world, key, dial);
    const cover = covers.get(get);
    if (cover == null) {
      const isKnown = !this.all.some(({ open, guessed, key: its }) => open && guessed && its === key);
      if (isKnown && firstUncovered(covers) !== get)
        world.fail(`a dial is begun for get ${get.id}, and older gets have none`);
    } else if (!(cover instanceof SimDial)) world.fail(`a dial is begun for get ${get.id} beside a seat that it gets`);
    else if (cover.get === get) world.fail(`a dial is begun for get ${get.id}, which has one`);
    else if (this.#isFree(cover, get, dial)) world.fail(`a dial is begun for get ${get.id} beside a free dial`);
  }

  /** Who has adopted a dial is not told. It is free if none of the others can have it either. */
  #isFree(free: SimDial, get: SimGet, begun: SimDial): boolean {
    const { holder } = free;
    const others = this.world.gets.waiting[begun.key].filter(other => other !== get);
    free.holder = null;
    const taken = [...coverage(this.world, begun.key, begun, others)].find(([, cover]) => cover === free)?.[0];
    free.holder = taken ?? holder;
    return taken === undefined;
  }

  #begunAgain(request: SimRequest, dial: SimDial): void {
    const { world } = this;
    world.counts.retries++;
    world.tally.command('retry');
    request.redials++;
    const { first, lease } = request;
    if (first === null || !first.again) world.fail('a request is retried that may not be');
    if (request.redials > 1) world.fail('a request is retried twice');
    if (dial.get !== lease.get) world.fail('a retry dials through the endpoint of somebody else');
    if (first?.connection.redialled) world.fail('two requests are retried in one place');
    if (first !== null) first.connection.redialled = true;
  }

  #aborted(dial: SimDial): void {
    const { world } = this;
    const { holder, key } = dial;
    world.log(`dial of get ${dial.get.id} is aborted`);
    // Of several dials of one use it is not told who counts on which: the get that left had this one.
    const hasLeft = dial.orphaned || (holder !== null && world.gets.hasFailed(holder));
    const orphan = hasLeft ? undefined : this.all.find(other => other.orphaned && other.key === key);
    if (orphan !== undefined) {
      orphan.holder = holder;
      orphan.orphaned = false;
    }
    this.#over(dial, 'aborted');
    if (dial.claim !== null || world.closing || world.callbacks.depth > 0) return;
    const { gets } = world;
    const waits = gets.waiting[key].filter(get => get !== holder && !gets.hasFailed(get));
    const left = this.leftUnserved.has(key) || gets.waiting[key].some(get => gets.hasFailed(get));
    if (!left) world.fail(`the dial of get ${dial.get.id} is aborted, and no get has left`);
    const heir = firstUncovered(coverage(world, key, dial, waits));
    if (heir !== null) world.fail(`a dial is aborted that get ${heir.id} could have`);
  }

  #over(dial: SimDial, state: 'failed' | 'aborted' | 'connected'): void {
    dial.state = state;
    dial.holder = null;
    dial.orphaned = false;
    if (state === 'failed' && dial.claim === null) dial.get.doomed = true;
  }

  /** A get waits no more: its dial is free, or, if it leaves unserved, somebody else's. */
  freedBy(get: SimGet): void {
    if (get.state !== 'served') this.leftUnserved.add(get.key);
    for (const dial of this.all) {
      // It may have passed on to this get, which was served before we knew.
      if (dial.orphaned && dial.key === get.key && get.state === 'served') dial.guessed = true;
      if (dial.holder !== get) continue;
      dial.holder = null;
      dial.orphaned = get.state !== 'served';
    }
  }

  /** At rest: free dials are adopted, and so are those of gets that left unserved, unless they were aborted. */
  atRest(key: number): void {
    const { world } = this;
    const covers = coverage(world, key);
    // With a seat on the way as well, two gets may have had it the other way round.
    const isGuess = [...covers.values()].some(cover => cover instanceof SimConnection);
    const adopted = (dial: SimDial, get: SimGet): void => {
      world.tally.sight(dial.orphaned ? 'a dial passes on' : 'a free dial is adopted');
      dial.holder = get;
      dial.orphaned = false;
      dial.guessed = isGuess;
    };
    for (const [get, cover] of covers) if (cover instanceof SimDial && cover.holder !== get) adopted(cover, get);
    for (const dial of this.all) {
      if (dial.key !== key || !dial.open || !dial.orphaned) continue;
      // A get that had no other hope when the dial came free may have a better one by now.
      const heir = [...covers.keys()].find(get => !this.all.some(({ open, holder }) => open && holder === get));
      if (heir !== undefined) adopted(dial, heir);
      else if (dial.guessed) dial.orphaned = false;
      else world.fail(`the dial of get ${dial.get.id} goes on, and nobody can use it`);
    }
  }

  hasFailed(get: SimGet): boolean {
    return this.all.some(
      dial => dial.get === get && dial.claim === null && (dial.state === 'failed' || dial.state === 'connected'),
    );
  }

  emit(dial: SimDial): void {
    if (dial.state !== 'connecting') return;
    const { races, log } = this.world;
    const { get } = dial;
    log.call(this.world, `dial of get ${get.id} emits`);
    races.emitted.add(get);
    races.delivered(dial.key);
    if (races.cancelled.has(get)) races.saw('cancel | its dial completes');
    dial.state = 'emitting';
    dial.subscriber.next(new SimTransport(dial).asTransport());
    dial.subscriber.complete();
  }

  fail(dial: SimDial, empty: boolean): void {
    if (dial.state !== 'connecting') return;
    const { world } = this;
    world.log(`dial of get ${dial.get.id} ${empty ? 'completes empty' : 'fails'}`);
    const { holder } = dial;
    if (world.gets.waiting[dial.key].length > 2 && dial.claim === null) world.races.saw('dial fails | others wait');
    if (holder !== null && holder !== dial.get) world.tally.sight('an adopted dial fails');
    this.#over(dial, 'failed');
    world.counts.connectFailures++;
    if (world.callbacks.depth > 0) world.counts.failedInside++;
    if (empty) dial.subscriber.complete();
    else dial.subscriber.error(new world.errors.ConnectError('refused'));
  }

  transportDestroyed(dial: SimDial): void {
    if (dial.state !== 'emitting') return;
    this.#over(dial, 'failed');
    if (!dial.made) return; // it came too late
    this.world.counts.connectFailures++;
  }

  makeConnection(dial: SimDial): SimConnection {
    const { world } = this;
    const { capacity } = world.settings;
    const { plan, traits } = dial.get;
    dial.made = true;
    world.callbacks.run('factory', dial.key, true);
    // Some servers say at once that they take fewer at a time. One that never takes any is dialled without an end.
    const says = capacity > 1 && (traits >>> 20) % 8 === 7 && !dial.get.wasPutOff;
    const fewer = says ? (traits >>> 24) % capacity : capacity;
    dial.get.wasPutOff ||= says;
    const connection = new SimConnection(world, world.nextId(), dial, (plan >> 16) % 4 === 3, fewer);
    if ((plan >> 18) % 16 === 15) connection.die();
    return connection;
  }

  connected(dial: SimDial): void {
    this.#over(dial, 'connected');
  }

  sweep(): void {
    if (this.all.length <= 12) return;
    for (let i = this.all.length - 1; i >= 0; i--) {
      if (!this.all[i].open && this.all[i].get.state !== 'waiting') this.all.splice(i, 1);
    }
  }
}

/** An idle connection that takes requests. */
export function connectionToTake(world: World, key: number): SimConnection | undefined {
  return world.connections.idle[key].filter(({ capacity }) => capacity > 0).at(-1);
}
