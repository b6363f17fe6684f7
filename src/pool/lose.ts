import { ConnectError, UnsolicitedDataError, type HTTPClientError } from '../errors/index.js';
import type { EvictionReason } from '../events/index.js';
import type { KeyPlace } from './Bucket.js';
import type { Core } from './Core.js';
import { failDial } from './connect.js';
import type { Open, Retiring } from './Place.js';

/** A connection can carry nothing any more. `null`: it ended in order. */
export function disconnected(core: Core, place: KeyPlace, error: HTTPClientError | null): void {
  const { state } = place;
  switch (state.kind) {
    case 'open':
    case 'retiring':
      loseLeased(core, place, state, error);
      break;
    case 'validating':
      if (state.dial !== null) failDial(core, state.dial, unsolicited(error), lossReason(error, 'peer-closed'));
      else core.evict(place, lossReason(error, 'peer-closed'), error ?? undefined);
      break;
    case 'idle':
      core.evict(place, lossReason(error, 'peer-closed'), error ?? undefined);
      break;
    case 'connecting':
    case 'gone':
  }
}

/** A lease that may retry keeps the place of its dead connection. No get can take it. */
function loseLeased(core: Core, place: KeyPlace, state: Open | Retiring, error: HTTPClientError | null): void {
  const { bucket } = place;
  const { pooled, leases } = state;
  // A request under way goes before an unused lease.
  const retrying =
    leases.find(lease => !lease.isUnused && lease.lost(error)) ??
    leases.find(lease => lease.isUnused && lease.lost(error));
  if (retrying === undefined) {
    const reason = leases.some(lease => lease.isUpgraded) ? 'upgraded' : lossReason(error, 'not-persistent');
    core.evict(place, reason, error ?? undefined);
    return;
  }
  const others = leases.filter(lease => lease !== retrying);
  for (const lease of others) bucket.unseat(place, state, lease);
  place.become({ kind: 'retiring', pooled, leases, reason: 'error', error: error ?? undefined });
  bucket.noteFreeSeats(place);
  for (const lease of others) core.endLease(lease, error);
  for (const lease of others) lease.tellEnd();
  core.loop.touch(bucket);
  core.loop.run();
}

/** A new connection that dies before it could be handed out is a failed dial. */
function unsolicited(error: HTTPClientError | null): HTTPClientError {
  if (error instanceof UnsolicitedDataError) return error;
  const cause = error ?? undefined;
  return new UnsolicitedDataError('The server closed a connection that it had just accepted', { cause });
}

function lossReason(error: HTTPClientError | null, inOrder: EvictionReason): EvictionReason {
  switch (error?.code) {
    case undefined:
      return inOrder;
    case 'ERR_UNSOLICITED_DATA':
      return 'unsolicited-data';
    case 'ERR_ABORTED':
    case 'ERR_BODY_UNCLAIMED':
      return 'cancelled';
    default:
      return 'error';
  }
}

/** A defect of a protocol: it tells the end of an exchange that no lease has. The connection is not trusted any more. */
export function wrongState(core: Core, place: KeyPlace): void {
  const { bucket, state } = place;
  const cause = new Error(`A connection was handed back while it was ${state.kind}`);
  core.report(bucket, cause);
  // A get that waits for a new connection has waited for nothing.
  if (state.kind === 'validating' && state.dial !== null) {
    failDial(core, state.dial, new ConnectError(cause.message, { cause }), 'wrong-state');
  } else core.evict(place, 'wrong-state', cause);
}
