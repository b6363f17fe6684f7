/** The rows of the race matrix: two things that happen in one step, or at one instant of the virtual clock. */
export const races = [
  'time-out | delivery',
  'cancel | its dial completes',
  'cancel | it dialled for others',
  'dial fails | others wait',
  'return | no live waiter',
  'return | closing',
  'return | over the idle cap',
  'return | too old',
  'release re-enters get',
  'slow destroy | other key asks',
  'idle timer | take',
  'FIN | take',
  'bytes on idle',
] as const;

export type Race = (typeof races)[number];

/** What else a search has to have come by. */
export const sights = [
  'a free dial is adopted',
  'a dial passes on',
  'an adopted dial fails',
  'three seats are taken at once',
  'the capacity falls below the seats taken',
  'an abort leaves neighbours alive',
] as const;

export type Sight = (typeof sights)[number];

/** How often what happened: a search that never reaches a state finds nothing in it. */
export class Tally {
  sequences = 0;
  /** Those whose connections carry several exchanges. */
  shared = 0;
  steps = 0;
  readonly commands = new Map<string, number>();
  readonly races = new Map<string, number>();
  readonly sights = new Map<string, number>();
  readonly hooks = new Map<string, number>();
  readonly throws = new Map<string, number>();

  command(name: string): void {
    this.commands.set(name, (this.commands.get(name) ?? 0) + 1);
  }

  race(name: Race): void {
    this.races.set(name, (this.races.get(name) ?? 0) + 1);
  }

  sight(name: Sight): void {
    this.sights.set(name, (this.sights.get(name) ?? 0) + 1);
  }

  hook(name: string): void {
    this.hooks.set(name, (this.hooks.get(name) ?? 0) + 1);
  }

  thrown(name: string): void {
    this.throws.set(name, (this.throws.get(name) ?? 0) + 1);
  }
}
