import type { KeyPlace } from './Bucket.js';
import type { Core } from './Core.js';
import type { Member } from './Place.js';

/** A connection that no get needs becomes idle. Its idle life counts from `since`; null: from this loop turn. */
export function cache(core: Core, place: KeyPlace, member: Member, since: number | null): void {
  const { idle, settings } = core;
  const lifetime = idle.lifetime(member);
  // What was asked may have brought out that a foreign connection is dead.
  if (place.state.kind === 'gone') return;
  if (lifetime <= 0) {
    core.leave(place, 'not-persistent');
    return;
  }
  member.reused = true; // a connection that waits can go stale
  idle.put(place, member, since, lifetime);
  core.turn.note(place, member);
  const { bucket } = place;
  if (bucket.idling > settings.maxPersistentPerHost) core.leave(bucket.idle.first!, 'overflow');
  if (idle.length > settings.maxPersistent) core.leave(idle.oldest!, 'overflow');
  core.room.wake();
}
