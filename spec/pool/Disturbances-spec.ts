import { describe, expect, it } from '@jest/globals';
import { config, Observable, of, Subject, Subscriber, Subscription } from 'rxjs';
import type { Transport } from '../../src/endpoint/index.js';
import { ResponseNeverReceivedError } from '../../src/errors/index.js';
import { HTTPConnectionPool, type HTTPConnectionPoolOptions, type LeasedProtocol } from '../../src/pool/index.js';
import { answer, FakeTransport, record } from '../support/index.js';
import { FakeEndpoint, PoolKit, SeatsConnection, send, testScheduler, unhandledErrors } from './support/index.js';

/** A pool of connections with so many seats, over endpoints that connect at once. */
function seatsOf(capacity: number, options: HTTPConnectionPoolOptions = {}) {
  const connections: SeatsConnection[] = [];
  const pool = new HTTPConnectionPool({ validateIdle: false, scheduler: testScheduler(), ...options }, transport => {
    const connection = new SeatsConnection(transport, capacity);
    connections.push(connection);
    return connection;
  });
  const endpoint = new FakeEndpoint('connects');
  const lease = (key = 'k'): LeasedProtocol => record(pool.get(key, endpoint.stream)).values[0];
  return { pool, connections, endpoint, lease };
}

// User code that the pool calls may do anything to the pool. Each of these was a defect once.
describe('room under maxConnections', () => {
  it('is not kept from an old get by a key whose gets come and go', () => {
    const kit = new PoolKit({ maxConnections: 1 });
    let lease = kit.lease('b');
    const churn = (): unknown => kit.get('k1', undefined, { acquireTimeout: 500 });
    churn();
    const old = kit.get('k2');
    for (let round = 0; round < 10 && old.lease === undefined; round++) {
      kit.advance(300);
      churn();
      const next = kit.get('b');
      lease.release();
      lease = next.lease ?? lease;
    }
    expect(old.lease?.state).toBe('ready');
  });

  it.each<[string, (kit: PoolKit, waiting: () => void) => void]>([
    ['closes the pool', kit => kit.pool.close()],
    ['cancels the get', (_kit, cancel) => cancel()],
    ['warms another key up', kit => kit.pool.warmUp('w', new FakeEndpoint().stream, 1).subscribe()],
  ])('is asked for again after the connection that gives way %s as it ends', (_what, disturb) => {
    const kit = new PoolKit({ maxConnections: 1 });
    const lease = kit.lease('a');
    const endpoint = new FakeEndpoint();
    const [connection] = kit.connections;
    const get = kit.get('b', endpoint);
    connection.close = () => {
      disturb(kit, () => get.cancel());
      connection.finFromServer();
    };
    lease.release();
    expect(kit.pool.stats().open).toBeLessThanOrEqual(1);
    expect(endpoint.pending).toHaveLength(get.pending ? (kit.pool.stats('b')?.connecting ?? 0) : 0);
  });

  it('no dial begins on a pool that was closed by the end of the connection that gives way', () => {
    const kit = new PoolKit({ maxConnections: 1 });
    kit.lease('a').release();
    let isClosed = false;
    const [connection] = kit.connections;
    connection.close = () => {
      kit.pool.close().subscribe(() => (isClosed = true));
      connection.finFromServer();
    };
    const endpoint = new FakeEndpoint();
    const get = kit.get('b', endpoint);
    expect([get.error, endpoint.dials.length, isClosed]).toEqual([
      expect.objectContaining({ code: 'ERR_POOL_CLOSED' }),
      0,
      true,
    ]);
  });
});

describe('gets that leave', () => {
  it('a get that comes while another is refused is matched before it is refused itself', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1, maxPending: 0 });
    const lease = kit.lease('k');
    const later: LeasedProtocol[] = [];
    const again = (): unknown => kit.pool.get('k', new FakeEndpoint('connects').stream).subscribe(l => later.push(l));
    kit.pool.get('k', new FakeEndpoint().stream).subscribe({
      error: () => {
        lease.abort();
        again();
      },
    });
    expect(later).toHaveLength(1);
  });

  it('the other dial of a get that fails passes to the oldest get without one', () => {
    const polled$ = new Subject<void>();
    const kit = new PoolKit({ maxConnections: 3, validateIdle: polled$ });
    const [begun, own, other] = [new FakeEndpoint(), new FakeEndpoint(), new FakeEndpoint()];
    const used = kit.get('k', new FakeEndpoint('connects'));
    const elsewhere = kit.get('z', new FakeEndpoint('connects'));
    polled$.next();
    kit.get('k', begun);
    const oldest = kit.get('k', own);
    const failing = kit.get('k', other);
    const rival = kit.get('r', new FakeEndpoint());
    used.lease!.release();
    polled$.next(); // the dial that was begun is free: the oldest get adopts it
    elsewhere.lease!.abort(); // the next get dials
    begun.dials[0].fail(); // the rival takes the room
    other.dials[0].connect(); // validating, for the oldest
    rival.cancel(); // the next get dials again
    expect([own.dials.length, other.dials.length]).toEqual([0, 2]);
    kit.connections.at(-1)!.unsolicited();
    expect([failing.error, oldest.pending, own.dials.length, other.cancels]).toEqual([expect.anything(), true, 0, 0]);
    other.dials[1].connect();
    polled$.next();
    expect(oldest.lease?.state).toBe('ready');
  });

  it.each(['an Observable tells of the poll', 'nothing is polled'])(
    'a connection that ends by the teardown of a get that has gone goes to no other get: %s',
    how => {
      const polled$ = new Subject<void>();
      const polls = how === 'an Observable tells of the poll';
      const kit = new PoolKit({ validateIdle: polls ? polled$ : false, maxConnections: 3 });
      const first = kit.get('k');
      polled$.next();
      const gone = new FakeEndpoint();
      gone.onTeardown = () => kit.connections[0].finFromServer();
      const leaving = new Subscriber<LeasedProtocol>({
        next: () => undefined,
        error: () => undefined,
        complete: () => (polls ? polled$.next() : first.lease!.release()),
      });
      kit.pool.get('k', gone.stream).subscribe(leaving);
      const next = kit.get('k', new FakeEndpoint());
      if (polls) first.lease!.release();
      leaving.complete();
      expect([next.lease, kit.holds()]).toEqual([undefined, [0, 0, 1, 1]]);
    },
  );

  it('refused keys are forgotten, also where gets of theirs have waited for room', () => {
    const kit = new PoolKit({ maxConnections: 1, maxPending: 0 });
    const lease = kit.lease('b');
    const refused = ['x', 'y'].map(key => kit.get(key));
    expect(refused.map(({ error }) => error)).toEqual(
      Array(2).fill(expect.objectContaining({ code: 'ERR_POOL_QUEUE_FULL' })),
    );
    lease.release(); // would wake the first key that waits for room
    expect(kit.pool.keys()).toEqual(['b']);
  });
});

describe('warm-ups', () => {
  it('a dial that lost its get is aborted when its warm-up is over', () => {
    const kit = new PoolKit();
    const endpoint = new FakeEndpoint();
    const warming = kit.pool.warmUp('k', endpoint.stream, 1).subscribe();
    const get = kit.get('k', new FakeEndpoint());
    warming.unsubscribe();
    get.cancel();
    expect([endpoint.cancels, kit.holds()]).toEqual([1, [0, 0, 0, 0]]);
  });

  it('count connections on their way, under this key and under others, and evict none', () => {
    const polled$ = new Subject<void>();
    const one = new PoolKit({ maxPersistentPerHost: 1, validateIdle: polled$ }).watch();
    for (let i = 0; i < 2; i++) one.pool.warmUp('k', new FakeEndpoint('connects').stream, 1).subscribe();
    polled$.next();
    const all = new PoolKit({ maxPersistent: 1 }).watch();
    const endpoint = new FakeEndpoint();
    for (const key of ['a', 'b']) all.pool.warmUp(key, endpoint.stream, 1).subscribe();
    for (const dial of endpoint.pending) dial.connect();
    expect([...one.log(), ...all.log()].filter(line => line.includes('evicted'))).toEqual([]);
  });
});

describe('the function that makes a body', () => {
  function poolOver(...transports: FakeTransport[]): [HTTPConnectionPool, Observable<Transport>] {
    let at = 0;
    const endpoint$ = new Observable<Transport>(subscriber => subscriber.next(transports[at++]));
    return [new HTTPConnectionPool({ validateIdle: false }), endpoint$];
  }

  it('may unsubscribe from its request: nothing is sent, and the connection stays', () => {
    const transport = new FakeTransport();
    const [pool, endpoint$] = poolOver(transport);
    pool.get('k', endpoint$).subscribe(lease => {
      const subscription = new Subscription();
      const subscriber = new Subscriber({ next: () => undefined, error: () => undefined, complete: () => undefined });
      subscription.add(subscriber);
      const body = (): string => {
        subscription.unsubscribe();
        return 'x';
      };
      lease.request({ path: '/', method: 'POST', body }).subscribe(subscriber);
    });
    expect([transport.written, transport.destroyed, pool.stats()]).toEqual([
      '',
      false,
      expect.objectContaining({ idle: 1, leased: 0 }),
    ]);
  });

  it('may abort its lease: the request errors with AbortedError, and nothing is sent', () => {
    const transport = new FakeTransport();
    const [pool, endpoint$] = poolOver(transport);
    const errors: unknown[] = [];
    pool.get('k', endpoint$).subscribe(lease => {
      const body = (): string => {
        lease.abort();
        return 'x';
      };
      lease.request({ path: '/', method: 'POST', body }).subscribe({ error: error => errors.push(error) });
    });
    expect([errors, transport.written]).toEqual([[expect.objectContaining({ code: 'ERR_ABORTED' })], '']);
  });

  it('may unsubscribe from a retry, and throw: the place is free', () => {
    const [first, second] = [new FakeTransport(), new FakeTransport()];
    const dials: Subscriber<Transport>[] = [];
    const endpoint$ = new Observable<Transport>(subscriber => {
      if (dials.push(subscriber) === 1) subscriber.next(first);
    });
    const pool = new HTTPConnectionPool({ validateIdle: false });
    pool.get('k', endpoint$).subscribe(lease => lease.request({ path: '/' }).subscribe(r => r.text().subscribe()));
    first.respond(answer('a'));
    let calls = 0;
    let request = new Subscription();
    const body = (): string => {
      if (calls++ === 0) return 'x';
      request.unsubscribe();
      throw new Error('no body');
    };
    pool.get('k', endpoint$).subscribe(lease => {
      request = lease.request({ path: '/', method: 'PUT', body }).subscribe({ error: () => undefined });
    });
    first.fin();
    dials[1].next(second);
    expect([calls, pool.stats()]).toEqual([2, expect.objectContaining({ leased: 0, seats: 0 })]);
  });
});

describe('retries', () => {
  it('the body of a response that comes within the retry is read to its end', () => {
    const inWrite = new FakeTransport({
      onWrite: (_bytes, transport) => transport.respond('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n'),
    });
    const transports = [new FakeTransport(), inWrite];
    let at = 0;
    const endpoint$ = new Observable<Transport>(subscriber => subscriber.next(transports[at++]));
    const pool = new HTTPConnectionPool({ validateIdle: false });
    const seen: unknown[] = [];
    const hear = { next: (text: string) => seen.push(text), error: (error: unknown) => seen.push(error) };
    const go = (): unknown =>
      pool
        .get('k', endpoint$)
        .subscribe(lease => lease.request({ path: '/' }).subscribe(r => r.text().subscribe(hear)));
    go();
    transports[0].respond(answer('a'));
    go();
    transports[0].fin();
    inWrite.respond('xyz');
    expect(seen).toEqual(['a', 'xyz']);
  });

  it('a connection that answers the retry at once stays for the next get', () => {
    const polled$ = new Subject<void>();
    const endpoint = new FakeEndpoint('connects');
    const kit = new PoolKit({ maxConnections: 1, validateIdle: polled$ });
    const first = kit.get('k', endpoint);
    polled$.next();
    send(first.lease!);
    kit.connections[0].answer();
    const second = kit.get('k', endpoint);
    polled$.next();
    const sent = send(second.lease!);
    const next = kit.get('k', endpoint);
    kit.make = { answers: true };
    kit.connections[0].fail();
    polled$.next();
    polled$.next();
    expect([sent.completed, next.lease?.state, kit.connections.length]).toEqual([true, 'ready', 2]);
  });

  it('no endpoint is asked for a retry of a pool that the end of the dead connection closes', () => {
    const kit = new PoolKit();
    const endpoint = new FakeEndpoint('connects');
    kit.idle('k', endpoint);
    const sent = send(kit.lease('k', endpoint));
    const [dead] = kit.connections;
    dead.close = () => kit.pool.close();
    dead.fail();
    expect([endpoint.dials.length, sent.error]).toEqual([1, expect.objectContaining({ code: 'ERR_POOL_CLOSED' })]);
  });

  it('a request under way is retried before an unused lease of the same connection', () => {
    const { connections, lease } = seatsOf(2);
    record(lease().request({ path: '/' }));
    connections[0].pending[0].answer();
    lease();
    const sent = record(lease().request({ path: '/' }));
    connections[0].lose(new ResponseNeverReceivedError('reset'));
    expect([sent.error, connections.length]).toEqual([undefined, 2]);
  });

  it('an abort between the loss and the retry is an AbortedError', () => {
    const { connections, lease } = seatsOf(2);
    record(lease().request({ path: '/' }));
    connections[0].pending[0].answer();
    const [used, other] = [lease(), lease()];
    const sent = record(used.request({ path: '/' }));
    other.disconnected.subscribe(() => used.abort());
    connections[0].lose(new ResponseNeverReceivedError('reset'));
    expect([sent.error, connections.length]).toEqual([expect.objectContaining({ code: 'ERR_ABORTED' }), 1]);
  });
});

describe('connections that end where they are made or asked', () => {
  it('a get fails though the factory and the transport both throw', async () => {
    const pool = new HTTPConnectionPool({
      protocolFactory: () => {
        throw new Error('no connection');
      },
    });
    const transport = {
      destroy(): void {
        throw new Error('no end');
      },
    } as Transport;
    let error: unknown;
    const errors = await unhandledErrors(() => {
      pool.get('k', of(transport)).subscribe({ error: given => (error = given) });
    }, 1);
    config.onUnhandledError = null;
    expect([error, errors]).toEqual([expect.objectContaining({ code: 'ERR_CONNECT' }), [new Error('no end')]]);
  });

  it('the subscription to validateIdle is over when the connection dies within it', () => {
    let unsubscribed = 0;
    const kit: PoolKit = new PoolKit({
      validateIdle: new Observable(() => {
        kit.connections[0].finFromServer();
        return () => unsubscribed++;
      }),
    });
    expect([kit.get('k').error, unsubscribed]).toEqual([expect.anything(), 1]);
  });

  it('a connection that dies when it is to keep the process alive is not leased', () => {
    const { pool, connections, lease, endpoint } = seatsOf(1);
    lease().release();
    connections[0].ref = () => connections[0].lose(null);
    expect([lease().state, endpoint.dials.length, pool.stats().open]).toEqual(['ready', 2, 1]);
  });
});
