import { describe, expect, it } from '@jest/globals';
import { asyncScheduler, type SchedulerLike } from 'rxjs';
import type { KeyPlace } from '../../src/pool/Bucket.js';
import { EndOfTurn } from '../../src/pool/EndOfTurn.js';
import type { PooledConnection } from '../../src/pool/Place.js';
import type { PoolSettings } from '../../src/pool/PoolOptions.js';
import { Polls } from '../../src/pool/Polls.js';
import { DeadlineSweep, loopTurn, unrefScheduler } from '../../src/timing/index.js';
import { turns } from '../loopback/until.js';
import { VirtualClock } from '../support/index.js';
import { testScheduler } from './support/index.js';

/** The end of a turn, the places that it arms, and a place that is noted as often as the spec likes. */
function turnOf(scheduler: SchedulerLike, validateIdle = false) {
  const armed: KeyPlace[] = [];
  const deadlines = new DeadlineSweep(scheduler);
  deadlines.now();
  const turn = new EndOfTurn({ scheduler, validateIdle } as PoolSettings, deadlines, place => armed.push(place));
  const pooled = { isNoted: false } as PooledConnection;
  const place = { state: { kind: 'idle', pooled } } as unknown as KeyPlace;
  return { armed, pooled, place, note: () => turn.note(place, pooled) };
}

describe('The end of a loop turn', () => {
  it('arms the timers of a place once, however often that changed in the turn', async () => {
    const { armed, pooled, place, note } = turnOf(unrefScheduler);
    for (let i = 0; i < 3; i++) note();
    expect([armed, pooled.isNoted]).toEqual([[], true]);
    await turns();
    expect(armed).toEqual([place]);
    note();
    await turns();
    expect(armed).toEqual([place, place]);
  });

  it('arms nothing for a connection that has left the pool by then', async () => {
    const { armed, place, note } = turnOf(unrefScheduler);
    note();
    Object.assign(place, { state: { kind: 'gone' } });
    await turns();
    expect(armed).toEqual([]);
  });

  it.each<[string, SchedulerLike, boolean, number]>([
    ['a virtual scheduler was given', new VirtualClock(), false, 1],
    ['a virtual scheduler was given, but the pool waits for real turns', new VirtualClock(), true, 0],
    ['a scheduler of the wall’s time was given', asyncScheduler, false, 0],
  ])('is not waited for in virtual time: %s', async (_, scheduler, validateIdle, atOnce) => {
    const { armed, note } = turnOf(scheduler, validateIdle);
    note();
    expect(armed).toHaveLength(atOnce);
    await turns();
    expect(armed).toHaveLength(1);
  });

  it('is not waited for inside TestScheduler.run, without a scheduler of the user’s', () => {
    testScheduler().run(() => {
      const { armed, note } = turnOf(unrefScheduler);
      note();
      expect(armed).toHaveLength(1);
    });
  });
});

describe('Connections that wait for the loop to poll', () => {
  it('share one callback in a turn; those that begin to wait between its two halves wait for the next pair', async () => {
    const polled: (readonly unknown[])[] = [];
    const polls = new Polls(places => polled.push([...places]));
    const [a, b, c] = ['a', 'b', 'c'] as unknown as KeyPlace[];
    polls.add(a);
    polls.add(b);
    const before = loopTurn.turn;
    while (loopTurn.turn === before) await turns(1);
    polls.add(c);
    expect(polled).toEqual([]);
    await turns(1);
    expect(polled).toEqual([['a', 'b']]);
    await turns();
    expect(polled).toEqual([['a', 'b'], ['c']]);
  });
});
