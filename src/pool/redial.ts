import { Observable } from 'rxjs';
import { AcquireTimeoutError, type HTTPClientError } from '../errors/index.js';
import { Deadline } from '../timing/index.js';
import type { KeyPlace } from './Bucket.js';
import type { Core } from './Core.js';
import { beginDial, failDial, subscribeDial } from './connect.js';
import type { RetriedLease } from './LeaseHost.js';

/**
 * The lease gets a new connection. The old connection died, and the new one takes its place. Unsubscribing aborts the dial.
 *
 * ```
 *   dead place   ──x
 *   new place      ^connecting ── validating ── (p|)      no other get comes between
 * ```
 */
export function redial(
  core: Core,
  lease: RetriedLease,
  dead: KeyPlace,
  failure: HTTPClientError,
): Observable<KeyPlace> {
  return new Observable(subscriber => {
    const { bucket, state } = dead;
    if (state.kind === 'retiring') bucket.unseat(dead, state, lease);
    const dial = beginDial(core, bucket, lease.endpoint, { kind: 'retry', lease, subscriber });
    const { place } = dial;
    lease.moved(place);
    core.leave(dead, 'error', failure);
    core.count(bucket, 'retries');
    core.tell(bucket, { type: 'retried', error: failure });
    const { timeout, left } = lease.acquire ?? { timeout: Infinity, left: Infinity };
    const deadline = new Deadline(core.deadlines, () => {
      const snapshot = bucket.snapshot(core.settings.maxConnectionsPerHost, timeout);
      failDial(core, dial, new AcquireTimeoutError(timeout, snapshot, bucket.lastDialError), 'cancelled');
    });
    // The time for which the lease was held is not counted: it was not spent on waiting for a connection.
    deadline.start(left);
    subscribeDial(core, dial);
    core.loop.run();
    return () => {
      deadline.dispose();
      // The retry was given up before there was a connection.
      const { state: now } = place;
      const isPending = (now.kind === 'connecting' || now.kind === 'validating') && now.dial === dial;
      if (isPending) core.evict(place, 'cancelled');
    };
  });
}
