/** Numbers drawn from a seed (mulberry32): the same in every process and on every version of Node. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The generator of request number `id` of a run: neighbours have nothing in common. */
  static of(seed: number, id: number): Random {
    return new Random(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(id + 1, 0xc2b2ae35));
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer, both ends included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** Like `int`, but every order of magnitude is as likely as the next: many small ones, some large. */
  spread(from: number, to: number): number {
    return Math.floor(Math.exp(Math.log(from + 1) + this.next() * Math.log((to + 1) / (from + 1)))) - 1;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)];
  }

  /** One of the values, each as likely as the weight beside it says. */
  weighted<T>(table: readonly (readonly [number, T])[]): T {
    let at = this.next() * table.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of table) if ((at -= weight) < 0) return value;
    return table[table.length - 1][1];
  }
}
