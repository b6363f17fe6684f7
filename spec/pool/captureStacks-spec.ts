import { describe, expect, it } from '@jest/globals';
import { mergeMap } from 'rxjs';
import type { Agent } from '../../src/agent/index.js';
import { ConnectError, type HTTPClientError } from '../../src/errors/index.js';
import { text } from '../../src/operators/index.js';
import type { HTTPConnectionPoolOptions, LeasedProtocol } from '../../src/pool/index.js';
import { chunkedHead, openAgent, record } from '../support/index.js';
import { FakeEndpoint, PoolKit, send } from './support/index.js';

/** The first line of an error's part about its subscribe. */
const subscribedIn = (error: unknown): string | undefined =>
  (error as HTTPClientError).stack?.split('  subscribed:\n')[1]?.split('\n')[0].trim().split(' ')[1];

const kitOf = (options: HTTPConnectionPoolOptions = {}): PoolKit => new PoolKit({ captureStacks: true, ...options });

function asksThePool(kit: PoolKit, endpoint: FakeEndpoint): { error: unknown; lease: LeasedProtocol | undefined } {
  const seen = { error: undefined as unknown, lease: undefined as LeasedProtocol | undefined };
  kit.pool.get('k', endpoint.stream).subscribe({
    next: lease => (seen.lease = lease),
    error: error => (seen.error = error),
  });
  return seen;
}

describe('captureStacks', () => {
  it.each<[string, HTTPConnectionPoolOptions, (kit: PoolKit) => void]>([
    ['a failed dial', {}, () => undefined],
    ['a full queue', { maxConnectionsPerHost: 1, maxPending: 0 }, () => undefined],
    ['a time-out', { maxConnectionsPerHost: 1, acquireTimeout: 10 }, kit => kit.advance(20)],
    ['a pool that closes', { maxConnectionsPerHost: 1 }, kit => void kit.pool.close()],
  ])('tells where a get was subscribed to that ends with %s', (what, options, happens) => {
    const kit = kitOf(options);
    if (what !== 'a failed dial') kit.lease('k');
    const seen = asksThePool(kit, new FakeEndpoint(what === 'a failed dial' ? 'fails' : 'manual'));
    happens(kit);
    expect(subscribedIn(seen.error)).toBe('asksThePool');
  });

  it('tells it of a get that comes when the pool is closed', () => {
    const kit = kitOf();
    kit.pool.close();
    expect(subscribedIn(asksThePool(kit, new FakeEndpoint()).error)).toBe('asksThePool');
  });

  it('tells it of a request that fails', () => {
    const kit = kitOf();
    const { lease } = asksThePool(kit, new FakeEndpoint('connects'));
    const sent = send(lease!);
    kit.connections[0].fail();
    expect(subscribedIn(sent.error)).toBe('asksThePool');
  });

  it('tells it of a lease that leaks, with its key', () => {
    const kit = kitOf({ leaseTimeout: 10 });
    const events: unknown[] = [];
    kit.pool.events.subscribe(event => event.type === 'leaked' && events.push(event));
    asksThePool(kit, new FakeEndpoint('connects'));
    kit.advance(20);
    expect(events).toEqual([expect.objectContaining({ key: 'k', stack: expect.stringContaining('asksThePool') })]);
  });

  it('tells it once of an error that several gets share', () => {
    const kit = kitOf();
    const error = new ConnectError('the same for all');
    for (let i = 0; i < 2; i++) {
      const endpoint = new FakeEndpoint();
      const seen = asksThePool(kit, endpoint);
      endpoint.dials[0].fail(error);
      expect(seen.error).toBe(error);
    }
    expect(error.stack?.match(/subscribed:/g)).toHaveLength(1);
  });

  it('leaves a frozen error as it is', () => {
    const endpoint = new FakeEndpoint();
    const seen = asksThePool(kitOf(), endpoint);
    const error = Object.freeze(new ConnectError('frozen'));
    endpoint.dials[0].fail(error);
    expect([seen.error, subscribedIn(seen.error)]).toEqual([error, undefined]);
  });

  it('captures nothing by default', () => {
    expect(subscribedIn(asksThePool(new PoolKit(), new FakeEndpoint('fails')).error)).toBeUndefined();
  });

  describe('of a pool that an agent uses', () => {
    function asksTheAgent(agent: Agent): ReturnType<typeof record<string>> {
      return record(agent.get('http://example.test/').pipe(text()));
    }

    it('tells where the agent was subscribed to, of a lost request', () => {
      const { agent, transports } = openAgent({ pool: { captureStacks: true } });
      const seen = asksTheAgent(agent);
      transports[0].reset();
      expect((seen.error as Error).stack).toContain('asksTheAgent');
    });

    it('tells it of a body that is cut', () => {
      const { agent, transports } = openAgent({ pool: { captureStacks: true } });
      const seen = asksTheAgent(agent);
      transports[0].respond(chunkedHead);
      transports[0].reset();
      expect([(seen.error as HTTPClientError).code, (seen.error as Error).stack]).toEqual([
        'ERR_TRUNCATED_BODY',
        expect.stringContaining('asksTheAgent'),
      ]);
    });

    it('tells it of the events of a request', () => {
      const { agent, transports } = openAgent({ pool: { captureStacks: true } });
      const seen = record(agent.requestEvents({ url: 'http://example.test/' }));
      transports[0].reset();
      expect((seen.error as Error).stack).toContain('captureStacks-spec');
    });

    it('keeps it through interceptors and operators', () => {
      const { agent, transports } = openAgent({
        pool: { captureStacks: true },
        interceptors: [(request, next) => next(request.with({ headers: { A: 'b' } }))],
      });
      const seen = asksTheAgent(agent);
      expect(transports).toHaveLength(1);
      transports[0].reset();
      expect((seen.error as Error).stack).toContain('asksTheAgent');
    });
  });

  it('gives the limit of stack traces back to the program, and takes any `prepareStackTrace`', () => {
    const { stackTraceLimit, prepareStackTrace } = Error;
    try {
      Error.prepareStackTrace = () => ({ no: 'text' });
      const kit = kitOf();
      const done = record(
        kit.pool.get('k', new FakeEndpoint('connects').stream).pipe(mergeMap(lease => lease.request({ path: '/' }))),
      );
      kit.connections[0].answer();
      expect(done.error).toBeUndefined();
    } finally {
      Error.prepareStackTrace = prepareStackTrace;
    }
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
  });
});
