import { describe, expect, it } from '@jest/globals';
import { of, Subject } from 'rxjs';
import {
  AbortedError,
  ConnectError,
  InvalidOptionError,
  ResponseNeverReceivedError,
  UnsolicitedDataError,
} from '../../src/errors/index.js';
import { HTTPConnectionPool, type LeasedProtocol } from '../../src/pool/index.js';
import type { ProtocolResponse } from '../../src/protocol/index.js';
import { answer, FakeTransport as WireTransport } from '../support/index.js';
import { FakeEndpoint, FakeTransport, PoolKit, send, testScheduler } from './support/index.js';

describe('A protocolFactory', () => {
  it('that gives up the get it is called for makes a connection that is closed again', () => {
    const kit: PoolKit = new PoolKit({
      protocolFactory: (transport, context) => {
        get.cancel();
        return kit.protocolFactory(transport, context);
      },
    });
    const endpoint = new FakeEndpoint();
    const get = kit.get('k', endpoint);
    endpoint.dials[0].connect();
    expect(kit.connections.map(({ state }) => state)).toEqual(['closed']);
    expect(kit.holds('k')).toEqual([0, 0, 0, 0]);
    expect(get.lease).toBeUndefined();
  });
});

describe('A key', () => {
  it.each([undefined, null, 5, {}, Symbol('k')])('that is no string is refused: %p', key => {
    const { pool } = new PoolKit();
    const { stream } = new FakeEndpoint();
    expect(() => pool.get(key as string, stream)).toThrow(expect.objectContaining({ option: 'key' }));
    expect(() => pool.use(key as string, stream, () => [])).toThrow(InvalidOptionError);
    expect(pool.stats().pending).toBe(0);
  });
});

describe('An endpoint', () => {
  it('that emits two transports is asked for one: the other is destroyed', () => {
    const kit = new PoolKit();
    const [first, second] = [new FakeTransport(), new FakeTransport()];
    kit.lease('k', of(first, second));
    expect([first.destroyed, second.destroyed]).toEqual([0, 1]);
    expect(kit.holds('k')).toEqual([1, 0, 0, 0]);
    expect(kit.connections).toHaveLength(1);
  });

  it('that cannot be subscribed to is the cause of the error', () => {
    const kit = new PoolKit();
    const cause = new Error('odd');
    const broken = {
      subscribe() {
        throw cause;
      },
    };
    const { error } = kit.get('k', broken as never);
    expect(error).toBeInstanceOf(ConnectError);
    expect((error as Error).cause).toBe(cause);
  });
});

describe('A connection that is lost before it was handed out', () => {
  it.each([
    ['with an error', new ResponseNeverReceivedError('reset')],
    ['in order', undefined],
  ])('%s fails its get, which is told why', (_how, cause) => {
    const kit = new PoolKit({ validateIdle: new Subject() });
    const get = kit.get('k');
    if (cause === undefined) kit.connections[0].finFromServer();
    else kit.connections[0].fail(cause);
    expect(get.error).toBeInstanceOf(UnsolicitedDataError);
    expect((get.error as Error).cause).toBe(cause);
  });

  it('as the protocol says that it is back: its get is told what is wrong', () => {
    const kit = new PoolKit({ validateIdle: new Subject() });
    const get = kit.get('k');
    kit.connections[0].quiescentByMistake();
    expect(get.error).toBeInstanceOf(ConnectError);
    expect(String((get.error as Error).cause)).toContain('while it was validating');
  });
});

describe('A lease that is done with from inside its next', () => {
  it('by a request, is not taken for one that nobody uses', () => {
    const kit = new PoolKit({ leaseTimeout: 10 });
    kit.pool.get('k', new FakeEndpoint('connects').stream).subscribe(lease => send(lease));
    kit.advance(1_000);
    expect(kit.connections[0].state).toBe('waiting');
    expect(kit.pool.stats()).toMatchObject({ leased: 1, leaks: 0 });
  });

  it('by a release, leaves an idle connection alone', () => {
    const kit = new PoolKit({ leaseTimeout: 10 });
    kit.pool.get('k', new FakeEndpoint('connects').stream).subscribe(lease => lease.release());
    kit.advance(1_000);
    expect(kit.pool.stats()).toMatchObject({ idle: 1, leaks: 0 });
  });
});

describe('A retry', () => {
  it('whose dial fails, or is given up, is forgotten: the next get has one dial', () => {
    for (const how of ['fails', 'is given up']) {
      const kit = new PoolKit();
      const stale = kit.idle('k');
      kit.lease('k', new FakeEndpoint('connects')).release();
      const other = kit.lease('k');
      kit.lease('k'); // keeps the key alive
      const endpoint = new FakeEndpoint();
      other.release();
      const sent = send(kit.lease('k', endpoint));
      stale.fail();
      expect(endpoint.pending).toHaveLength(1);
      if (how === 'fails') endpoint.dials[0].fail();
      else sent.subscription.unsubscribe();
      kit.get('k', endpoint);
      expect(endpoint.pending).toHaveLength(1);
    }
  });

  it('that came to nothing takes no place in the queue: a get that is dialled for does not wait', () => {
    const kit = new PoolKit({ maxPending: 0 });
    kit.lease('k'); // keeps the key alive
    const stale = kit.idle('k');
    const endpoint = new FakeEndpoint();
    send(kit.lease('k', endpoint));
    stale.fail();
    endpoint.dials[0].fail();
    const get = kit.get('k', endpoint);
    expect([get.error, get.pending]).toEqual([undefined, true]);
    expect(endpoint.pending).toHaveLength(1);
  });

  it('has for its dial what its get has left, also late in the life of a pool', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    kit.advance(10_000);
    const stale = kit.idle('k');
    const held = kit.lease('k');
    const endpoint = new FakeEndpoint();
    const get = kit.get('k', endpoint, { acquireTimeout: 100 });
    kit.advance(60);
    held.release();
    const sent = send(get.lease!);
    stale.fail();
    kit.advance(39);
    expect(sent.error).toBeUndefined();
    kit.advance(6); // the sweep's granularity
    expect(sent.error).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT', acquireTimeout: 100 });
  });
});

describe('A request with headers that cannot be sent', () => {
  it('is an error, and the connection goes back to the pool', () => {
    const kit = new PoolKit();
    const sent = send(kit.lease('k'), { headers: { 'no name': 'x' } });
    expect(sent.error).toMatchObject({ code: 'ERR_INVALID_REQUEST', field: 'no name' });
    expect(kit.holds('k')).toEqual([0, 1, 0, 0]);
    expect(kit.connections[0].requests).toEqual([]);
  });
});

describe('A frozen error', () => {
  it('comes as it is', () => {
    const kit = new PoolKit();
    const error = Object.freeze(new ResponseNeverReceivedError('reset'));
    const sent = send(kit.lease('k'));
    kit.connections[0].fail(error);
    expect(sent.error).toBe(error);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });
});

describe('The state of a lease', () => {
  it('is that of its exchange, over real HTTP/1.1', () => {
    const pool = new HTTPConnectionPool({ validateIdle: false, scheduler: testScheduler() });
    const transport = new WireTransport();
    let lease!: LeasedProtocol;
    pool.get('k', of(transport)).subscribe(made => (lease = made));
    expect(lease.state).toBe('ready');
    const body = new Subject<string>();
    let response!: ProtocolResponse;
    lease.request({ method: 'POST', path: '/', body }).subscribe(head => (response = head));
    expect(lease.state).toBe('transmitting');
    transport.respond(answer('hello').slice(0, -1)); // before the request is written
    expect(lease.state).toBe('receiving');
    body.complete();
    expect(lease.state).toBe('receiving');
    response.body.subscribe().unsubscribe(); // the short rest is drained
    expect(lease.state).toBe('receiving');
    transport.respond('o');
    expect(lease.state).toBe('released');
    expect(lease.info).toBeUndefined();
  });
});

describe('A pool that is closed', () => {
  it('tells the connections that it ends why', () => {
    const kit = new PoolKit();
    const leased = kit.lease('k');
    kit.idle('other');
    kit.pool.close({ gracePeriod: 0 });
    expect(leased.state).toBe('closed');
    expect(kit.connections.map(({ closeReasons }) => closeReasons)).toEqual([[expect.any(AbortedError)], [undefined]]);
  });

  it('is not at its end before the last get has been told', () => {
    const kit = new PoolKit({ maxConnections: 1, maxConnectionsPerHost: 1 });
    kit.idle('a');
    const told: string[] = [];
    const endpoint$ = new FakeEndpoint().stream;
    kit.pool.get('b', endpoint$).subscribe({
      error: () => kit.pool.close().subscribe(() => told.push('closed')),
    });
    kit.pool.get('b', endpoint$).subscribe({ error: () => told.push('second') });
    kit.pool.close();
    expect(told).toEqual(['second', 'closed']);
  });
});
