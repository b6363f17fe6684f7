import { describe, expect, it } from '@jest/globals';
import { mergeMap, Observable, Subject, type Subscriber } from 'rxjs';
import { ResponseNeverReceivedError, type HTTPClientError } from '../../src/errors/index.js';
import { HTTPConnectionPool, type LeasedProtocol } from '../../src/pool/index.js';
import {
  HTTP11ClientProtocol,
  type Connection,
  type ConnectionState,
  type ExchangeProgress,
  type ProtocolRequest,
  type ProtocolResponse,
} from '../../src/protocol/index.js';
import { answer, FakeTransport, microtasks, record } from '../support/index.js';

/** A connection of somebody else's, that does not keep the order that `Connection` asks for. */
class Careless implements Connection {
  readonly capacity = 1;
  readonly info = { authority: 'careless', secure: false, timings: {} };
  readonly quiescent = new Subject<void>();
  readonly disconnected = new Subject<HTTPClientError | null>();
  state: ConnectionState = 'quiescent';
  #wrote = false;
  #asked: Subscriber<ProtocolResponse> | null = null;

  /** `tells`: that it is lost, when whoever asked has heard of it, or not at all. */
  constructor(readonly tells: 'late' | 'never') {}

  request(): Observable<ProtocolResponse> {
    return new Observable(subscriber => {
      this.state = 'waiting';
      this.#wrote = true;
      this.#asked = subscriber;
    });
  }

  answer(): void {
    this.state = 'quiescent';
    this.quiescent.next();
    this.#asked!.next({ status: 200, body: { used: false } } as unknown as ProtocolResponse);
    this.#asked!.complete();
    this.#asked = null;
  }

  die(): void {
    const error = new ResponseNeverReceivedError('lost');
    this.state = 'closed';
    if (this.tells === 'late') queueMicrotask(() => this.disconnected.next(error));
    this.#asked?.error(error);
  }

  progress(): ExchangeProgress {
    return { state: this.state, wrote: this.#wrote, responseByte: false, bodySubscribed: false };
  }

  close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    queueMicrotask(() => this.disconnected.next(null));
  }

  ref(): void {}
  unref(): void {}
}

/** A pool with one place, whose first connection has carried a request. */
function careless(tells: 'late' | 'never') {
  const connections: Careless[] = [];
  const pool = new HTTPConnectionPool({
    validateIdle: false,
    maxConnectionsPerHost: 1,
    protocolFactory: () => {
      const connection = new Careless(tells);
      connections.push(connection);
      return connection;
    },
  });
  const endpoint$ = new Observable<FakeTransport>(subscriber => {
    subscriber.next(new FakeTransport());
    subscriber.complete();
  });
  const get = (): Observable<LeasedProtocol> => pool.get('k', endpoint$);
  const send = (method: string) => record(get().pipe(mergeMap(lease => lease.request({ path: '/', method }))));
  send('GET');
  connections[0].answer();
  return { pool, connections, get, send };
}

describe.each(['late', 'never'] as const)(
  'a connection of another protocolFactory that tells %s that it is lost',
  tells => {
    it.each(['GET', 'POST'])('loses no place under the limit when it dies in use: %s', async method => {
      const { pool, connections, get, send } = careless(tells);
      const seen = send(method);
      connections[0].die();
      await microtasks();
      connections[1]?.answer();
      // A GET went out once more.
      expect(seen.outcome).toBe(method === 'GET' ? 'value' : 'ResponseNeverReceivedError');
      expect(pool.stats()).toMatchObject({ leased: 0 });
      const next = record(get());
      await microtasks();
      expect(next.values).toHaveLength(1);
    });

    it('loses no place if whoever asks has gone by the time that anybody could know', async () => {
      const { pool, connections, get } = careless(tells);
      const asking = get()
        .pipe(mergeMap(lease => lease.request({ path: '/' })))
        .subscribe();
      connections[0].state = 'closed';
      asking.unsubscribe();
      await microtasks();
      expect(pool.stats()).toMatchObject({ leased: 0 });
      const next = record(get());
      await microtasks();
      expect([next.values.length, connections.length]).toEqual([1, 2]);
    });

    it.each(['release', 'abort'] as const)('is not used again when its lease is left by %s', async how => {
      const { connections, get } = careless(tells);
      const lease = record(get()).values[0];
      connections[0].die();
      lease[how]();
      await microtasks();
      const next = record(get());
      await microtasks();
      expect([next.values.length, connections.length]).toEqual([1, 2]);
    });
  },
);

describe('a protocolFactory that makes one of ours with a request of its own', () => {
  class Signed extends HTTP11ClientProtocol {
    override request(request: ProtocolRequest): Observable<ProtocolResponse> {
      return super.request({ ...request, headers: { 'X-Signature': 'mine' } });
    }
  }

  it.each<[string, (one: HTTP11ClientProtocol) => HTTP11ClientProtocol]>([
    ['by a subclass', one => one],
    [
      'by a patch',
      one => {
        const request = one.request.bind(one);
        one.request = init => request({ ...init, headers: { 'X-Signature': 'mine' } });
        return one;
      },
    ],
  ])('is asked through it: %s', (how, patched) => {
    const transport = new FakeTransport();
    const pool = new HTTPConnectionPool({
      validateIdle: false,
      protocolFactory: (...made) =>
        how === 'by a subclass' ? new Signed(...made) : patched(new HTTP11ClientProtocol(...made)),
    });
    const endpoint$ = new Observable<FakeTransport>(subscriber => subscriber.next(transport));
    const seen = record(pool.get('k', endpoint$).pipe(mergeMap(lease => lease.request({ path: '/' }))));
    transport.respond(answer());
    expect(seen.values[0].status).toBe(200);
    expect(transport.requests[0].headers).toContainEqual(['x-signature', 'mine']);
  });
});
