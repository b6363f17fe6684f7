import type { Transport } from '../../../src/endpoint/index.js';
import type { HTTPClientError } from '../../../src/errors/index.js';
import type {
  ConnectionState,
  ExchangeHandle,
  ExchangeProgress,
  ExchangeReceiver,
} from '../../../src/protocol/index.js';
import type { SimConnection } from './SimConnection.js';
import type { SimDial } from './SimDial.js';
import type { SimRequest } from './SimRequest.js';

/** One request on its connection. */
export class SimExchange implements ExchangeHandle {
  state: ConnectionState;
  /** The response head was told. */
  headed = false;
  responseByte = false;
  endedAt = 0;
  readonly startedAt: number;

  constructor(
    readonly connection: SimConnection,
    readonly request: SimRequest,
    readonly receiver: ExchangeReceiver,
  ) {
    this.startedAt = connection.world.clock.now();
    this.state = request.mode === 'slow' ? 'transmitting' : 'waiting';
  }

  progress(): ExchangeProgress {
    const { writes } = this.request;
    return { state: this.state, wrote: writes, responseByte: this.responseByte, bodySubscribed: writes };
  }

  abort(reason?: unknown): void {
    this.connection.abort(this, reason);
  }

  /** What it fails with if the connection is lost now. */
  loss(): HTTPClientError {
    const { errors } = this.connection.world;
    if (this.headed) return new errors.TruncatedBodyError(undefined);
    if (this.responseByte) return new errors.ResponseFailedError('lost within the head');
    if (this.state === 'transmitting') return new errors.RequestTransmissionFailedError('lost while sending');
    return new errors.ResponseNeverReceivedError('lost before a response');
  }
}

/** What the pool looks at in a response: whether somebody has claimed the body. */
export class SimResponse {
  readonly body = { used: false };

  constructor(readonly request: SimRequest) {}
}

export class SimTransport {
  constructor(readonly dial: SimDial) {}

  destroy(): void {
    this.dial.world.dials.transportDestroyed(this.dial);
  }

  asTransport(): Transport {
    return this as unknown as Transport;
  }
}
