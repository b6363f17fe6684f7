import { loopTurn } from '../timing/index.js';
import type { KeyPlace } from './Bucket.js';

/** Connections that wait for the event loop to poll for I/O. All that begin to wait in one turn share one callback. */
export class Polls {
  #turn = -1;
  /** The connections of each turn that is not over, oldest first. */
  readonly #batches: KeyPlace[][] = [];

  constructor(private readonly polled: (places: readonly KeyPlace[]) => void) {}

  add(place: KeyPlace): void {
    if (this.#turn === loopTurn.turn) {
      this.#batches.at(-1)!.push(place);
      return;
    }
    this.#turn = loopTurn.turn;
    this.#batches.push([place]);
    loopTurn.after(this.#end);
  }

  readonly #end = (): void => this.polled(this.#batches.shift()!);
}
