import type { SeededBug } from '../../support/seedBug.js';

/** A seeded bug, and what the model says of it: one of its own invariants, and no accident on the way. */
export interface PoolBug extends SeededBug {
  readonly noticed: RegExp;
}

export const seededBugs: readonly PoolBug[] = [
  {
    // The sum of gets, dials and validations came out even, while one get waited for the hanging dial of another.
    name: 'a get waits for the dial of another beside an idle connection',
    file: 'pool/match.ts',
    declaration: 'takeIdle',
    replacement:
      'function takeIdle(core, bucket) { return bucket.oldestUncovered !== null && original(core, bucket); }',
    noticed: /waits beside connection \d+, which is idle|is cached while gets wait/,
  },
  {
    name: 'a key that has waited long for room gets no turn',
    file: 'pool/RoomQueue.ts',
    declaration: 'RoomQueue.outranks',
    replacement: 'outranks() { return false; }',
    noticed: /starves/,
  },
  {
    name: 'the dial of a get that was served otherwise is forgotten',
    file: 'pool/handOut.ts',
    declaration: 'lease',
    replacement: `export function lease(core, place, pooled, waiter) {
      waiter.unlink();
      original(core, place, pooled, waiter);
    }`,
    noticed: /beside a free dial|nobody can use it/,
  },
  {
    name: 'a connection gets one lease more than it has seats',
    file: 'pool/Bucket.ts',
    declaration: 'Bucket.noteFreeSeats',
    replacement: `noteFreeSeats(place) {
      this.original(place);
      const { state } = place;
      if (state.kind !== 'open' || state.pooled.connection.capacityChanged === null) return;
      if (state.leases.length === state.pooled.connection.capacity) (this.withFreeSeats ??= new Set()).add(place);
    }`,
    noticed: /of capacity \d has \d leases and gets another/,
  },
  {
    name: 'a request that may do harm twice is retried',
    file: 'pool/shouldRetry.ts',
    declaration: 'shouldRetry',
    replacement: `export function shouldRetry(failure, request, progress) {
      return original(failure, { ...request, idempotent: true }, progress);
    }`,
    noticed: /retried that may not/,
  },
];
