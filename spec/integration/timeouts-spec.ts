import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { lastValueFrom, map, mergeMap, NEVER, Observable, of, retry, tap, VirtualTimeScheduler } from 'rxjs';
import {
  AcquireTimeoutError,
  Agent,
  BodyTimeoutError,
  BodyUnclaimedError,
  bytes,
  ConnectTimeoutError,
  discard,
  HeadersTimeoutError,
  HTTPConnectionPool,
  type HTTPClientError,
  isHTTPClientError,
  text,
  throwIfNotOk,
  type Timeouts,
  TotalTimeoutError,
  UploadTimeoutError,
} from 'rxjs-http-pool';
import { type Blackhole, blackhole, lateness, type Loopback, rawServer, until } from '../loopback/index.js';
import { FakeTransport } from '../support/index.js';

jest.setTimeout(60_000);

const tries = 5;
/** How late a deadline may be, in ms. */
const exact = 20;

/** The URL that is asked for, and how it may appear in an error. */
const path = '/stall?token=secret';
const redacted = '/stall?…';

async function failureOf(work$: Observable<unknown>): Promise<HTTPClientError> {
  const outcome: unknown = await lastValueFrom(work$, { defaultValue: 'nothing' }).catch((error: unknown) => error);
  if (isHTTPClientError(outcome)) return outcome;
  throw new Error(`It did not time out: ${String(outcome)}`);
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

describe('deadlines in real time, exact to 20 ms', () => {
  const servers: Loopback[] = [];
  const agents: Agent[] = [];
  let hole: Blackhole;

  beforeAll(async () => {
    hole = await blackhole();
  });

  afterAll(() => hole.close());

  afterEach(async () => {
    await Promise.all(agents.splice(0).map(agent => lastValueFrom(agent.close({ gracePeriod: 0 }))));
    await Promise.all(servers.splice(0).map(server => server.close()));
  });

  function agentWith(timeouts: Timeouts, maxConnectionsPerHost = 64): Agent {
    const agent = new Agent({ timeouts, pool: { maxConnectionsPerHost } });
    agents.push(agent);
    return agent;
  }

  /** Says `answer` to each request, and then nothing. */
  async function stalling(answer: string, onConnection?: (socket: Socket) => void): Promise<string> {
    const server = await rawServer(socket => {
      if (onConnection !== undefined) onConnection(socket);
      else socket.on('data', () => socket.write(answer, 'latin1'));
    });
    servers.push(server);
    return `http://user:password@${server.host}:${server.port}${path}`;
  }

  /**
   * Lets it time out several times, all at once: the median is what the machine does, not what it did to one of them.
   * `attempt` returns how long it took, in ms.
   */
  async function expectTime(name: string, timeout: number, attempt: () => Promise<number>): Promise<void> {
    // A machine that is busy with something else gets another chance; a deadline that is late is late each time.
    for (let round = 0; ; round++) {
      const [plain, ...times] = await Promise.all([lateness(timeout), ...Array.from({ length: tries }, attempt)]);
      const late = times.map(ms => ms - timeout);
      const shown = late.map(ms => ms.toFixed(1)).join(' ');
      console.log(
        `${name}: ${timeout} ms, late by ${shown}, median ${median(late).toFixed(1)}; a plain timer ${plain.toFixed(1)}`,
      );
      // Two clocks are compared, of which one counts whole ms: a deadline may seem to be up to 2 ms early. (One alone may
      // seem to be more, if this process was interrupted between the bytes and the look at the clock.)
      expect(median(late)).toBeGreaterThan(-2);
      if (round < 2 && median(late) - plain >= exact) continue;
      expect(median(late) - plain).toBeLessThan(exact);
      return;
    }
  }

  async function timed(start$: Observable<unknown>): Promise<{ error: HTTPClientError; ms: number }> {
    const started = performance.now();
    const error = await failureOf(start$);
    return { error, ms: performance.now() - started };
  }

  function expectAbout(error: HTTPClientError, url: string, method = 'GET'): void {
    const shown = url.replace('user:password@', '').replace(path, redacted);
    expect(error.request).toEqual({ method, url: shown });
    expect(error.message.startsWith(`${method} ${shown}: `)).toBe(true);
    expect(`${error.message}${error.stack}`).not.toMatch(/secret|password/);
  }

  it('acquire', async () => {
    const timeout = 150;
    const url = await stalling('');
    const agent = agentWith({ acquire: timeout }, 1);
    const holder = agent.get(url).subscribe(); // has the only connection
    await until(() => agent.pool.stats().leased === 1 && servers[0].connections === 1, 'the only connection in use');
    await expectTime('acquire', timeout, async () => {
      const { error, ms } = await timed(agent.get(url));
      expect(error).toBeInstanceOf(AcquireTimeoutError);
      expect(error).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT', phase: 'acquire', acquireTimeout: timeout });
      expect((error as AcquireTimeoutError).snapshot).toMatchObject({ leased: 1, max: 1 });
      expectAbout(error, url);
      return ms;
    });
    holder.unsubscribe();
    expect(servers[0].connections).toBe(1);
  });

  it('connect', async () => {
    const timeout = 200;
    const agent = agentWith({ connect: timeout });
    const url = `http://user:password@127.0.0.1:${hole.port}${path}`;
    await expectTime('connect', timeout, async () => {
      const { error, ms } = await timed(agent.get(url));
      expect(error).toBeInstanceOf(ConnectTimeoutError);
      expect(error).toMatchObject({ code: 'ERR_CONNECT_TIMEOUT', phase: 'connect', connectTimeout: timeout });
      expectAbout(error, url);
      return ms;
    });
    expect(agent.pool.stats()).toMatchObject({ connecting: 0, pending: 0 });
  });

  it('headers, from the request being written', async () => {
    const timeout = 150;
    const url = await stalling('HTTP/1.1 200 OK\r\nContent-');
    const agent = agentWith({ headers: timeout });
    await expectTime('headers', timeout, async () => {
      let sent = 0;
      const error = await failureOf(agent.get(url, { observer: { sent: () => (sent = performance.now()) } }));
      const ms = performance.now() - sent;
      expect(error).toBeInstanceOf(HeadersTimeoutError);
      expect(error).toMatchObject({ code: 'ERR_HEADERS_TIMEOUT', phase: 'wait', timeout });
      expectAbout(error, url);
      return ms;
    });
  });

  it('bodyIdle, from the last bytes of the body', async () => {
    const timeout = 150;
    const url = await stalling('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345');
    const agent = agentWith({ bodyIdle: timeout });
    await expectTime('bodyIdle', timeout, async () => {
      let last = 0;
      const error = await failureOf(
        agent.get(url).pipe(mergeMap(({ body }) => body.pipe(map(() => (last = performance.now()))))),
      );
      const ms = performance.now() - last;
      expect(error).toBeInstanceOf(BodyTimeoutError);
      expect(error).toMatchObject({ code: 'ERR_BODY_TIMEOUT', phase: 'receive', timeout });
      expect((error as BodyTimeoutError).response).toMatchObject({ status: 200 });
      expectAbout(error, url);
      return ms;
    });
  });

  it('bodyIdle, of an upload that the server does not take', async () => {
    const timeout = 250;
    const url = await stalling('', socket => socket.pause());
    const agent = agentWith({ bodyIdle: timeout });
    const body = Buffer.alloc(32 * 1024 * 1024);
    await expectTime('bodyIdle of an upload', timeout, async () => {
      let last = 0;
      const observer = { uploadProgress: () => (last = performance.now()) };
      const error = await failureOf(agent.post(url, body, { observer }));
      const ms = performance.now() - last;
      expect(error).toBeInstanceOf(UploadTimeoutError);
      expect(error).toMatchObject({ code: 'ERR_UPLOAD_TIMEOUT', phase: 'transmit', timeout });
      expectAbout(error, url, 'POST');
      return ms;
    });
  });

  it('bodyUnclaimed, from the read-ahead being full', async () => {
    const timeout = 200;
    const url = await stalling(`HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(300_000)}`);
    const agent = agentWith({ bodyUnclaimed: timeout });
    const reported: unknown[] = [];
    const evictions: number[] = [];
    agent.pool.events.subscribe(event => {
      if (event.type === 'error') reported.push(event.error);
      if (event.type === 'evicted') {
        evictions.push(performance.now());
        expect(event.reason).toBe('cancelled');
      }
    });
    let begun = 0;
    await expectTime('bodyUnclaimed', timeout, async () => {
      const index = begun++;
      let started = 0;
      const response = await lastValueFrom(agent.get(url).pipe(tap(() => (started = performance.now()))));
      await until(() => evictions.length >= begun, 'the connections to be evicted');
      const error = await failureOf(response.text());
      expect(error).toBeInstanceOf(BodyUnclaimedError);
      expect(error).toMatchObject({ code: 'ERR_BODY_UNCLAIMED', phase: 'receive', timeout });
      expectAbout(error, url);
      // They go in the order in which they came, or at once.
      return evictions[index] - started;
    });
    expect(reported).toHaveLength(begun);
    expect(reported[0]).toBeInstanceOf(BodyUnclaimedError);
  });

  it('bodyUnclaimed does not run for a body that is claimed in time, nor for one that was read ahead', async () => {
    const url = await stalling('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');
    const agent = agentWith({ bodyUnclaimed: 0 });
    const response = await lastValueFrom(agent.get(url));
    await until(() => agent.pool.stats().idle === 1, 'the connection to be back');
    expect(await lastValueFrom(response.text())).toBe('hello');
  });

  // What `total` cuts off, and how far the request had got then.
  const answers: Record<string, readonly [phase: string, answer: string]> = {
    'waiting for the head': ['wait', ''],
    'in the middle of the body': ['receive', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345'],
  };
  for (const [where, [phase, answer]] of Object.entries(answers)) {
    it(`total, ${where}`, async () => {
      const timeout = 200;
      const url = await stalling(answer);
      const agent = agentWith({ total: timeout });
      await expectTime(`total ${where}`, timeout, async () => {
        const { error, ms } = await timed(agent.get(url).pipe(bytes()));
        expect(error).toBeInstanceOf(TotalTimeoutError);
        expect(error).toMatchObject({ code: 'ERR_TOTAL_TIMEOUT', phase });
        expectAbout(error, url);
        return ms;
      });
      // This server keeps its side open: that ours has ended is what it can tell.
      await until(() => [...servers[0].open].every(socket => socket.readableEnded), 'the connections to be ended');
    });
  }

  it('total, while it dials', async () => {
    const timeout = 200;
    const agent = agentWith({ total: timeout });
    const url = `http://user:password@127.0.0.1:${hole.port}${path}`;
    await expectTime('total while it dials', timeout, async () => {
      const { error, ms } = await timed(agent.get(url));
      expect(error).toBeInstanceOf(TotalTimeoutError);
      expect(error).toMatchObject({ code: 'ERR_TOTAL_TIMEOUT', phase: 'acquire' });
      expectAbout(error, url);
      return ms;
    });
    expect(agent.pool.stats()).toMatchObject({ connecting: 0, pending: 0 });
  });

  it('total, over all attempts and what interceptors do in between', async () => {
    const timeout = 250;
    const url = await stalling('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n');
    let attempts = 0;
    const agent = new Agent({
      timeouts: { total: timeout, headers: 10_000 },
      interceptors: [
        (request, next) =>
          next(request).pipe(
            tap(() => attempts++),
            throwIfNotOk(),
            retry(),
          ),
      ],
    });
    agents.push(agent);
    await expectTime('total over attempts', timeout, async () => {
      const { error, ms } = await timed(agent.get(url));
      expect(error).toBeInstanceOf(TotalTimeoutError);
      expectAbout(error, url);
      return ms;
    });
    expect(attempts).toBeGreaterThan(tries);
    await until(() => agent.pool.stats().leased === 0, 'no attempt to be left');
  });

  it('total stops with the end of the body', async () => {
    const url = await stalling('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');
    const agent = agentWith({ total: 50 });
    for (let i = 0; i < 3; i++) expect(await lastValueFrom(agent.get(url).pipe(text()))).toBe('hello');
    const started = performance.now();
    await until(() => performance.now() - started > 100);
    // Had a deadline been left, it would have aborted the connection.
    expect(agent.pool.stats()).toMatchObject({ idle: 1, opened: 1 });
  });
});

describe('deadlines in virtual time, to the ms', () => {
  /** An agent all of whose timers are virtual, over a transport that says `answer` to a request. */
  function setUp(timeouts: Timeouts, answer?: string) {
    const scheduler = new VirtualTimeScheduler();
    const pool = new HTTPConnectionPool({ scheduler, validateIdle: false, maxConnectionsPerHost: 1 });
    const transports: FakeTransport[] = [];
    const agent = new Agent({
      pool,
      timeouts,
      endpoint: () =>
        new Observable(subscriber => {
          const transport = new FakeTransport({
            onWrite: () => {
              if (answer !== undefined) transport.respond(answer);
            },
          });
          transports.push(transport);
          subscriber.next(transport);
          subscriber.complete();
        }),
    });
    return { scheduler, pool, agent, transports };
  }

  interface Outcome {
    readonly error: unknown;
    readonly at: number;
  }

  function outcomes(scheduler: VirtualTimeScheduler, source: Observable<unknown>): Outcome[] {
    const seen: Outcome[] = [];
    source.subscribe({ error: (error: unknown) => seen.push({ error, at: scheduler.now() }) });
    return seen;
  }

  const url = 'http://user:password@example.test/stall?token=secret';
  const request = { method: 'GET', url: 'http://example.test/stall?…' };

  it('acquire', () => {
    const { scheduler, agent } = setUp({ acquire: 1_234, headers: Infinity });
    agent.get(url).subscribe();
    const seen = outcomes(scheduler, agent.get(url));
    scheduler.flush();
    expect(seen).toMatchObject([{ error: { code: 'ERR_ACQUIRE_TIMEOUT', phase: 'acquire', request }, at: 1_234 }]);
  });

  it('acquire, of a dial that never ends', () => {
    const scheduler = new VirtualTimeScheduler();
    const agent = new Agent({
      pool: { scheduler, validateIdle: false },
      timeouts: { acquire: 777 },
      endpoint: () => NEVER,
    });
    const seen = outcomes(scheduler, agent.get(url));
    scheduler.flush();
    expect(seen).toMatchObject([{ error: { code: 'ERR_ACQUIRE_TIMEOUT', phase: 'acquire', request }, at: 777 }]);
  });

  it('headers', () => {
    const { scheduler, agent, transports } = setUp({ headers: 2_345 });
    const seen = outcomes(scheduler, agent.get(url));
    scheduler.flush();
    expect(seen).toMatchObject([{ error: { code: 'ERR_HEADERS_TIMEOUT', phase: 'wait', request }, at: 2_345 }]);
    expect(transports[0].destroyed).toBe(true);
  });

  it('bodyIdle', () => {
    const { scheduler, agent } = setUp({ bodyIdle: 3_456 }, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345');
    const seen = outcomes(scheduler, agent.get(url).pipe(discard()));
    scheduler.flush();
    expect(seen).toMatchObject([{ error: { code: 'ERR_BODY_TIMEOUT', phase: 'receive', request }, at: 3_456 }]);
  });

  it('bodyUnclaimed', () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n';
    const { scheduler, agent, pool } = setUp({ bodyUnclaimed: 4_567 }, head + 'x'.repeat(100_000));
    let evicted = -1;
    pool.events.subscribe(({ type, at }) => {
      if (type === 'evicted') evicted = at;
    });
    agent.get(url).subscribe();
    scheduler.flush();
    expect(evicted).toBe(4_567);
  });

  it('total', () => {
    const { scheduler, agent, pool } = setUp({ total: 5_678 });
    const seen = outcomes(scheduler, of(0).pipe(mergeMap(() => agent.get(url))));
    scheduler.flush();
    expect(seen).toMatchObject([{ error: { code: 'ERR_TOTAL_TIMEOUT', phase: 'wait', request }, at: 5_678 }]);
    expect(pool.stats()).toMatchObject({ leased: 0, idle: 0 });
  });
});
