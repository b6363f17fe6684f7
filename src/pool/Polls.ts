import { loopTurn } from '../timing/index.js';
import type { KeyPlace } from './Bucket.js';

/** Connections that wait for the event loop to poll for I/O. All that begin to wait in one turn share one callback. */
export class Polls {
  #turn = -1;
  #joining: KeyPlace[] = [];

  constructor(private readonly polled: (places: readonly KeyPlace[]) => void) {}

  add(place: KeyPlace): void {
    if (this.#turn !== loopTurn.turn) {
      const places = (this.#joining = []);
      this.#turn = loopTurn.turn;
      loopTurn.after(() => this.polled(places));
    }
    this.#joining.push(place);
  }
}
