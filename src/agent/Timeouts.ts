import { duration } from '../errors/index.js';
import { defaultTimeouts, type ExchangeTimeouts } from '../protocol/index.js';

/**
 * The six deadlines of a request, in ms; `Infinity` for none. All but `total` are per attempt.
 *
 * ```
 *   subscribe ──acquire──┬──connect──┐
 *                        └───────────┴─ send ─┬─headers─┐ head ─bodyIdle─ d ─bodyIdle─ d ─ end
 *   └──────────────────────────────────── total ────────────────────────────────────────────┘
 * ```
 */
export interface Timeouts extends ExchangeTimeouts {
  /** Until there is a lease: queue, validation and dial together. Default: the pool's `acquireTimeout`. */
  readonly acquire?: number;
  /** Name lookup, TCP, TLS and tunnel together. Default 10 000. */
  readonly connect?: number;
  /** From the subscription to the end of the body, over all attempts and interceptors. Default ∞. */
  readonly total?: number;
}

/** The timeouts of a request: each has a value, given or by default. */
export type AllTimeouts = Readonly<Required<Timeouts>>;

/** Timeouts checked, those not given taken from `defaults`. Throws `InvalidOptionError`. */
export function timeoutsOf(given: Timeouts | undefined, defaults: AllTimeouts): AllTimeouts {
  if (given === undefined) return defaults;
  return Object.freeze({
    acquire: duration(given, 'acquire', defaults.acquire),
    connect: duration(given, 'connect', defaults.connect),
    headers: duration(given, 'headers', defaults.headers),
    bodyIdle: duration(given, 'bodyIdle', defaults.bodyIdle),
    bodyUnclaimed: duration(given, 'bodyUnclaimed', defaults.bodyUnclaimed),
    total: duration(given, 'total', defaults.total),
  });
}

export const noTimeouts: AllTimeouts = Object.freeze({
  ...defaultTimeouts,
  acquire: Infinity,
  connect: 10_000,
  total: Infinity,
});
