import { Observable } from 'rxjs';
import type * as library from '../../src/index.js';
import type { AgentOptions, HTTPRequestInit } from '../../src/index.js';
import { FakeTransport, record, VirtualClock, type Recorded } from '../support/index.js';

export type Library = typeof library;

/** Attacks by title, which names the advisory. Each returns what it got done: nothing, if the library withstands. */
export type Attacks = Readonly<Record<string, (library: Library) => string[] | Promise<string[]>>>;

export interface Stage {
  readonly agent: InstanceType<Library['Agent']>;
  readonly clock: VirtualClock;
  readonly transports: FakeTransport[];
  /** Sends a request and records what its subscriber hears. */
  send(init: HTTPRequestInit): Recorded<unknown>;
  /** What went out, on all connections. */
  readonly wire: string;
}

/** An agent of that library over transports in memory, in virtual time. */
export function stageOf(library: Library, options: AgentOptions = {}): Stage {
  const clock = new VirtualClock();
  const transports: FakeTransport[] = [];
  const endpoint$ = new Observable<FakeTransport>(subscriber => {
    const transport = new FakeTransport();
    transports.push(transport);
    subscriber.next(transport);
    subscriber.complete();
  });
  const pool = { scheduler: clock, validateIdle: false };
  const agent = new library.Agent({ pool, endpoint: () => endpoint$, ...options });
  return {
    agent,
    clock,
    transports,
    send: init => record(agent.request(init)),
    get wire() {
      return transports.map(({ written }) => written).join('');
    },
  };
}

/** Names the value that got through, for a finding. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value);
}

/** How long `work` takes, in ms. */
export function timeOf(work: () => void): number {
  const started = performance.now();
  try {
    work();
  } catch {
    // How long it takes to refuse is what is asked.
  }
  return performance.now() - started;
}
