import type { HTTPConnectionPoolOptions } from '../../../src/pool/index.js';

/** When a connection is found to have been polled: when a command says so, at once, in a while, or without asking. */
export type Validation = 'manual' | 'off' | 'sync' | 'timed';

export interface Settings {
  readonly keys: number;
  readonly validation: Validation;
  /** Somebody listens to the pool's events: other ways through the code are taken then. */
  readonly observed: boolean;
  /** Before the end all servers answer and all leases end: every get has to get its lease. */
  readonly progress: boolean;
  /** What a connection carries at a time, unless its server says otherwise. */
  readonly capacity: number;
  /** Several keys press upon few connections, and time passes. */
  readonly crowded: boolean;
  readonly pool: Required<
    Pick<
      HTTPConnectionPoolOptions,
      | 'maxConnectionsPerHost'
      | 'maxConnections'
      | 'maxPersistentPerHost'
      | 'maxPersistent'
      | 'acquireTimeout'
      | 'maxPending'
      | 'leaseTimeout'
      | 'maxRequestsPerConnection'
      | 'maxConnectionAge'
      | 'cachedConnectionTimeout'
      | 'retryAutomatically'
      | 'persistent'
    >
  >;
}

/** How many numbers `settingsOf` takes. Zeros are the plainest settings: shrinking leads there. */
export const settingNumbers = 18;

export function settingsOf(numbers: readonly number[]): Settings {
  let at = 0;
  const one = <T>(...choices: readonly T[]): T => choices[(numbers[at++] ?? 0) % choices.length];
  const settings: Settings = {
    keys: one(1, 2, 2, 3, 3, 4),
    validation: one<Validation>('manual', 'manual', 'manual', 'off', 'off', 'sync', 'timed', 'timed'),
    observed: one(false, true),
    progress: one(true, false),
    pool: {
      maxConnectionsPerHost: one(4, 1, 2, 3, 4, 2),
      maxConnections: one(6, 1, 2, 3, 4, 5),
      maxPersistentPerHost: one(3, 2, 1, 3, 2, 0),
      maxPersistent: one(6, 6, 6, 3, 2, 0),
      acquireTimeout: one(Infinity, Infinity, Infinity, Infinity, 20, 60),
      maxPending: one(Infinity, Infinity, Infinity, 0, 1, 3),
      leaseTimeout: one(30_000, 30_000, 50, 30),
      maxRequestsPerConnection: one(Infinity, Infinity, 2, 3),
      maxConnectionAge: one(Infinity, Infinity, 60, 200),
      cachedConnectionTimeout: one(Infinity, Infinity, 200, 60, 20),
      retryAutomatically: one(true, true, true, false),
      persistent: one(true, true, true, true, true, true, true, false),
    },
    capacity: one(1, 1, 3),
    crowded: one(false, false, false, true),
  };
  return settings.crowded ? crowd(settings) : settings;
}

/** As much as the settings allow is made of waiting for room. */
function crowd(settings: Settings): Settings {
  const { keys, pool } = settings;
  return {
    ...settings,
    keys: Math.max(keys, 2),
    pool: {
      ...pool,
      maxConnections: 1 + (pool.maxConnections % 2),
      acquireTimeout: Infinity,
      maxPending: Infinity,
      maxConnectionAge: Infinity,
      persistent: true,
    },
  };
}
