import { describe, expect, it } from '@jest/globals';
import { EMPTY, merge, mergeMap, Observable, of, Subject, throwError } from 'rxjs';
import { isHTTPClientError, ResponseFailedError, type HTTPClientError } from '../../src/errors/index.js';
import type { HTTPConnectionPoolOptions, LeasedProtocol } from '../../src/pool/index.js';
import type { Connection, ProtocolResponse } from '../../src/protocol/index.js';
import { turns } from '../loopback/until.js';
import { microtasks } from '../support/index.js';
import { FakeConnection, FakeEndpoint, PoolKit, send, Sent } from './support/index.js';

const boom = (): never => {
  throw new Error('boom');
};

/** Members of a connection that break its contract. */
type Fault = Partial<Record<keyof Connection, unknown>> & ThisType<FakeConnection>;

/** Puts the faults on a connection, accessors included. */
function break_(connection: FakeConnection, fault: Fault): void {
  Object.defineProperties(connection, Object.getOwnPropertyDescriptors(fault));
}

/** A pool with one place. Its first connection has the fault; those after it keep the contract. */
function poolWith(fault: Fault, options: HTTPConnectionPoolOptions = {}): PoolKit {
  const kit: PoolKit = new PoolKit({
    maxConnectionsPerHost: 1,
    protocolFactory: (transport, context) => {
      const connection = kit.protocolFactory(transport, context) as FakeConnection;
      if (kit.connections.length === 1) break_(connection, fault);
      return connection;
    },
    ...options,
  });
  return kit.watch();
}

/** What the pool reported as nobody else could be told. */
function reports(kit: PoolKit): string[] {
  return kit.events.flatMap(event => (event.type === 'error' ? String((event.error as Error).message) : []));
}

/** The pool has its place free, or serves it: the next get has a new connection, which works, and stays. */
function expectServed(kit: PoolKit): void {
  const made = kit.connections.length;
  const get = kit.get('k');
  expect(kit.connections).toHaveLength(made + 1);
  const sent = send(get.lease!);
  kit.connections[made].answer('fine');
  expect(sent.response).toBeDefined();
  expect(kit.holds()).toEqual([0, 1, 0, 0]);
  const { opened, evictions, seats, validating } = kit.pool.stats();
  expect([opened - evictions, seats, validating]).toEqual([1, 0, 0]);
}

const socketOf = (kit: PoolKit): number => (kit.connections[0].transport as unknown as { destroyed: number }).destroyed;

/** The consumer of a request has a typed error, and not a second notification. */
function expectFailed(sent: Sent): void {
  expect(isHTTPClientError(sent.error)).toBe(true);
  expect([sent.response, sent.completed]).toEqual([undefined, false]);
}

describe('A protocolFactory', () => {
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a number', 5, '5'],
    ['an object without request', { capacity: 1 }, '[object Object]'],
  ])('that returns %s fails the dial with an error that says so', (_, returned, told) => {
    const endpoint = new FakeEndpoint('connects');
    const kit = new PoolKit({ protocolFactory: () => returned as Connection });
    const { error } = kit.get('k', endpoint);
    expect(error).toMatchObject({ code: 'ERR_CONNECT' });
    expect((error as Error).message).toContain(`it returned ${told}, and no Connection`);
    expect(endpoint.dials[0].transport.destroyed).toBe(1);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it.each([0, 2, undefined])(
    'that returns a connection of capacity %p fails the dial, and the connection is closed',
    capacity => {
      const kit = poolWith({ capacity });
      const { error } = kit.get('k');
      expect(error).toMatchObject({ code: 'ERR_CONNECT' });
      expect((error as Error).message).toContain(`capacity ${capacity}`);
      expect([kit.connections[0].closes, socketOf(kit) > 0]).toEqual([1, true]);
      expectServed(kit);
    },
  );

  it('is told of the capacity also where close throws', async () => {
    const kit = poolWith({ capacity: 2, close: boom });
    expect((kit.get('k').error as Error).message).toContain('capacity 2');
    await microtasks();
    expect([reports(kit), socketOf(kit)]).toEqual([['boom'], 1]);
    expectServed(kit);
  });

  it('that throws fails the dial with what it threw as the cause', () => {
    const endpoint = new FakeEndpoint('connects');
    const kit = new PoolKit({ protocolFactory: boom });
    expect(kit.get('k', endpoint).error).toMatchObject({ code: 'ERR_CONNECT', cause: { message: 'boom' } });
    expect(endpoint.dials[0].transport.destroyed).toBe(1);
  });
});

describe('quiescent', () => {
  it('that fires while a response is awaited ends the connection, and the request has an error', async () => {
    const kit = poolWith({});
    const sent = send(kit.lease('k'));
    kit.connections[0].quiescentByMistake();
    await microtasks();
    expectFailed(sent);
    expect(reports(kit)).toEqual(['A connection was handed back while it was open']);
    expect(kit.log()).toContain('k evicted wrong-state');
    expect(kit.connections[0].closes).toBe(1);
    expectServed(kit);
  });

  it('that fires twice ends the connection: it is not cached, and no later lease has it', async () => {
    const kit = poolWith({});
    kit.idle('k').quiescentByMistake();
    await microtasks();
    expect(reports(kit)).toEqual(['A connection was handed back while it was idle']);
    expect([kit.connections[0].closes, kit.holds()]).toEqual([1, [0, 0, 0, 0]]);
    expectServed(kit);
  });

  it('that fires again for an exchange that is over does not end the next exchange', async () => {
    const kit = poolWith({});
    kit.idle('k');
    const lease = kit.lease('k');
    kit.connections[0].quiescentByMistake();
    await microtasks();
    // The lease had sent nothing, so nobody took another's response for its own.
    expect(lease.state).toBe('closed');
    expect(reports(kit)).toEqual(['A connection was handed back while it was open']);
    expectServed(kit);
  });

  it('that fires before any request ends the connection', async () => {
    const kit = poolWith({});
    const lease = kit.lease('k');
    kit.connections[0].quiescentByMistake();
    await microtasks();
    expect(lease.state).toBe('closed');
    expect(send(lease).error).toMatchObject({ code: 'ERR_LEASE_USED' });
    expect(reports(kit)).toEqual(['A connection was handed back while it was open']);
    expectServed(kit);
  });

  it('that fires while the connection is validated fails the get that dialled', async () => {
    const polled = new Subject<void>();
    const kit = poolWith({}, { validateIdle: polled });
    const get = kit.get('k');
    kit.connections[0].quiescentByMistake();
    await microtasks();
    expect(get.error).toMatchObject({ code: 'ERR_CONNECT' });
    expect(reports(kit)).toEqual(['A connection was handed back while it was validating']);
    expect([kit.connections[0].closes, polled.observed, kit.holds()]).toEqual([1, false, [0, 0, 0, 0]]);
  });
});

describe.each(['quiescent', 'disconnected'] as const)('%s that errors', name => {
  const cases: [string, (kit: PoolKit) => Sent | LeasedProtocol | null][] = [
    ['while a request is under way', kit => send(kit.lease('k'))],
    ['while a lease is unused', kit => kit.lease('k')],
    ['while the connection is idle', kit => (kit.idle('k'), null)],
  ];
  it.each(cases)('%s ends the connection', async (_, begin) => {
    const told = new Subject<never>();
    const odd = poolWith({
      get [name]() {
        return merge(Reflect.get(FakeConnection.prototype, name, this) as Connection['quiescent'], told);
      },
    });
    const begun = begin(odd);
    told.error(new Error('boom'));
    await microtasks();
    expect(reports(odd)).toEqual(['boom']);
    expect(odd.connections[0].closes).toBe(1);
    if (begun !== null && 'state' in begun) expect(begun.state).toBe('closed');
    else if (begun !== null) expectFailed(begun);
    expectServed(odd);
  });

  it('at once fails the dial', async () => {
    const kit = poolWith({ [name]: throwError(() => new Error('boom')) });
    expect(kit.get('k').error).toMatchObject({ code: 'ERR_UNSOLICITED_DATA' });
    await microtasks();
    expect([reports(kit), kit.connections[0].closes]).toEqual([['boom'], 1]);
    expectServed(kit);
  });
});

describe('request', () => {
  it.each<[string, Fault, string, string]>([
    ['that throws', { request: boom }, 'ERR_REQUEST_TRANSMISSION_FAILED', 'boom'],
    ['that returns nothing', { request: () => undefined }, 'ERR_REQUEST_TRANSMISSION_FAILED', 'undefined'],
    [
      'that completes without a response',
      { request: () => EMPTY },
      'ERR_RESPONSE_NEVER_RECEIVED',
      'without a response',
    ],
  ])('%s fails, and the connection is not used again', async (_, fault, code, told) => {
    const kit = poolWith(fault);
    const sent = send(kit.lease('k'));
    await microtasks();
    expectFailed(sent);
    expect(sent.error).toMatchObject({ code });
    expect((sent.error as Error).message).toContain(told);
    expect(reports(kit)).toEqual([expect.stringContaining(told)]);
    expect(kit.connections[0].closes).toBe(1);
    expectServed(kit);
  });

  it('that throws is told as the cause of the error', () => {
    const { error } = send(poolWith({ request: boom }).lease('k'));
    expect(error).toMatchObject({ cause: { message: 'boom' } });
  });

  it('that aborts its own lease is unsubscribed from, and reports nothing', async () => {
    let torn = 0;
    const kit = poolWith({
      request: () =>
        new Observable(() => {
          lease.abort();
          return () => torn++;
        }),
    });
    const lease = kit.lease('k');
    const sent = send(lease);
    await microtasks();
    expectFailed(sent);
    expect([torn, reports(kit), lease.state]).toEqual([1, [], 'closed']);
    expectServed(kit);
  });

  it('that fails with an error of its own leaves a connection that says it is quiescent as it was', () => {
    const kit = poolWith({ request: () => throwError(() => new Error('not this one')) });
    const sent = send(kit.lease('k'));
    expect(sent.error).toMatchObject({ message: 'not this one' });
    expect(sent.error).not.toHaveProperty('reused');
    expect([kit.holds(), kit.connections[0].closes]).toEqual([[0, 1, 0, 0], 0]);
  });

  const response = { status: 200, body: { used: false } } as unknown as ProtocolResponse;

  it('that emits twice gives its consumer the first response, and the connection ends', async () => {
    const kit = poolWith({ request: () => of(response, { ...response, status: 500 }) });
    const sent = send(kit.lease('k'));
    await microtasks();
    expect([sent.response?.status, sent.completed, sent.error]).toEqual([200, true, undefined]);
    expect(reports(kit)).toEqual(['The connection answered a request twice']);
    expect(kit.connections[0].closes).toBe(1);
    expectServed(kit);
  });

  it('that emits once more after its exchange has ended does not harm the next lease', async () => {
    const late = new Subject<ProtocolResponse>();
    let requests = 0;
    const kit = poolWith({
      request(request: never) {
        const own$ = FakeConnection.prototype.request.call(this, request);
        return requests++ === 0 ? merge(own$, late) : own$;
      },
    });
    const first = send(kit.lease('k'));
    kit.connections[0].answer();
    const second = send(kit.lease('k'));
    late.next(response);
    await microtasks();
    kit.connections[0].answer();
    expect([first.completed, second.completed, second.response === response]).toEqual([true, true, false]);
    expect(reports(kit)).toEqual(['The connection answered a request twice']);
  });
});

describe('the teardown of request', () => {
  it.each<[string, (lease: LeasedProtocol, sent: Sent) => void]>([
    ['aborted', lease => lease.abort()],
    ['unsubscribed from', (_, sent) => sent.subscription.unsubscribe()],
  ])('that throws does not reach who %s', async (_, act) => {
    const kit = poolWith({ request: () => new Observable(() => boom), close: () => undefined });
    const lease = kit.lease('k');
    const sent = send(lease);
    expect(() => act(lease, sent)).not.toThrow();
    await microtasks();
    expect(reports(kit)).toEqual([expect.stringContaining('boom')]);
    expectServed(kit);
  });
});

describe('close', () => {
  it.each<[string, (kit: PoolKit) => void]>([
    ['an unused lease is aborted', kit => kit.lease('k').abort()],
    [
      'a lease is aborted under its request',
      kit => {
        const lease = kit.lease('k');
        const sent = send(lease);
        lease.abort();
        expectFailed(sent);
      },
    ],
    ['a request is unsubscribed from', kit => send(kit.lease('k')).subscription.unsubscribe()],
    [
      'an idle connection is evicted',
      kit => {
        kit.idle('k');
        kit.advance(30_000);
      },
    ],
    [
      'a lease leaks',
      kit => {
        kit.lease('k');
        kit.advance(30_000);
      },
    ],
  ])('that throws where %s: the socket is destroyed and the place is free', async (_, act) => {
    const kit = poolWith({ close: boom });
    act(kit);
    await microtasks();
    expect(reports(kit)).toEqual(['boom']);
    expect(socketOf(kit)).toBeGreaterThan(0);
    expectServed(kit);
  });

  it('that throws does not keep its pool from closing', async () => {
    const kit = poolWith({ close: boom });
    kit.idle('k');
    let closed = false;
    kit.pool.close().subscribe(() => (closed = true));
    await microtasks();
    expect([closed, socketOf(kit)]).toEqual([true, 1]);
  });

  it('that throws, over a transport that throws as well: both are reported', async () => {
    const kit = poolWith({ close: boom });
    const lease = kit.lease('k');
    kit.connections[0].transport.destroy = () => {
      throw new Error('and again');
    };
    lease.abort();
    await microtasks();
    expect(reports(kit)).toEqual(['boom', 'and again']);
    expectServed(kit);
  });

  it.each(['nothing', 'an exception'])('that answers with %s does not leave a request waiting', async how => {
    const told = new Subject<never>();
    const kit = poolWith({
      close: how === 'nothing' ? () => undefined : boom,
      quiescent: told,
    });
    const sent = send(kit.lease('k'));
    told.error(new Error('odd'));
    await microtasks();
    expectFailed(sent);
    expect(reports(kit)[0]).toBe('odd');
    expectServed(kit);
  });
});

describe('disconnected that emits', () => {
  it.each([
    ['null', null],
    ['an error', new ResponseFailedError('gone')],
  ])('%s, while its request never ends: the request fails', async (_, error) => {
    const told = new Subject<HTTPClientError | null>();
    const kit = poolWith({ disconnected: told, close: () => undefined });
    const sent = send(kit.lease('k'));
    told.next(error);
    expect(sent.error).toBeUndefined();
    await turns();
    expectFailed(sent);
    expectServed(kit);
  });
});

describe('progress', () => {
  const thrower = { progress: boom };

  it('that throws when a lease is given: the dial fails', async () => {
    const kit = poolWith(thrower);
    expect(kit.get('k').error).toMatchObject({ code: 'ERR_UNSOLICITED_DATA' });
    await microtasks();
    expect([reports(kit), kit.connections[0].closes]).toEqual([['boom'], 1]);
    expectServed(kit);
  });

  it('that throws at release: the connection is not cached', async () => {
    const kit = poolWith({});
    const lease = kit.lease('k');
    break_(kit.connections[0], thrower);
    lease.release();
    await microtasks();
    expect([reports(kit), kit.connections[0].closes]).toEqual([['boom'], 1]);
    expectServed(kit);
  });

  it('that throws where the state of a lease is asked for: the request fails', async () => {
    const kit = poolWith({});
    const lease = kit.lease('k');
    const sent = send(lease);
    break_(kit.connections[0], thrower);
    expect(() => lease.state).not.toThrow();
    expect(lease.state).toBe('closed');
    await microtasks();
    expectFailed(sent);
    expect(reports(kit)).toEqual(['boom']);
    expectServed(kit);
  });

  it('that throws where a retry is decided on: there is none', async () => {
    const kit = poolWith({});
    kit.idle('k');
    const sent = send(kit.lease('k'));
    break_(kit.connections[0], thrower);
    kit.connections[0].fail();
    await microtasks();
    expectFailed(sent);
    expect(kit.pool.stats().retries).toBe(0);
    expect(reports(kit)).toEqual(['boom']);
    expectServed(kit);
  });

  it('that throws as the connection says that it is quiescent: it is not cached', async () => {
    const kit = poolWith({});
    const sent = send(kit.lease('k'));
    break_(kit.connections[0], thrower);
    kit.connections[0].answer();
    await microtasks();
    expect(sent.response ?? sent.error).toBeDefined();
    expect(reports(kit)[0]).toBe('boom');
    expectServed(kit);
  });
});

describe('An idle connection that died without a word', () => {
  it.each([
    ['lifo', 'closed'],
    ['fifo', 'upgraded'],
  ] as const)('is passed over: the get has the one after it, and no dial is begun: %s, %s', (idleOrder, state) => {
    const kit = new PoolKit({ idleOrder }).watch();
    const leases = [kit.lease('k'), kit.lease('k'), kit.lease('k')];
    for (const lease of leases) lease.release();
    const dead = kit.connections[idleOrder === 'lifo' ? 2 : 0];
    break_(dead, { progress: () => ({ state, wrote: false, responseByte: false, bodySubscribed: false }) });
    const endpoint = new FakeEndpoint();
    send(kit.lease('k', endpoint));
    expect(kit.connections.map(({ requests }) => requests.length)).toEqual([0, 1, 0]);
    expect([endpoint.dials.length, kit.holds()]).toEqual([0, [1, 1, 0, 0]]);
    expect(kit.log()).toContain('k evicted peer-closed');
  });
});

/** Requests over the one place, in order and in a queue, with idle times and a loss between them. */
function play(kit: PoolKit): Sent[] {
  const all: Sent[] = [];
  const ask = (): void => {
    const sent = new Sent();
    all.push(sent);
    kit.pool
      .get('k', new FakeEndpoint('connects').stream)
      .pipe(mergeMap(lease => lease.request({ path: '/' })))
      .subscribe({
        next: response => (sent.response = response),
        error: (error: unknown) => (sent.error = error),
      });
  };
  const answer = (how: 'answer' | 'fail'): void =>
    kit.connections.filter(({ state }) => state === 'waiting').forEach(connection => connection[how]());
  for (let round = 0; round < 3; round++) {
    ask();
    ask();
    for (let i = 0; i < 3; i++) answer('answer');
    kit.advance(5);
  }
  kit.get('k').lease?.release();
  kit.advance(5);
  ask();
  answer('fail');
  answer('answer');
  return all;
}

/** A fault that throws the first time that a member is asked after `before` times. */
function throwsAt(name: 'keepAlive' | 'ref' | 'unref' | 'progress' | 'close', before: number): Fault {
  let calls = 0;
  const ask = (): void => {
    if (calls++ === before) boom();
  };
  if (name === 'keepAlive')
    return {
      get keepAlive(): unknown {
        return ask();
      },
    };
  return {
    [name](this: FakeConnection, ...args: []): unknown {
      ask();
      return Reflect.apply(FakeConnection.prototype[name], this, args);
    },
  };
}

describe.each(['keepAlive', 'ref', 'unref', 'progress', 'close'] as const)('%s that throws once', name => {
  it.each<[string, HTTPConnectionPoolOptions]>([
    ['false', { validateIdle: false }],
    ['an Observable', { validateIdle: of(true) }],
  ])('with validateIdle %s, whenever that is: no place is lost, and nobody waits for ever', async (_, options) => {
    let thrown = 0;
    for (let before = 0; before < 40; before++) {
      const kit = poolWith(throwsAt(name, before), options);
      const all = play(kit);
      await turns();
      for (const sent of all) {
        if (sent.error !== undefined) expectFailed(sent);
        else expect(sent.response).toBeDefined();
      }
      const [leased, idle, connecting, pending] = kit.holds();
      expect([before, leased, connecting, pending, idle <= 1]).toEqual([before, 0, 0, 0, true]);
      const { opened, evictions, seats, validating } = kit.pool.stats();
      expect([before, opened - evictions, seats, validating]).toEqual([before, idle, 0, 0]);
      const told = reports(kit);
      thrown += told.length;
      expect(told).toEqual(told.length === 0 ? [] : ['boom']);
      if (told.length > 0) expect(kit.connections[0].state === 'closed' || socketOf(kit) > 0).toBe(true);
      const [last] = play(kit);
      expect([before, (last.response ?? last.error) === undefined]).toEqual([before, false]);
      if (told.length > 0) expect(last.error).toBeUndefined();
    }
    expect(thrown).toBeGreaterThan(0);
  });
});
