import type { ExchangeHandle } from '../protocol/index.js';
import type { KeyPlace } from './Bucket.js';
import type { Core } from './Core.js';
import { released } from './LeaseEcho.js';
import { matchReturned, matchShared } from './match.js';
import type { Open, Retiring } from './Place.js';
import type { Seat } from './Seat.js';
import { retire, unfit } from './unfit.js';
import { poll } from './validate.js';
import { wrongState } from './lose.js';

/** A connection is quiescent: the exchange is over, and its lease goes back. */
export function quiescent(core: Core, place: KeyPlace, exchange: ExchangeHandle): void {
  const { state } = place;
  if (state.kind === 'gone') return;
  if (state.kind === 'open' || state.kind === 'retiring') {
    const lease = holderOf(exchange, state.leases);
    if (lease !== null) {
      state.pooled.requests++;
      state.pooled.reused = true;
      takeBack(core, place, state, lease, exchange.endedAt);
      return;
    }
  }
  wrongState(core, place);
}

function holderOf(exchange: ExchangeHandle, leases: readonly Seat[]): Seat | null {
  // By index: an iterator for each request is garbage.
  for (let at = 0; at < leases.length; at++) if (leases[at].carries(exchange)) return leases[at];
  return null;
}

/** A lease gives a connection back that it has not used. */
export function release(core: Core, place: KeyPlace, lease: Seat): void {
  const { state } = place;
  if (state.kind !== 'open' && state.kind !== 'retiring') return;
  // The question may bring out that a foreign connection died without a word.
  const isDead = state.pooled.connection.capacity === 0 && lease.isLost;
  if (isDead) core.evict(place, 'peer-closed');
  else takeBack(core, place, state, lease, null);
}

/** The seat is free before the lease ends: what hears of that may ask for the next lease at once. */
function takeBack(core: Core, place: KeyPlace, state: Open | Retiring, lease: Seat, since: number | null): void {
  const { bucket } = place;
  const { pooled, leases } = state;
  if (!bucket.unseat(place, state, lease)) return;
  core.unused.remove(lease);
  if (core.outbox.wantsQuiescent) core.tell(bucket, { type: 'quiescent', requests: pooled.requests });
  const isLast = leases.length === 0;
  let isWanted = false;
  if (state.kind === 'retiring') {
    if (isLast) core.leave(place, state.reason, state.error);
  } else {
    const reason = unfit(core, pooled, leases.length);
    if (reason !== null && isLast) core.leave(place, reason);
    else if (reason !== null) retire(place, state, reason);
    else if (isLast) isWanted = matchReturned(core, place, pooled, since);
    else matchShared(core, place, state);
  }
  if (bucket.waiters.length > 0) core.loop.touch(bucket);
  lease.end(released);
  lease.tellEnd();
  if (isWanted) poll(core, place);
  core.loop.run();
}
