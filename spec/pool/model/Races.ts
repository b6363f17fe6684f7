import type { SimConnection } from './SimConnection.js';
import type { SimGet } from './SimGet.js';
import type { Race } from './Tally.js';
import type { World } from './World.js';

/** What happens in one step, or at one instant of the virtual clock: the rows of the race matrix are made of two of these. */
export class Races {
  readonly cancelled = new Set<SimGet>();
  readonly emitted = new Set<SimGet>();
  readonly cancelledKeys = new Set<number>();
  readonly returnedKeys = new Set<number>();
  readonly timedOutKeys = new Set<number>();
  readonly deliveredKeys = new Set<number>();
  #instant = -1;
  readonly #askedNow = new Set<number>();
  readonly #expiredNow = new Set<number>();

  constructor(private readonly world: World) {}

  beginStep(): void {
    this.cancelled.clear();
    this.emitted.clear();
    this.cancelledKeys.clear();
    this.returnedKeys.clear();
    this.timedOutKeys.clear();
    this.deliveredKeys.clear();
  }

  asked(key: number): void {
    this.#atThisInstant();
    this.#askedNow.add(key);
    if (this.#expiredNow.has(key)) this.saw('idle timer | take');
  }

  expired(key: number): void {
    this.#atThisInstant();
    this.#expiredNow.add(key);
    if (this.#askedNow.has(key)) this.saw('idle timer | take');
  }

  delivered(key: number): void {
    this.deliveredKeys.add(key);
    if (this.timedOutKeys.has(key)) this.saw('time-out | delivery');
  }

  timedOut(key: number): void {
    this.timedOutKeys.add(key);
    if (this.deliveredKeys.has(key)) this.saw('time-out | delivery');
  }

  left(get: SimGet): void {
    const { dials, gets } = this.world;
    this.cancelled.add(get);
    this.cancelledKeys.add(get.key);
    if (this.emitted.has(get)) this.saw('cancel | its dial completes');
    const others = gets.waiting[get.key].length;
    if (others > 0 && dials.all.some(dial => dial.get === get && dial.open)) this.saw('cancel | it dialled for others');
    if (others === 0 && this.returnedKeys.has(get.key)) this.saw('return | no live waiter');
  }

  returns({ key, bornAt }: SimConnection): void {
    const { clock, closing, gets, settings } = this.world;
    this.returnedKeys.add(key);
    if (closing) this.saw('return | closing');
    if (clock.now() >= bornAt + settings.pool.maxConnectionAge) this.saw('return | too old');
    if (gets.waiting[key].length === 0 && this.cancelledKeys.has(key)) this.saw('return | no live waiter');
  }

  saw(race: Race): void {
    this.world.tally.race(race);
  }

  #atThisInstant(): void {
    const now = this.world.clock.now();
    if (this.#instant === now) return;
    this.#instant = now;
    this.#askedNow.clear();
    this.#expiredNow.clear();
  }
}
