import type { KeyPlace } from './Bucket.js';
import type { Core } from './Core.js';
import type { PooledConnection } from './Place.js';

/** A connection that no get needs becomes idle. Its idle life counts from `since`; null: from this loop turn. */
export function cache(core: Core, place: KeyPlace, pooled: PooledConnection, since: number | null): void {
  const { idle, settings } = core;
  const lifetime = idle.lifetime(pooled);
  // What was asked may have brought out that a foreign connection is dead.
  if (place.state.kind === 'gone') return;
  if (lifetime <= 0) {
    core.leave(place, 'not-persistent');
    return;
  }
  pooled.reused = true; // a connection that waits can go stale
  idle.put(place, pooled, since, lifetime);
  core.turn.note(place, pooled);
  const { bucket } = place;
  if (bucket.idling > settings.maxPersistentPerHost) core.leave(bucket.idle.first!, 'overflow');
  if (idle.length > settings.maxPersistent) core.leave(idle.oldest!, 'overflow');
  core.room.wake();
}
