import { describe, expect, it } from '@jest/globals';
import { Subject } from 'rxjs';
import { ResponseNeverReceivedError, type HTTPClientError } from '../../src/errors/index.js';
import type { InnerLease } from '../../src/pool/LeasedProtocol.js';
import { turns } from '../loopback/until.js';
import { type FakeConnection, FakeEndpoint, PoolKit, send } from './support/index.js';

/** A pool with one place and a used connection, which says that it is lost before its request fails. */
function lost() {
  const told = new Subject<HTTPClientError | null>();
  const kit: PoolKit = new PoolKit({
    maxConnectionsPerHost: 1,
    protocolFactory: (transport, context) => {
      const connection = kit.protocolFactory(transport, context) as FakeConnection;
      if (kit.connections.length > 1) return connection;
      return Object.defineProperties(connection, { disconnected: { value: told }, close: { value: () => undefined } });
    },
  });
  kit.idle('k');
  return { kit: kit.watch(), lose: () => told.next(new ResponseNeverReceivedError('reset')) };
}

describe('A lease whose connection is lost, while its request may be retried', () => {
  it('gives up its place when the request is unsubscribed from before its error comes', async () => {
    const { kit, lose } = lost();
    const sent = send(kit.lease('k'));
    lose();
    expect(kit.holds()).toEqual([1, 0, 0, 0]);
    sent.subscription.unsubscribe();
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
    expect(kit.log()).toEqual(['k leased reused', 'k evicted error']);
    await turns();
    expect([sent.error, kit.connections.length, kit.pool.stats().retries]).toEqual([undefined, 1, 0]);
  });

  it('is not retried when it is aborted before its error comes', async () => {
    const { kit, lose } = lost();
    const lease = kit.lease('k');
    const sent = send(lease);
    lose();
    lease.abort();
    // The request is about to fail, and gives the place back then.
    expect(kit.holds()).toEqual([1, 0, 0, 0]);
    await turns();
    expect(sent.error).toMatchObject({ code: 'ERR_ABORTED' });
    expect([kit.holds(), kit.connections.length]).toEqual([[0, 0, 0, 0], 1]);
  });

  it.each(['release', 'abort'] as const)('and that is unused, gives up its place at %s', how => {
    const { kit, lose } = lost();
    const lease = kit.lease('k');
    lose();
    expect([lease.state, kit.holds()]).toEqual(['ready', [1, 0, 0, 0]]);
    lease[how]();
    expect([lease.state, kit.holds()]).toEqual(['closed', [0, 0, 0, 0]]);
    expect(kit.log()).toEqual(['k leased reused', 'k evicted error']);
  });
});

describe('A lease whose request is retried', () => {
  it('goes on, whatever the dead connection says of itself afterwards', async () => {
    const { kit, lose } = lost();
    const sent = send(kit.lease('k'));
    lose();
    kit.connections[0].quiescentByMistake();
    expect(kit.holds()).toEqual([1, 0, 0, 0]);
    await turns();
    kit.connections[1].answer();
    expect([sent.response?.status, kit.holds()]).toEqual([200, [0, 1, 0, 0]]);
    expect(kit.log()).not.toContain('k error');
  });

  it.each(['dialled', 'validated'])('ends when it is aborted while the new connection is %s', at => {
    const polled = new Subject<void>();
    const kit = new PoolKit({ maxConnectionsPerHost: 1, validateIdle: polled });
    const first = kit.get('k');
    polled.next();
    first.lease!.release();
    const endpoint = new FakeEndpoint();
    const get = kit.get('k', endpoint);
    polled.next();
    const lease = get.lease!;
    const sent = send(lease);
    kit.connections[0].fail();
    const [dial] = endpoint.dials;
    if (at === 'validated') dial.connect();
    const reason = new ResponseNeverReceivedError('enough');
    lease.abort(reason);
    expect([sent.error === reason, lease.state, kit.holds()]).toEqual([true, 'closed', [0, 0, 0, 0]]);
    if (at === 'dialled') expect(dial.cancelled).toBe(true);
    else expect([kit.connections[1].closes, polled.observed]).toEqual([1, false]);
  });

  it('tells when the request was first sent', () => {
    const kit = new PoolKit();
    kit.idle('k');
    kit.advance(5);
    const endpoint = new FakeEndpoint();
    const lease = kit.lease('k', endpoint) as InnerLease;
    expect(lease.startedAt).toBe(0);
    const sent = send(lease);
    expect(lease.startedAt).toBe(5);
    kit.connections[0].fail();
    kit.advance(10);
    endpoint.dials[0].connect();
    kit.connections[1].answer();
    expect([sent.response?.status, lease.startedAt]).toEqual([200, 5]);
  });
});
