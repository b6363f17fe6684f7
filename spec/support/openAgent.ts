import { Observable } from 'rxjs';
import { Agent, type AgentOptions } from '../../src/agent/index.js';
import type { HTTPConnectionPoolOptions } from '../../src/pool/index.js';
import { FakeTransport, type FakeTransportOptions } from '../../src/testing/FakeTransport.js';
import { VirtualClock } from './VirtualClock.js';

export interface OpenAgentOptions extends Omit<AgentOptions, 'pool'> {
  readonly pool?: HTTPConnectionPoolOptions;
  readonly transport?: FakeTransportOptions;
}

/** An agent in virtual time, over transports that connect at once. */
export interface AgentStage {
  readonly agent: Agent;
  readonly clock: VirtualClock;
  /** One for each connection, in order. */
  readonly transports: FakeTransport[];
  /** What it dials. */
  readonly endpoint: Observable<FakeTransport>;
}

export function openAgent({ pool, transport, ...options }: OpenAgentOptions = {}): AgentStage {
  const clock = new VirtualClock();
  const transports: FakeTransport[] = [];
  const endpoint$ = new Observable<FakeTransport>(subscriber => {
    const made = new FakeTransport(transport);
    transports.push(made);
    subscriber.next(made);
    subscriber.complete();
  });
  const agent = new Agent({
    pool: { scheduler: clock, validateIdle: false, ...pool },
    endpoint: () => endpoint$,
    ...options,
  });
  return { agent, clock, transports, endpoint: endpoint$ };
}
