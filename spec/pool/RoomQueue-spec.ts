import { describe, expect, it } from '@jest/globals';
import { Bucket, type KeyWaiter } from '../../src/pool/Bucket.js';
import type { DrainLoop } from '../../src/pool/DrainLoop.js';
import { RoomQueue } from '../../src/pool/RoomQueue.js';
import { Waiter } from '../../src/pool/Waiter.js';

function queueOf() {
  const woken: string[] = [];
  const room = new RoomQueue({ touch: ({ key }: Bucket) => woken.push(key) } as unknown as DrainLoop);
  return { room, woken };
}

const waiterOf = (bucket: Bucket, order: number, since: number | null): KeyWaiter =>
  new Waiter(bucket, null as never, null as never, order, since, Infinity, undefined, () => undefined);

/** A key whose gets came in this order, the first of them at this time. */
function bucketOf(key: string, order: number | null, since: number | null = 0): Bucket {
  const bucket = new Bucket(key);
  if (order !== null) bucket.waiters.push(waiterOf(bucket, order, since));
  return bucket;
}

describe('The keys that wait for room', () => {
  it('have their turn by the age of their oldest get, whenever they ran out of room', () => {
    const { room, woken } = queueOf();
    const [a, b, c] = [bucketOf('a', 3), bucketOf('b', 1), bucketOf('c', 2)];
    room.wake();
    for (const bucket of [a, b, c, b, a]) room.join(bucket);
    for (const bucket of [b, c, a]) {
      expect(room.has(bucket)).toBe(true);
      room.wake();
      room.leave(bucket);
      room.leave(bucket);
      expect(room.has(bucket)).toBe(false);
    }
    room.wake();
    expect(woken).toEqual(['b', 'c', 'a']);
  });

  it('take another place when their oldest get has left', () => {
    const { room, woken } = queueOf();
    const [a, b] = [bucketOf('a', 1), bucketOf('b', 2)];
    room.join(a);
    room.join(b);
    a.waiters.shift();
    a.waiters.push(waiterOf(a, 3, 0));
    room.join(a);
    room.wake();
    room.leave(b);
    room.wake();
    expect(woken).toEqual(['b', 'a']);
  });

  it.each<[string, [Bucket, Bucket], number, boolean]>([
    ['older, and waits for 1 s', [bucketOf('own', 2), bucketOf('rival', 1)], 1_000, true],
    ['older, and waits for less', [bucketOf('own', 2), bucketOf('rival', 1)], 999, false],
    ['younger', [bucketOf('own', 1), bucketOf('rival', 2)], 9_000, false],
    ['older, and has just come', [bucketOf('own', 2), bucketOf('rival', 1, null)], 9_000, false],
  ])('take a connection from another key if the get that waits for room is %s', (_, [own, rival], now, expected) => {
    const { room } = queueOf();
    const clock = { now: () => now };
    expect(room.outranks(own, clock)).toBe(false);
    room.join(own);
    expect(room.outranks(own, clock)).toBe(false);
    room.join(rival);
    expect(room.outranks(own, clock)).toBe(expected);
    room.leave(own);
    expect(room.outranks(own, clock)).toBe(expected);
    expect(room.outranks(bucketOf('unwanted', null), clock)).toBe(false);
    rival.waiters.shift();
    expect(room.outranks(own, clock)).toBe(false);
  });
});
