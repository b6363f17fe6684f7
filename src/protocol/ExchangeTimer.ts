import {
  AbortedError,
  BodyTimeoutError,
  BodyUnclaimedError,
  HeadersTimeoutError,
  UploadTimeoutError,
  type HTTPClientError,
} from '../errors/index.js';
import { Deadline, type DeadlineSweep } from '../timing/index.js';
import type { ExchangeTimeouts } from './ProtocolRequest.js';

/** Time for the rest of a body after its consumer has unsubscribed, in ms. */
const drainTimeout = 1_000;

/** What the connection waits for at present. */
export type Wait = 'headers' | 'bodyIdle' | 'upload' | 'unclaimed' | 'drain';

const noCallback = (): undefined => undefined;

export interface TimerOwner {
  /** What the connection waited for did not come in time. */
  expired(error: HTTPClientError): void;
}

/**
 * The one deadline of a connection. It measures one wait at a time.
 *
 * ```
 *   headers      ^─────x                 x = the head came
 *   bodyIdle           ^──d──d──held     d = bytes came: the wait starts again
 *   held                       (no deadline runs while the consumer holds the body)
 * ```
 */
export class ExchangeTimer extends Deadline {
  #waitingFor: Wait = 'headers';
  #timeouts: Required<ExchangeTimeouts> | null = null;

  constructor(
    deadlines: DeadlineSweep,
    private readonly owner: TimerOwner,
  ) {
    super(deadlines, noCallback);
  }

  get waitingFor(): Wait {
    return this.#waitingFor;
  }

  /** A new exchange begins. Its deadlines start later. */
  reset(timeouts: Required<ExchangeTimeouts>): void {
    this.#waitingFor = 'headers';
    this.#timeouts = timeouts;
  }

  /** Waits for the response head, from the time `now` on. */
  waitForHeaders(now: number): void {
    this.#waitingFor = 'headers';
    this.startAt(now + this.#timeouts!.headers);
  }

  wait(what: Exclude<Wait, 'headers'>): void {
    this.#waitingFor = what;
    this.start(this.#duration(what));
  }

  /** The consumer holds the body back: its silence is no fault of the server. */
  hold(): void {
    this.#waitingFor = 'unclaimed';
    this.clear();
  }

  protected override expired(): void {
    this.owner.expired(this.#error());
  }

  #duration(what: Wait): number {
    const { headers, bodyIdle, bodyUnclaimed } = this.#timeouts!;
    switch (what) {
      case 'headers':
        return headers;
      case 'unclaimed':
        return bodyUnclaimed;
      case 'drain':
        return drainTimeout;
      default:
        return bodyIdle;
    }
  }

  #error(): HTTPClientError {
    const duration = this.#duration(this.#waitingFor);
    switch (this.#waitingFor) {
      case 'headers':
        return new HeadersTimeoutError(duration);
      case 'upload':
        return new UploadTimeoutError(duration);
      case 'bodyIdle':
        return new BodyTimeoutError(duration);
      case 'unclaimed':
        return new BodyUnclaimedError(duration);
      case 'drain':
        return new AbortedError('The rest of an unwanted body did not come in time');
    }
  }
}
