import type { RequestListener } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  concatMap,
  defer,
  EMPTY,
  expand,
  firstValueFrom,
  forkJoin,
  lastValueFrom,
  map,
  mergeMap,
  type Observable,
  of,
  range,
  repeat,
  Subject,
  switchMap,
  toArray,
} from 'rxjs';
import { Agent, HTTPConnectionPool, tcp, text, type LeasedProtocol } from 'rxjs-http-pool';
import { httpServer, type Loopback, turns, until } from '../loopback/index.js';

jest.setTimeout(60_000);

const count = 100;
const numbers = Array.from({ length: count }, (_, i) => i);

// Not only small bodies: one that comes with its head, one in chunks, one that takes several reads.
const answer: RequestListener = (request, response) => {
  const id = Number(request.url!.slice(1));
  if (id % 3 === 0) response.end(`${id}`);
  else if (id % 3 === 1) {
    response.write(`${id}`.slice(0, 1));
    void turns(1).then(() => response.end(`${id}`.slice(1)));
  } else response.end(`${id}${' '.repeat(200_000)}`);
};

describe('one request after the other', () => {
  let server: Loopback;
  let pool: HTTPConnectionPool;
  let agent: Agent;

  beforeEach(async () => {
    server = await httpServer(answer);
    pool = new HTTPConnectionPool();
    agent = new Agent({ pool });
  });

  afterEach(async () => {
    await lastValueFrom(pool.close({ gracePeriod: 0 }));
    await server.close();
  });

  function get(): Observable<LeasedProtocol> {
    return pool.get('key', tcp({ host: server.host, port: server.port }));
  }

  const ways: Record<string, (id: number) => Observable<string>> = {
    'pool.get': id =>
      get().pipe(
        mergeMap(lease => lease.request({ path: `/${id}` })),
        text(),
        map(body => body.trim()),
      ),
    'pool.use': id =>
      pool
        .use('key', tcp({ host: server.host, port: server.port }), lease =>
          lease.request({ path: `/${id}` }).pipe(mergeMap(response => response.text())),
        )
        .pipe(map(body => body.trim())),
    agent: id =>
      agent.get(`http://${server.host}:${server.port}/${id}`).pipe(
        text(),
        map(body => body.trim()),
      ),
    'response.body of agent': id =>
      agent.get(`http://${server.host}:${server.port}/${id}`).pipe(
        mergeMap(({ body }) => body.pipe(toArray())),
        map(chunks => Buffer.concat(chunks).toString().trim()),
      ),
  };

  const composed: Record<string, (request: (id: number) => Observable<string>) => Promise<string[]>> = {
    concatMap: request => lastValueFrom(range(0, count).pipe(concatMap(request), toArray())),
    'mergeMap(, 1)': request => lastValueFrom(range(0, count).pipe(mergeMap(request, 1), toArray())),
    // As a polling client has it: the answer to one request sets off the next, from within its `next`.
    switchMap: request =>
      new Promise((resolve, reject) => {
        const ask$ = new Subject<number>();
        const answers: string[] = [];
        ask$.pipe(switchMap(request)).subscribe({
          next: body => {
            answers.push(body);
            if (answers.length === count) resolve(answers);
            else ask$.next(answers.length);
          },
          error: reject,
        });
        ask$.next(0);
      }),
    expand: request =>
      lastValueFrom(
        request(0).pipe(
          expand(body => (Number(body) + 1 < count ? request(Number(body) + 1) : EMPTY)),
          toArray(),
        ),
      ),
    repeat: request => {
      let id = 0;
      return lastValueFrom(defer(() => request(id++)).pipe(repeat(count), toArray()));
    },
    'for await': async request => {
      async function* answersInTurn(): AsyncGenerator<string> {
        for (const id of numbers) yield await firstValueFrom(request(id));
      }
      const answers: string[] = [];
      for await (const answer of answersInTurn()) answers.push(answer);
      return answers;
    },
    promises: request =>
      numbers.reduce<Promise<string[]>>(
        async (before, id) => [...(await before), await lastValueFrom(request(id))],
        Promise.resolve([]),
      ),
  };

  for (const [way, request] of Object.entries(ways)) {
    for (const [operator, compose] of Object.entries(composed)) {
      it(`opens one connection: ${way}, ${operator}`, async () => {
        expect(await compose(request)).toEqual(numbers.map(String));
        expect(server.connections).toBe(1);
        expect(pool.stats()).toMatchObject({ opened: 1, leases: count, reuses: count - 1, leased: 0, idle: 1 });
      });
    }
  }

  it('opens as many connections as requests run at once', async () => {
    // The control: were it one here as well, the specs above would prove nothing.
    await lastValueFrom(forkJoin(numbers.slice(0, 10).map(id => ways.agent(id))));
    expect(server.connections).toBe(10);
  });

  it('leases for a promise, and then for a request', async () => {
    const lease = await firstValueFrom(get());
    expect(lease.state).toBe('ready');
    await turns(5);
    expect(lease.state).toBe('ready');
    expect(pool.stats()).toMatchObject({ leased: 1, idle: 0 });

    const response = await firstValueFrom(lease.request({ path: '/3' }));
    expect(response.status).toBe(200);
    expect(await firstValueFrom(response.text())).toBe('3');
    expect(lease.state).toBe('released');
    expect(pool.stats()).toMatchObject({ leased: 0, idle: 1, leaks: 0 });

    const again = await firstValueFrom(get());
    expect(again.reused).toBe(true);
    again.release();
    expect(server.connections).toBe(1);
  });

  for (const [name, validateIdle] of [
    ['not validated', false],
    ['validated at once', of(true)],
  ] as const) {
    it(`does not overflow the stack in a chain of 100 000 releases and takes, ${name}`, async () => {
      await lastValueFrom(pool.close());
      pool = new HTTPConnectionPool({ validateIdle });
      let taken = 0;
      await new Promise<void>((resolve, reject) => {
        const take = (): void => {
          get().subscribe({
            next: lease => {
              lease.release();
              // Without validation this take is served from within the release: the shortest way round there is.
              if (++taken === 100_000) resolve();
              else take();
            },
            error: reject,
          });
        };
        take();
      });
      expect(pool.stats()).toMatchObject({ leases: 100_000, opened: 1, leased: 0, pending: 0 });
      expect(server.connections).toBe(1);
    });
  }

  it('does not overflow the stack in a release-take chain made by `repeat`', async () => {
    const released$ = defer(get).pipe(
      map(lease => lease.release()),
      repeat(30_000),
    );
    await lastValueFrom(released$);
    expect(pool.stats()).toMatchObject({ leases: 30_000, opened: 1, leased: 0, pending: 0 });
    expect(server.connections).toBe(1);
  });
});

describe('5 000 URLs in one unbounded mergeMap', () => {
  const urls = 5_000;
  let server: Loopback;

  beforeEach(async () => {
    server = await httpServer((request, response) => {
      const id = Number(request.url!.slice(1));
      response.statusCode = 200 + (id % 4 === 3 ? 204 : id % 3);
      // With a length, in chunks, without a body, and with one of more than a read.
      if (id % 4 === 0) response.end(`answer ${id}`);
      else if (id % 4 === 1) {
        response.write('answer ');
        response.end(String(id));
      } else if (id % 4 === 2) response.end(Buffer.alloc(40_000, id));
      else response.end();
    });
  });

  afterEach(() => server.close());

  const expected = (id: number): number => 200 + (id % 4 === 3 ? 204 : id % 3);

  it('completes them all through the agent, of which only the status is read', async () => {
    const agent = new Agent();
    const statuses = await lastValueFrom(
      range(0, urls).pipe(
        mergeMap(id =>
          agent.get(`http://${server.host}:${server.port}/${id}`).pipe(map(({ status }) => [id, status] as const)),
        ),
        toArray(),
      ),
    );
    check(statuses);
    await settled(agent.pool);
    await lastValueFrom(agent.close());
  });

  it('completes them all through the pool', async () => {
    const pool = new HTTPConnectionPool();
    const endpoint$ = tcp({ host: server.host, port: server.port });
    const statuses = await lastValueFrom(
      range(0, urls).pipe(
        mergeMap(id =>
          pool.get('key', endpoint$).pipe(
            mergeMap(lease => lease.request({ path: `/${id}` })),
            map(({ status }) => [id, status] as const),
          ),
        ),
        toArray(),
      ),
    );
    check(statuses);
    await settled(pool);
    await lastValueFrom(pool.close());
  });

  function check(statuses: (readonly [number, number])[]): void {
    expect(statuses).toHaveLength(urls);
    expect(new Set(statuses.map(([id]) => id)).size).toBe(urls);
    expect(statuses.filter(([id, status]) => status !== expected(id))).toEqual([]);
    expect(server.connections).toBeLessThanOrEqual(64);
  }

  /** The unread bodies give their connections back by themselves. */
  async function settled(pool: HTTPConnectionPool): Promise<void> {
    await until(() => pool.stats().leased === 0, 'all leases back');
    expect(pool.stats()).toMatchObject({ leases: urls, leased: 0, pending: 0, leaks: 0, connecting: 0 });
  }
});
