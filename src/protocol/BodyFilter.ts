import { HTTPHeaders } from '../wire/index.js';
import { IncomingBody, type BodyOwner, type BodySink, type Validity } from './IncomingBody.js';

/**
 * A body that is made of another one piece by piece, such as its decoded form. The other is read only as far as this one
 * is: what is held, dropped or never claimed here is so there, and the connection behaves as if there were no filter.
 *
 * ```
 *   source ──a──b──c|      its sink is the filter
 *   body   ──A─A─B─C|      its owner is the filter
 * ```
 */
export abstract class BodyFilter implements BodySink, BodyOwner {
  readonly takesWhole: boolean = false;
  /** What comes out. */
  readonly body: IncomingBody;
  #claimed = false;

  constructor(
    protected readonly source: IncomingBody,
    /** The number of bytes that come out, if that is known. */
    length: number | null,
  ) {
    this.body = new IncomingBody(this, 0, length, source.headers);
  }

  /**
   * A piece of the source. Returns false to be given no more until it calls `source.more`; a filter that passes bytes on
   * in the same call returns `body.hungry`.
   */
  abstract chunk(bytes: Uint8Array, start: number, end: number, valid: Validity): boolean;

  end(): void {
    this.body.end(HTTPHeaders.empty);
  }

  fail(error: unknown): void {
    this.body.fail(error);
  }

  /** The consumer is there, or wants more. */
  wanted(): void {
    if (this.#claimed) this.source.more();
    else {
      this.#claimed = true;
      this.source.claim(this);
    }
  }

  dropped(working: boolean): void {
    this.source.drop(this, working);
  }

  ownBuffer(): void {
    this.source.ownBuffer();
  }

  /** Gives the source up, and then tells the consumer why: a failure's order is that of every other. */
  protected giveUp(error: unknown): void {
    this.source.drop(this);
    this.body.fail(error);
  }
}
