import type { Subscriber, Subscription } from 'rxjs';
import type { HTTPClientError } from '../../../src/errors/index.js';
import type { ProtocolRequest } from '../../../src/protocol/index.js';
import type { SimConnection } from './SimConnection.js';
import type { SimResponse } from './SimExchange.js';
import type { SimLease } from './SimLease.js';
import type { World } from './World.js';

type RequestMode = 'waits' | 'slow' | 'answered' | 'lost' | 'invalid';

/** What becomes of a request on its first connection; a command may decide otherwise. */
const modes: readonly RequestMode[] = [
  'waits',
  'waits',
  'waits',
  'slow',
  'waits',
  'slow',
  'answered',
  'lost',
  'invalid',
  'answered',
  'lost',
  'answered',
];

const lossCodes = new Set(['ERR_REQUEST_NOT_SENT', 'ERR_REQUEST_TRANSMISSION_FAILED', 'ERR_RESPONSE_NEVER_RECEIVED']);
const oneShot: AsyncIterable<string> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) };

export class SimRequest implements ProtocolRequest {
  readonly path = '/';
  declare readonly method: string;
  declare readonly body?: ProtocolRequest['body'];
  declare readonly idempotent?: boolean;
  mode: RequestMode;
  readonly writes: boolean;
  readonly replayable: boolean;
  readonly safe: boolean;
  written = 0;
  attempts = 0;
  first: { connection: SimConnection; error: HTTPClientError; again: boolean } | null = null;
  redials = 0;
  settled: 'head' | 'error' | 'cancelled' | null = null;
  aborted = false;
  subscription: Subscription | null = null;
  response: SimResponse | null = null;
  scoped: Subscriber<unknown> | null = null;

  constructor(
    readonly world: World,
    readonly lease: SimLease,
    code: number,
  ) {
    this.mode = modes[code % modes.length]!;
    this.method = (code >> 4) % 3 === 2 ? 'POST' : 'GET';
    this.writes = (code >> 6) % 4 !== 3;
    const kind = (code >> 8) % 4;
    if (kind === 2) this.body = 'text';
    if (kind === 3) this.body = oneShot;
    if ((code >> 10) % 8 === 7) this.idempotent = this.method === 'POST';
    this.replayable = kind !== 3;
    this.safe = this.idempotent ?? this.method === 'GET';
  }

  /** The connection is about to tell that the request failed on it. `lost`: the connection died. */
  failedAfter(connection: SimConnection, error: HTTPClientError, responseByte: boolean, lost: boolean): void {
    if (this.first !== null) return;
    const { world } = this;
    const sent = error.code !== 'ERR_REQUEST_NOT_SENT' && this.writes;
    const again =
      lost &&
      world.settings.pool.retryAutomatically &&
      !world.closing &&
      this.lease.reused &&
      !this.aborted &&
      this.settled === null &&
      !responseByte &&
      lossCodes.has(error.code) &&
      (!sent || this.safe) &&
      (!sent || this.replayable);
    this.first = { connection, error, again };
    // A second attempt is over another connection, on which nothing of this is repeated.
    if (this.mode === 'lost') this.mode = 'waits';
  }
}
