import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { NEVER, of, Subject } from 'rxjs';
import type { Transport } from '../../src/endpoint/index.js';
import {
  AbortedError,
  AcquireTimeoutError,
  ConnectError,
  LeaseUsedError,
  PoolClosedError,
  RequestNotSentError,
  ResponseFailedError,
  ResponseNeverReceivedError,
  UnsolicitedDataError,
} from '../../src/errors/index.js';
import type { LeasedProtocol, HTTPConnectionPoolOptions } from '../../src/pool/index.js';
import type { ProtocolRequest } from '../../src/protocol/index.js';
import { FakeEndpoint, FakeTransport, PoolKit, send, testScheduler } from './support/index.js';

/** A lease of a connection that was used before, with a request on its way; the dials of its get are the test's. */
function reused(request: Partial<ProtocolRequest> = {}, options: HTTPConnectionPoolOptions = {}) {
  const kit = new PoolKit(options);
  const stale = kit.idle('k');
  const endpoint = new FakeEndpoint();
  const lease = kit.lease('k', endpoint);
  const sent = send(lease, request);
  return { kit, stale, endpoint, lease, sent };
}

describe('the retry on a stale connection', () => {
  it('dials anew, and the same lease answers over the new connection', () => {
    const { kit, stale, endpoint, lease, sent } = reused();
    expect(lease.reused).toBe(true);
    stale.fail();
    expect(sent.error).toBeUndefined();
    expect(endpoint.dials).toHaveLength(1);
    expect(lease.state).toBe('transmitting');

    endpoint.dials[0].connect();
    expect(lease.reused).toBe(false);
    expect(kit.connections[1].requests).toEqual(stale.requests.slice(1));
    kit.connections[1].answer();
    expect(sent).toMatchObject({ completed: true, response: { status: 200 } });
    expect(lease.state).toBe('released');
    expect(kit.holds('k')).toEqual([0, 1, 0, 0]);
    expect(kit.pool.stats('k')).toMatchObject({ retries: 1, opened: 2, evictions: 1 });
  });

  it('subscribes to endpoint$ once, from the loss to the new connection', () => {
    const scheduler = testScheduler();
    scheduler.run(({ cold, expectObservable, expectSubscriptions }) => {
      const kit = new PoolKit({}, scheduler);
      const stale = kit.idle('k');
      const transport = new FakeTransport();
      const endpoint$ = cold<Transport>('  ---(t|)', { t: transport });
      const second = '                 -----^--!   ';
      const response$ = kit.lease('k', endpoint$).request({ path: '/' });
      cold('                           -----x      ').subscribe(() => stale.fail());
      cold('                           ----------x ').subscribe(() => kit.connections[1].answer());
      expectObservable(response$, '    ^           ').toBe('----------(r|)', { r: expect.anything() });
      expectSubscriptions((endpoint$ as ReturnType<typeof cold>).subscriptions).toBe(second);
    });
  });

  it('has its own endpoint$ dialled, not that of the get that made the dead connection', () => {
    const kit = new PoolKit();
    const first = new FakeEndpoint('connects');
    const stale = kit.idle('k', first);
    const second = new FakeEndpoint();
    send(kit.lease('k', second));
    stale.fail();
    expect([first.dials.length, second.dials.length]).toEqual([1, 1]);
  });

  it('never takes an idle connection', () => {
    const { kit, stale, endpoint, sent } = reused();
    const other = kit.idle('k');
    stale.fail();
    expect(endpoint.pending).toHaveLength(1);
    expect(kit.holds('k')).toEqual([0, 1, 1, 0]);
    expect(other.requests).toHaveLength(1);
    endpoint.dials[0].connect();
    kit.connections[2].answer();
    expect(sent.completed).toBe(true);
  });

  it('never takes a connection that comes back meanwhile, nor does a waiter take its own', () => {
    const { kit, stale, endpoint, lease, sent } = reused({}, { maxConnectionsPerHost: 2 });
    const other = kit.lease('k');
    const waiter = kit.get('k');
    stale.fail();
    send(other);
    kit.connections[1].answer();
    expect(waiter.lease).toBeDefined();
    expect(lease.state).toBe('transmitting');
    const late = kit.get('k');
    endpoint.dials[0].connect();
    expect(late.pending).toBe(true);
    kit.connections[2].answer();
    expect(sent.completed).toBe(true);
    expect(late.lease).toBeDefined();
  });

  it('never queues: it inherits the dead slot under max = 1 with other waiters queued', () => {
    const { kit, stale, endpoint, sent } = reused({}, { maxConnectionsPerHost: 1 });
    const other = new FakeEndpoint();
    const waiters = [kit.get('k', other), kit.get('k', other)];
    stale.fail();
    expect(endpoint.pending).toHaveLength(1);
    expect(other.dials).toHaveLength(0);
    expect(kit.holds('k')).toEqual([0, 0, 1, 2]);
    endpoint.dials[0].connect();
    expect(waiters.map(waiter => waiter.pending)).toEqual([true, true]);
    kit.connections[1].answer();
    expect(sent.completed).toBe(true);
    expect(waiters.map(waiter => waiter.pending)).toEqual([false, true]);
    expect(waiters[0].lease!.reused).toBe(true);
  });

  it('inherits the slot under maxConnections = 1 as well, with another key starving', () => {
    const { kit, stale, endpoint } = reused({}, { maxConnections: 1 });
    const other = kit.get('other');
    stale.fail();
    expect(kit.holds()).toEqual([0, 0, 1, 1]);
    endpoint.dials[0].connect();
    kit.connections[1].answer();
    expect(other.lease).toBeDefined();
  });

  it('is no queue: maxPending = 0 does not refuse it, nor does it make room for one more waiter', () => {
    const { kit, stale, endpoint, sent } = reused({}, { maxConnectionsPerHost: 1, maxPending: 0 });
    stale.fail();
    expect(kit.get('k').error).toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
    endpoint.dials[0].connect();
    kit.connections[1].answer();
    expect(sent.completed).toBe(true);
  });

  it('aborts its dial when the request is unsubscribed from, and frees the slot', () => {
    const { kit, stale, endpoint, lease, sent } = reused({}, { maxConnectionsPerHost: 1 });
    const waiter = kit.get('k');
    stale.fail();
    sent.subscription.unsubscribe();
    expect(endpoint.cancels).toBe(1);
    expect(waiter.lease).toBeDefined();
    expect(lease.state).toBe('closed');
    expect(kit.pool.stats('k')).toMatchObject({ leased: 1, connecting: 0 });
  });

  it('destroys the new connection when the request is unsubscribed from before its head', () => {
    const { kit, stale, endpoint, sent } = reused();
    stale.fail();
    endpoint.dials[0].connect();
    sent.subscription.unsubscribe();
    expect(kit.connections[1].state).toBe('closed');
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('errors with the last error, which has the first one as its last cause', () => {
    const { kit, stale, endpoint, sent } = reused();
    const first = new ResponseNeverReceivedError('stale', { cause: new Error('ECONNRESET') });
    const refused = new Error('ECONNREFUSED');
    stale.fail(first);
    const second = new ConnectError('no way', { cause: refused });
    endpoint.dials[0].fail(second);
    expect(sent.error).toBe(second);
    expect(second.cause).toBe(refused);
    expect(refused.cause).toBe(first);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('also behind an error of another realm, as those of the system are in a vm and in jest', () => {
    const { stale, endpoint } = reused();
    const first = new ResponseNeverReceivedError('stale');
    const refused = runInNewContext(`new Error('ECONNREFUSED')`) as Error;
    stale.fail(first);
    endpoint.dials[0].fail(new ConnectError('no way', { cause: refused }));
    expect(refused.cause).toBe(first);
  });

  it('is tried once: a second loss is the error', () => {
    const { kit, stale, endpoint, sent } = reused();
    const first = new ResponseNeverReceivedError('first');
    stale.fail(first);
    endpoint.dials[0].connect();
    const second = new ResponseNeverReceivedError('second');
    kit.connections[1].fail(second);
    expect(sent.error).toBe(second);
    expect(second.cause).toBe(first);
    expect(endpoint.dials).toHaveLength(1);
  });

  it('a new connection that speaks before it is asked fails it (L5)', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ validateIdle: polled$ });
    const setup = kit.get('k');
    polled$.next();
    send(setup.lease!);
    kit.connections[0].answer();
    const endpoint = new FakeEndpoint();
    const get = kit.get('k', endpoint);
    polled$.next();
    const sent = send(get.lease!);
    kit.connections[0].fail();
    endpoint.dials[0].connect();
    expect(kit.connections[1].requests).toHaveLength(0);
    kit.connections[1].unsolicited();
    expect(sent.error).toBeInstanceOf(UnsolicitedDataError);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('a new connection that is closed in order before it is asked: the first error is the cause all the same', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ validateIdle: polled$ });
    const setup = kit.get('k');
    polled$.next();
    send(setup.lease!);
    kit.connections[0].answer();
    const get = kit.get('k');
    polled$.next();
    const sent = send(get.lease!);
    const first = new ResponseNeverReceivedError('stale');
    kit.connections[0].fail(first);
    kit.connections[1].finFromServer();
    expect(sent.error).toBeInstanceOf(UnsolicitedDataError);
    expect(sent.error).toMatchObject({ cause: first });
  });

  it('is validated (L5): the request goes out when the loop has polled', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ validateIdle: polled$ });
    const setup = kit.get('k');
    polled$.next();
    send(setup.lease!);
    kit.connections[0].answer();
    const get = kit.get('k');
    polled$.next();
    send(get.lease!);
    kit.connections[0].fail();
    expect(kit.connections[1].requests).toHaveLength(0);
    expect(kit.pool.stats('k')).toMatchObject({ validating: 1, leased: 1 });
    polled$.next();
    expect(kit.connections[1].requests).toHaveLength(1);
  });

  it('acquireTimeout goes on: the dial has what the get has left of it, the time of the lease not counted', () => {
    const kit = new PoolKit();
    const stale = kit.idle('k');
    const endpoint = new FakeEndpoint();
    const get = kit.get('k', endpoint, { acquireTimeout: 100 });
    const sent = send(get.lease!);
    kit.advance(3_000);
    stale.fail();
    kit.advance(99);
    expect(sent.error).toBeUndefined();
    kit.advance(6); // the sweep's granularity
    expect(sent.error).toBeInstanceOf(AcquireTimeoutError);
    expect(sent.error).toMatchObject({ acquireTimeout: 100, cause: expect.any(ResponseNeverReceivedError) });
    expect(endpoint.cancels).toBe(1);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('frees its slot before it errors with AcquireTimeoutError, so that a retry of the user finds room', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const stale = kit.idle('k');
    const get = kit.get('k', NEVER, { acquireTimeout: 100 });
    const held: unknown[] = [];
    get.lease!.request({ path: '/' }).subscribe({ error: () => held.push(kit.holds()) });
    stale.fail();
    kit.advance(110);
    expect(held).toEqual([[0, 0, 0, 0]]);
  });

  it('frees its slot before it errors when the lease is aborted', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const stale = kit.idle('k');
    const lease = kit.lease('k', new FakeEndpoint());
    const held: unknown[] = [];
    lease.request({ path: '/' }).subscribe({ error: error => held.push(error.code, kit.holds()) });
    stale.fail();
    lease.abort();
    expect(held).toEqual(['ERR_ABORTED', [0, 0, 0, 0]]);
  });

  it('frees its slot before it errors when its dial fails', () => {
    const { kit, stale, endpoint, lease } = reused({}, { maxConnectionsPerHost: 1 });
    const seen: unknown[] = [];
    lease.disconnected.subscribe(error => seen.push(['disconnected', error?.code, ...kit.holds()]));
    stale.fail();
    endpoint.dials[0].fail();
    expect(seen).toEqual([['disconnected', 'ERR_CONNECT', 0, 0, 0, 0]]);
  });

  it('lease.disconnected does not emit for a loss that is retried, but for one of the new connection', () => {
    const { kit, stale, endpoint, lease } = reused();
    const losses: unknown[] = [];
    lease.disconnected.subscribe(error => losses.push(error?.code));
    stale.fail();
    expect(losses).toEqual([]);
    endpoint.dials[0].connect();
    kit.connections[1].fail(new ResponseFailedError('cut'));
    expect(losses).toEqual(['ERR_RESPONSE_FAILED']);
  });

  it('a lease that lost its reused connection before it was used: its request goes to a new one', () => {
    const kit = new PoolKit();
    const stale = kit.idle('k');
    const endpoint = new FakeEndpoint();
    const lease = kit.lease('k', endpoint);
    stale.finFromServer();
    expect(lease.state).toBe('ready');
    expect(kit.holds('k')).toEqual([1, 0, 0, 0]);
    const sent = send(lease, { method: 'POST' });
    expect(endpoint.dials).toHaveLength(1);
    endpoint.dials[0].connect();
    kit.connections[1].answer();
    expect(sent.completed).toBe(true);
  });

  it('a lease that lost its reused connection before it was used has begun no body: one that can be read once is sent', () => {
    const kit = new PoolKit();
    const stale = kit.idle('k');
    const lease = kit.lease('k');
    stale.finFromServer();
    const sent = send(lease, { method: 'POST', body: of('once') });
    kit.connections[1].answer();
    expect(sent.completed).toBe(true);
  });

  it('sends the request that was made, whatever the caller does to its object meanwhile', () => {
    const kit = new PoolKit();
    const stale = kit.idle('k');
    const request = { path: '/made', method: 'GET', headers: { 'X-A': '1' } };
    kit.lease('k').request(request).subscribe();
    Object.assign(request, { path: '/other', method: 'POST' });
    request.headers['X-A'] = '2';
    stale.fail();
    for (const { requests } of [stale, kit.connections[1]]) {
      const { path, method, headers } = requests.at(-1)!;
      expect([path, method, [...(headers as Iterable<[string, string]>)]]).toEqual(['/made', 'GET', [['X-A', '1']]]);
    }
  });

  it('copies an object literal, with or without a prototype, and takes an instance of a class as it is', () => {
    class Request {
      readonly path = '/';
    }
    const bare = Object.assign(Object.create(null) as object, { path: '/' });
    for (const [request, copied] of [
      [{ path: '/' }, true],
      [bare, true],
      [new Request(), false],
    ] as const) {
      const kit = new PoolKit();
      kit.lease('k').request(request).subscribe();
      const [sent] = kit.connections[0].requests;
      expect([sent.path, sent === request]).toEqual(['/', !copied]);
    }
  });

  it('a lease that lost its reused connection, released unused, gives up its place', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const stale = kit.idle('k');
    const lease = kit.lease('k');
    stale.finFromServer();
    const waiter = kit.get('k');
    lease.release();
    expect(waiter.lease).toBeDefined();
    expect(kit.holds('k')).toEqual([1, 0, 0, 0]);
  });

  describe('does not happen', () => {
    function refuses(act: (world: ReturnType<typeof reused>) => void, world = reused()): unknown {
      act(world);
      expect(world.endpoint.dials).toHaveLength(0);
      expect(world.sent.error ?? (world.sent.subscription.closed ? 'unsubscribed' : undefined)).toBeDefined();
      expect(world.kit.holds()).toEqual([0, 0, 0, 0]);
      return world.sent.error;
    }

    it('with retryAutomatically: false', () => {
      const world = reused({}, { retryAutomatically: false });
      expect(refuses(({ stale }) => stale.fail(), world)).toMatchObject({ code: 'ERR_RESPONSE_NEVER_RECEIVED' });
    });

    it('on abort', () => {
      expect(refuses(({ lease }) => lease.abort('enough'))).toBeInstanceOf(AbortedError);
    });

    it('on cancel', () => {
      refuses(({ sent }) => sent.subscription.unsubscribe());
    });

    it('after a response byte, that of a swallowed 1xx included', () => {
      refuses(({ stale }) => {
        stale.informational();
        stale.fail(new ResponseFailedError('cut'));
      });
      refuses(({ stale }) => {
        stale.informational();
        stale.fail(new ResponseNeverReceivedError('cut'));
      });
    });

    it('when the pool is closing', () => {
      refuses(({ kit, stale }) => {
        kit.pool.close();
        stale.fail();
      });
    });

    it('for a method that is not idempotent, once something was written', () => {
      refuses(({ stale }) => stale.fail(), reused({ method: 'POST' }));
      refuses(({ stale }) => stale.fail(), reused({ method: 'get' }));
    });

    it('for idempotent: false', () => {
      refuses(({ stale }) => stale.fail(), reused({ idempotent: false }));
    });

    it('for a one-shot body that was begun', () => {
      refuses(({ stale }) => stale.fail(), reused({ method: 'PUT', body: of('x') }));
    });

    it('on a fresh connection', () => {
      const kit = new PoolKit();
      const endpoint = new FakeEndpoint('connects');
      const lease = kit.lease('k', endpoint);
      const sent = send(lease);
      kit.connections[0].fail();
      expect(sent.error).toMatchObject({ code: 'ERR_RESPONSE_NEVER_RECEIVED', reused: false });
      expect(endpoint.dials).toHaveLength(1);
    });

    it('for a lease that was used: its connection is not its own any more', () => {
      const { kit, stale, lease, sent } = reused();
      stale.answer();
      expect(sent.completed).toBe(true);
      expect(send(lease).error).toBeInstanceOf(LeaseUsedError);
      expect(kit.holds()).toEqual([0, 1, 0, 0]);
    });

    it('an error that is not retried says that the connection was reused, after the slot is free', () => {
      const kit = new PoolKit({ maxConnectionsPerHost: 1 });
      const stale = kit.idle('k');
      const seen: unknown[] = [];
      kit
        .lease('k')
        .request({ path: '/', method: 'POST' })
        .subscribe({ error: error => seen.push(error.reused, kit.holds()) });
      stale.fail();
      expect(seen).toEqual([true, [0, 0, 0, 0]]);
    });
  });

  describe('does happen', () => {
    it.each<[string, Partial<ProtocolRequest>, boolean]>([
      ['for a POST of which nothing was written', { method: 'POST' }, false],
      ['for a POST with an Idempotency-Key', { method: 'POST', headers: { 'Idempotency-Key': '1' } }, true],
      ['for a POST that says idempotent: true', { method: 'POST', idempotent: true }, true],
      ['for a PUT whose body is a string', { method: 'PUT', body: 'x' }, true],
      ['for a PUT whose body is made by a function', { method: 'PUT', body: () => of('x') }, true],
      ['for idempotent: false, if nothing was written', { idempotent: false }, false],
    ])('%s', (_name, request, writes) => {
      const kit = new PoolKit();
      const stale = kit.idle('k');
      stale.writes = writes;
      const endpoint = new FakeEndpoint('connects');
      const sent = send(kit.lease('k', endpoint), request);
      stale.fail();
      expect(endpoint.dials).toHaveLength(1);
      kit.connections[1].answer();
      expect(sent.completed).toBe(true);
    });
  });

  describe('cut short', () => {
    it('abort of the lease aborts the dial and errors with AbortedError', () => {
      const { kit, stale, endpoint, lease, sent } = reused();
      stale.fail();
      lease.abort('enough');
      expect(sent.error).toMatchObject({ code: 'ERR_ABORTED' });
      expect(endpoint.cancels).toBe(1);
      expect(kit.holds()).toEqual([0, 0, 0, 0]);
    });

    it('close of the pool aborts the dial and errors with PoolClosedError', () => {
      const { kit, stale, endpoint, sent } = reused();
      stale.fail();
      let closed = false;
      kit.pool.close().subscribe(() => (closed = true));
      expect(sent.error).toBeInstanceOf(PoolClosedError);
      expect(endpoint.cancels).toBe(1);
      expect(closed).toBe(true);
    });

    it('a new connection that says it is quiescent before it is used (a defect of the protocol) fails it', () => {
      const polled$ = new Subject<void>();
      const kit = new PoolKit({ validateIdle: polled$ });
      const setup = kit.get('k');
      polled$.next();
      send(setup.lease!);
      kit.connections[0].answer();
      const get = kit.get('k');
      polled$.next();
      const sent = send(get.lease!);
      kit.connections[0].fail();
      kit.connections[1].quiescentByMistake();
      expect(sent.error).toBeDefined();
      expect(kit.holds()).toEqual([0, 0, 0, 0]);
    });

    it.each(['retried', 'connecting'])('unsubscribing from inside the %s event aborts the dial', type => {
      const { kit, stale, endpoint, sent } = reused();
      kit.pool.events.subscribe(event => {
        if (event.type === type) sent.subscription.unsubscribe();
      });
      stale.fail();
      expect(endpoint.cancels).toBe(endpoint.dials.length);
      expect(kit.holds()).toEqual([0, 0, 0, 0]);
    });

    it('unsubscribing from inside the subscribe of endpoint$ aborts the dial', () => {
      const { kit, stale, endpoint, sent } = reused();
      endpoint.onSubscribe = () => sent.subscription.unsubscribe();
      stale.fail();
      expect(endpoint.cancels).toBe(1);
      expect(kit.holds()).toEqual([0, 0, 0, 0]);
    });

    it('abort from inside the subscribe of endpoint$ aborts the dial', () => {
      const { kit, stale, endpoint, lease, sent } = reused();
      endpoint.onSubscribe = () => lease.abort();
      stale.fail();
      expect(sent.error).toBeInstanceOf(AbortedError);
      expect(endpoint.cancels).toBe(1);
      expect(kit.holds()).toEqual([0, 0, 0, 0]);
    });
  });

  it('a connection that was dialled for nothing and then was idle may be stale as well: its request is retried', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 2 });
    const first = kit.lease('k');
    const endpoint = new FakeEndpoint();
    kit.get('k', endpoint);
    first.release();
    endpoint.dials[0].connect();
    expect(kit.pool.stats()).toMatchObject({ leased: 1, idle: 1 });
    const lease = kit.lease('k');
    expect(lease.reused).toBe(true);
    const sent = send(lease);
    kit.connections[1].fail();
    expect(sent.error).toBeUndefined();
    expect(kit.pool.stats().retries).toBe(1);
  });

  it('a lease held by a dead connection counts as leased, and does not hold up a close', () => {
    const kit = new PoolKit();
    const stale = kit.idle('k');
    const lease: LeasedProtocol = kit.lease('k');
    stale.finFromServer();
    expect(kit.pool.stats().leased).toBe(1);
    let closed = false;
    kit.pool.close().subscribe(() => (closed = true));
    expect(closed).toBe(true);
    expect(lease.state).toBe('closed');
    expect(send(lease).error).toBeInstanceOf(RequestNotSentError);
  });
});
