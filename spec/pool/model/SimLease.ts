import type { LeasedProtocol } from '../../../src/pool/index.js';
import type { SimConnection } from './SimConnection.js';
import type { SimGet } from './SimGet.js';
import type { SimRequest } from './SimRequest.js';

/** A lease, in the hands of its owner. */
export class SimLease {
  state: 'ready' | 'used' | 'over' = 'ready';
  request: SimRequest | null = null;
  released = 0;
  echoes = 0;
  losses = 0;
  /** The connection had been used, or idle, when the lease was given. */
  readonly reused: boolean;
  readonly since: number;

  constructor(
    readonly get: SimGet,
    readonly protocol: LeasedProtocol,
    public connection: SimConnection,
  ) {
    this.reused = connection.reused;
    this.since = connection.world.clock.now();
  }

  /** It holds a seat, or waits for the one of its retry. */
  get isLive(): boolean {
    const { state } = this.protocol;
    return state !== 'released' && state !== 'closed';
  }
}
