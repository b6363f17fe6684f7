import { BodyTooLargeError } from '../errors/index.js';
import { BodyFilter, type IncomingBody, type Validity } from '../protocol/index.js';

/** A body that fails when it has become longer than it may. Of the piece that goes over nothing is passed on. */
export class LimitedBody extends BodyFilter {
  #taken = 0;

  constructor(
    source: IncomingBody,
    private readonly limit: number,
  ) {
    super(source, null);
  }

  override chunk(bytes: Uint8Array, start: number, end: number, valid: Validity): boolean {
    this.#taken += end - start;
    if (this.#taken > this.limit) {
      this.giveUp(new BodyTooLargeError(this.limit));
      return false;
    }
    this.body.push(bytes, start, end, valid);
    return this.body.hungry;
  }
}
