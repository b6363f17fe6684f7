import type { Settings } from './Server.js';
import type { Site } from './Site.js';

/** The ways in which each server is set up: an instance of each runs at a time. */
export const setups = {
  /** As in production. */
  steady: { requestsPerConnection: 1_000_000, idleTimeout: 60, maxBody: 1024 ** 3 },
  /** It closes early what is idle. */
  brief: { requestsPerConnection: 1_000_000, idleTimeout: 1, maxBody: 1024 ** 3 },
  /** It allows little. */
  strict: { requestsPerConnection: 10, idleTimeout: 60, maxBody: 64 * 1024 },
} as const satisfies Record<string, Settings>;

export interface Check {
  readonly name: string;
  readonly setup: keyof typeof setups;
  /** It is for proxies, and for no other servers. */
  readonly ofProxies?: boolean;
  /** Whether a site can be asked this. */
  applies?(site: Site): boolean;
  run(site: Site): Promise<void>;
}
