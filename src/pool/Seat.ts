import type { HTTPClientError } from '../errors/index.js';
import type { ExchangeHandle } from '../protocol/index.js';
import type { LeaseEnd } from './LeaseEcho.js';

/** A lease, as the connection under it knows it. */
export interface Seat {
  /** The lease has sent no request yet. */
  readonly isUnused: boolean;

  /** The lease keeps the place of a dead connection, as its request may go on there. */
  readonly isLost: boolean;

  /** The connection speaks another protocol now. */
  readonly isUpgraded: boolean;

  /** The stack of the caller's subscribe, with `captureStacks`. */
  readonly stack: string | undefined;

  /** `leaseTimeout` is over. */
  leak(): void;

  /** This lease began the exchange. */
  carries(exchange: ExchangeHandle): boolean;

  /** The connection died. True: the lease keeps the place, as its request may go on there with a new connection. */
  lost(error: HTTPClientError | null): boolean;

  /** The lease is over: from here on the handle is inert. */
  end(end: LeaseEnd): void;

  /** Tells the observers of the lease. First all leases of a connection end. */
  tellEnd(): void;
}
