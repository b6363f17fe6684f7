import { describe, expect, it } from '@jest/globals';
import { Bucket, type KeyDial, type KeyWaiter } from '../../src/pool/Bucket.js';
import { Dial } from '../../src/pool/Dial.js';
import { gone, PooledConnection, Place } from '../../src/pool/Place.js';
import type { Seat } from '../../src/pool/Seat.js';
import { Waiter } from '../../src/pool/Waiter.js';

/** A connection of two seats that is dialled, and what its key counts. */
function place() {
  const bucket = new Bucket('k');
  const dial: KeyDial = new Dial(null as never, { kind: 'get', waiter: null as never }, 0);
  const one = new Place(bucket, dial);
  const pooled = new PooledConnection({ capacity: 2 } as never, Infinity);
  const counts = () => {
    const { connecting, validating, leased, idling, open, seats, validatingSeats, links } = bucket;
    return { connecting, validating, leased, idling, open, seats, validatingSeats, links };
  };
  return { bucket, dial, one, pooled, counts };
}

const none = { connecting: 0, validating: 0, leased: 0, idling: 0, open: 0, seats: 0, validatingSeats: 0, links: 0 };

describe('The numbers of a key', () => {
  it('follow from the states of its places', () => {
    const { one, pooled, counts } = place();
    expect(counts()).toEqual({ ...none, connecting: 1, open: 1 });
    const validating = { kind: 'validating', pooled, dial: null, seats: 2, poll: null } as const;
    one.become({ ...validating });
    expect(counts()).toEqual({ ...none, validating: 1, open: 1, validatingSeats: 2 });
    one.reseat(one.state as never, 5);
    expect(counts()).toEqual({ ...none, validating: 1, open: 1, validatingSeats: 5 });
    one.become({ kind: 'open', pooled, leases: [] });
    expect(counts()).toEqual({ ...none, leased: 1, open: 1 });
    one.become({ kind: 'retiring', pooled, leases: [], reason: 'max-age', error: undefined });
    expect(counts()).toEqual({ ...none, leased: 1, open: 1 });
    one.become(gone);
    expect(counts()).toEqual(none);
  });

  it('count the seats that leases have, and a lease that has none is not taken off', () => {
    const { bucket, one, pooled, counts } = place();
    const [a, b] = [{}, {}] as Seat[];
    bucket.seat(one, pooled, a);
    expect(bucket.fullestWithFreeSeat).toBe(one);
    bucket.seat(one, pooled, b);
    expect([counts().seats, counts().leased, bucket.fullestWithFreeSeat]).toEqual([2, 1, null]);
    const open = one.state as never;
    expect([bucket.unseat(one, open, a), bucket.unseat(one, open, a)]).toEqual([true, false]);
    expect([counts().seats, bucket.fullestWithFreeSeat]).toEqual([1, one]);
    expect([bucket.unseat(one, open, b), bucket.unseat(one, open, b)]).toEqual([true, false]);
    expect([counts().seats, bucket.fullestWithFreeSeat]).toEqual([0, null]);
  });

  it('count the gets that count on a dial', () => {
    const { bucket, dial, counts } = place();
    const waiter: KeyWaiter = new Waiter(bucket, null as never, null as never, 0, 0, Infinity, undefined, () => {});
    bucket.waiters.push(waiter);
    expect([bucket.uncovered, bucket.oldestUncovered]).toEqual([1, waiter]);
    waiter.link(dial);
    expect([counts().links, bucket.uncovered, bucket.oldestUncovered]).toEqual([1, 0, null]);
    waiter.unlink();
    waiter.unlink();
    expect([counts().links, dial.waiter, bucket.uncovered]).toEqual([0, null, 1]);
    waiter.settle();
    expect([bucket.waiters.length, bucket.uncovered, bucket.oldestUncovered]).toEqual([0, 0, null]);
  });

  it('tell the oldest get that nothing is on its way to: validated seats go to the oldest without a dial', () => {
    const { bucket, dial, one, pooled } = place();
    const waiters = [0, 1, 2, 3].map(order => {
      const waiter: KeyWaiter = new Waiter(bucket, null as never, null as never, order, 0, 1, undefined, () => {});
      bucket.waiters.push(waiter);
      return waiter;
    });
    waiters[0].link(dial);
    expect(bucket.oldestUncovered).toBe(waiters[1]);
    one.become({ kind: 'validating', pooled, dial: null, seats: 1, poll: null });
    expect([bucket.uncovered, bucket.oldestUncovered]).toEqual([2, waiters[2]]);
    one.reseat(one.state as never, 2);
    expect([bucket.uncovered, bucket.oldestUncovered]).toEqual([1, waiters[3]]);
  });
});
