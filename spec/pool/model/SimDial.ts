import type { Subscriber } from 'rxjs';
import type { Transport } from '../../../src/endpoint/index.js';
import type { SimGet } from './SimGet.js';
import type { SimRequest } from './SimRequest.js';
import type { World } from './World.js';

/** One subscription to the endpoint of a get. */
export class SimDial {
  state: 'connecting' | 'emitting' | 'connected' | 'failed' | 'aborted' = 'connecting';
  /** The factory was asked for a connection. */
  made = false;
  subscribing = true;
  /** The waiting get that counts on it. Null: it is free. */
  holder: SimGet | null;
  /** Its holder has left unserved, and nobody has been seen to take it over. */
  orphaned = false;

  /** It may be another get that has adopted it. */
  guessed = false;

  constructor(
    readonly world: World,
    /** The get that it was begun for. */
    readonly get: SimGet,
    readonly subscriber: Subscriber<Transport>,
    /** The request that it is made again for. */
    readonly claim: SimRequest | null,
  ) {
    this.holder = claim === null ? get : null;
  }

  get key(): number {
    return this.get.key;
  }

  /** It takes long: most of the time something else goes on first. */
  get hangs(): boolean {
    return (this.get.traits >>> 28) % 3 === 2;
  }

  get open(): boolean {
    return this.state === 'connecting' || this.state === 'emitting';
  }
}
