import type { Mutation } from '../../support/bundle.js';

/** A bug put into the pool: what is broken, and what is seen of it. */
export interface Mutant {
  readonly name: string;
  /** The invariant that is expected to notice; the others may be quicker. */
  readonly noticed: RegExp;
  readonly mutation: Mutation;
}

const dispatcher = 'pool/Dispatcher.ts';

export const mutants: readonly Mutant[] = [
  {
    name: 'the queue is served newest first',
    noticed: /overtook/,
    mutation: {
      file: dispatcher,
      from: 'let waiter = bucket.waiters.first;',
      to: 'let waiter = bucket.waiters.last;',
    },
  },
  {
    name: 'one connection too many under a key',
    noticed: /maxConnectionsPerHost exceeded/,
    mutation: {
      file: dispatcher,
      from: 'if (bucket.open >= this.settings.maxConnectionsPerHost) {',
      to: 'if (bucket.open > this.settings.maxConnectionsPerHost) {',
    },
  },
  {
    name: 'a cancelled get stays in the queue',
    noticed: /stats\(.\) is|wait though there is room|is cancelled/,
    mutation: {
      file: 'pool/Bucket.ts',
      from: 'this.bucket.waiters.remove(this);',
      to: 'if (!this.receiver.closed) this.bucket.waiters.remove(this);',
    },
  },
  {
    name: 'a failed dial fails every get of the key',
    noticed: /not its own|one dial failed two/,
    mutation: {
      file: dispatcher,
      from: 'guarded(() => waiter?.receiver.error(error));',
      to: 'guarded(() => waiter?.receiver.error(error)); for (const other of [...slot.bucket.waiters]) { other.settle(); other.receiver.error(error); }',
    },
  },
  {
    name: 'room that comes free wakes no other key',
    noticed: /lost wake-up/,
    mutation: {
      file: 'pool/Inventory.ts',
      from: 'if (this.starved.size === 0) return;',
      to: 'return;',
    },
  },
  {
    name: 'an idle connection that dies stays in the cache',
    noticed: /idle connection \d+ is dead|dead|stats/,
    mutation: {
      file: dispatcher,
      from: "if (state === 'gone') return;\n    // Nobody else",
      to: "if (state === 'gone' || state === 'idle') return;\n    // Nobody else",
    },
  },
  {
    name: 'a retry takes an idle connection where there is one',
    noticed: /retry|retried/,
    mutation: {
      file: dispatcher,
      from: 'this.#dialer.connect(slot);\n      this.#drain();',
      to: [
        'const cached = inventory.idle.take(bucket);',
        "if (cached === undefined) this.#dialer.connect(slot); else { inventory.move(slot, 'gone'); slot.claim = null;",
        "bucket.claimed--; cached.lease = lease; lease.moved(cached); cached.connection!.ref(); inventory.move(cached, 'leased');",
        'claim.next(cached); claim.complete(); }',
        'this.#drain();',
      ].join('\n'),
    },
  },
  {
    name: 'close does not wait for sockets',
    noticed: /closed, but connection/,
    mutation: {
      file: dispatcher,
      from: 'slots.size > 0 || sockets.size > 0) return;',
      to: 'slots.size > 0 || sockets.size < 0) return;',
    },
  },
  {
    name: 'a lease stays good after its connection went back',
    noticed: /of a lease that is (ready|transmitting|waiting)|a lease that is over/,
    mutation: {
      file: 'pool/Lease.ts',
      from: 'if (this.#slot === null) return;\n    this.#slot = null;',
      to: 'if (this.#slot === null) return;',
    },
  },
  {
    name: 'an idle connection is handed out unvalidated',
    noticed: /not validated|ready/,
    mutation: {
      file: 'pool/Dialer.ts',
      from: 'const { validateIdle } = this.settings;',
      to: 'const validateIdle = slot.requests > 0 ? false : this.settings.validateIdle;',
    },
  },
  {
    name: 'a connection that is made for a retry counts as one for the queue',
    noticed: /lost wake-up|wait|overtook|more dials/,
    mutation: {
      file: 'pool/Bucket.ts',
      from: 'return this.waiters.length + this.claimed - this.#validating - this.#connecting;',
      to: 'return this.waiters.length - this.#validating - this.#connecting;',
    },
  },
  {
    name: 'the oldest idle connection is reused first',
    noticed: /not the latest/,
    mutation: {
      file: 'pool/IdleConnections.ts',
      from: 'const slot = bucket.idle.last;',
      to: 'const slot = bucket.idle.first;',
    },
  },
  {
    name: 'a request that may do harm twice is retried',
    noticed: /retried that may not/,
    mutation: { file: 'pool/shouldRetry.ts', from: '(!progress.wrote || isIdempotent(request)) &&', to: '' },
  },
  {
    name: 'a connection is taken back after the consumer has heard of the end',
    noticed: /never served|stats|closed|left after close/,
    mutation: {
      file: 'pool/Dialer.ts',
      from: 'connection.quiescent.subscribe(() => this.owner.returned(slot, true));',
      to: 'connection.quiescent.subscribe(() => void this.settings.scheduler.schedule(() => this.owner.returned(slot, true)));',
    },
  },
];
