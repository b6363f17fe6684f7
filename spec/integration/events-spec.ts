import type { RequestListener } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EMPTY, lastValueFrom, mergeMap, Observable, of, retry, tap, toArray } from 'rxjs';
import { Agent, type HTTPEvent, type HTTPRequestInit, throwIfNotOk } from 'rxjs-http-pool';
import { httpServer, type Loopback, rawServer, turns, until } from '../loopback/index.js';

/** Events as a word each; neighbours that are the same progress are one. */
function words(events: readonly HTTPEvent[]): string[] {
  return events.map(({ type }) => type).filter((word, i, all) => !(word.endsWith('Progress') && all[i - 1] === word));
}

describe('agent.requestEvents', () => {
  let server: Loopback;
  let agent: Agent;
  let url: string;
  let handler: RequestListener;
  const megabyte = Buffer.alloc(1_000_000, 'x');

  beforeEach(async () => {
    handler = (request, response) => {
      request.resume();
      request.on('end', () => response.end('hello'));
    };
    server = await httpServer((request, response) => handler(request, response));
    url = `http://${server.host}:${server.port}/`;
    agent = new Agent();
  });

  afterEach(async () => {
    await lastValueFrom(agent.close({ gracePeriod: 0 }));
    await server.close();
  });

  /** All events of a request whose body is read when its head comes. */
  async function all(init: HTTPRequestInit, by = agent): Promise<{ events: HTTPEvent[]; text: string[] }> {
    const text: string[] = [];
    const events = await lastValueFrom(
      by.requestEvents(init).pipe(
        tap(event => {
          if (event.type === 'response') event.response.text().subscribe(body => text.push(body));
        }),
        toArray(),
      ),
    );
    return { events, text };
  }

  it('tells of a GET, over a fresh and over a reused connection', async () => {
    for (let i = 0; i < 2; i++) {
      const { events, text } = await all({ url });
      expect(words(events)).toEqual(['sent', 'response', 'downloadProgress', 'done']);
      expect(events[2]).toEqual({ type: 'downloadProgress', loaded: 5, total: 5 });
      expect(text).toEqual(['hello']);
    }
    expect(server.connections).toBe(1);
  });

  it('tells of a body that comes in parts, each once', async () => {
    handler = (_, response) => response.end(megabyte);
    const { events, text } = await all({ url });
    expect(words(events)).toEqual(['sent', 'response', 'downloadProgress', 'done']);
    const loaded = events.flatMap(event => (event.type === 'downloadProgress' ? [event.loaded] : []));
    expect(loaded.length).toBeGreaterThan(1);
    expect(loaded).toEqual([...new Set(loaded)].sort((a, b) => a - b));
    expect(loaded.at(-1)).toBe(1_000_000);
    expect(text).toEqual([megabyte.toString()]);
  });

  it('tells of a POST', async () => {
    const { events } = await all({ url, method: 'POST', body: 'hello' });
    expect(words(events)).toEqual(['uploadProgress', 'sent', 'response', 'downloadProgress', 'done']);
    expect(events[0]).toEqual({ type: 'uploadProgress', loaded: 5, total: 5 });
  });

  it('tells of a large upload, and of one of unknown length', async () => {
    const large = await all({ url, method: 'POST', body: Buffer.alloc(2_000_000) });
    expect(words(large.events)).toEqual(['uploadProgress', 'sent', 'response', 'downloadProgress', 'done']);
    const uploads = large.events.filter(({ type }) => type === 'uploadProgress');
    expect(uploads.length).toBeGreaterThan(1);
    expect(uploads.at(-1)).toEqual({ type: 'uploadProgress', loaded: 2_000_000, total: 2_000_000 });

    const chunked = await all({ url, method: 'POST', body: of('a', 'bc') });
    expect(chunked.events.slice(0, 3)).toEqual([
      { type: 'uploadProgress', loaded: 1 },
      { type: 'uploadProgress', loaded: 3 },
      { type: 'sent' },
    ]);
  });

  it('tells of 1xx responses', async () => {
    handler = (_, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.end();
    };
    const { events } = await all({ url });
    expect(words(events)).toEqual(['sent', 'informational', 'response', 'done']);
    expect(events[1]).toMatchObject({ status: 103 });
  });

  it('says with `done` how long all of it took', async () => {
    handler = (_, response) => {
      response.write('hello');
      void until(() => performance.now() > started + 60).then(() => response.end());
    };
    const started = performance.now();
    const { events } = await all({ url });
    const elapsed = performance.now() - started;
    const done = events.at(-1)!;
    if (done.type !== 'done') throw new Error('No done');
    const { acquire, connect, send, wait, receive } = done.timings;
    expect(receive).toBeGreaterThan(20);
    for (const part of [acquire, connect, send, wait]) expect(part).toBeGreaterThanOrEqual(0);
    // Of which one holds the other: `connect` is a part of `acquire`.
    expect(acquire + send + wait + receive!).toBeLessThan(elapsed + 5);
    expect(acquire + send + wait + receive!).toBeGreaterThan(elapsed - 30);
    expect(connect).toBeLessThanOrEqual(acquire + 2);

    handler = (_, response) => response.end();
    const again = (await all({ url })).events.at(-1)!;
    if (again.type !== 'done') throw new Error('No done');
    // Over a reused connection nothing was dialled.
    expect(again.timings).not.toHaveProperty('connect');
    expect(again.timings.receive).toBeGreaterThanOrEqual(0);
  });

  it('tells of each attempt, and of the request`s own observer as well', async () => {
    let attempts = 0;
    handler = (_, response) => {
      response.statusCode = ++attempts < 3 ? 503 : 200;
      response.end();
    };
    const retrying = agent.extend({ interceptors: [(request, next) => next(request).pipe(throwIfNotOk(), retry(5))] });
    let sent = 0;
    const { events } = await all({ url, observer: { sent: () => sent++ } }, retrying);
    expect(words(events)).toEqual(['sent', 'sent', 'sent', 'response', 'done']);
    expect(sent).toBe(3);
  });

  it('is cold', async () => {
    const events$ = agent.requestEvents({ url });
    await turns(3);
    expect(server.connections).toBe(0);
    const reading$ = events$.pipe(tap(event => event.type === 'response' && event.response.discard().subscribe()));
    for (let i = 0; i < 2; i++) expect(await lastValueFrom(reading$)).toMatchObject({ type: 'done' });
    expect(agent.pool.stats()).toMatchObject({ leases: 2 });
  });

  it('completes without an event if an interceptor answers nothing', async () => {
    const silent = agent.extend({ interceptors: [() => EMPTY] });
    expect((await all({ url }, silent)).events).toEqual([]);
  });

  it('errors for a request that is none', async () => {
    for (const init of [{ url: 'nonsense' }, { url, method: 'NO METHOD' }, { url, headers: { 'a b': '' } }]) {
      const error: unknown = await lastValueFrom(agent.requestEvents(init)).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'ERR_INVALID_REQUEST' });
    }
  });

  it('errors after the head if the body fails', async () => {
    const raw = await rawServer(socket => {
      socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'));
    });
    const events: HTTPEvent[] = [];
    const bodyErrors: unknown[] = [];
    const error: unknown = await lastValueFrom(
      agent.requestEvents({ url: `http://u:p@${raw.host}:${raw.port}/?secret` }).pipe(
        tap(event => {
          events.push(event);
          if (event.type === 'response') event.response.text().subscribe({ error: reason => bodyErrors.push(reason) });
        }),
      ),
    ).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_TRUNCATED_BODY', phase: 'receive' });
    expect(error).toMatchObject({ request: { method: 'GET', url: `http://${raw.host}:${raw.port}/?…` } });
    expect(bodyErrors).toEqual([error]);
    expect(words(events).slice(0, 2)).toEqual(['sent', 'response']);
    expect(words(events)).not.toContain('done');
    await raw.close();
  });

  /** What must have happened, by when it is unsubscribed from. */
  const phases: Record<string, (event: HTTPEvent) => boolean> = {
    'the upload moves': ({ type }) => type === 'uploadProgress',
    'the request is sent': ({ type }) => type === 'sent',
    'the head is there': ({ type }) => type === 'response',
    'the body moves': event => event.type === 'downloadProgress' && event.loaded > 100_000,
  };
  for (const [name, reached] of Object.entries(phases)) {
    for (const inside of [true, false]) {
      it(`aborts when unsubscribed from as ${name}, ${inside ? 'from inside' : 'from outside'}`, async () => {
        handler = (request, response) => {
          request.resume();
          request.on('end', () => {
            response.setHeader('Content-Length', 10_000_000);
            response.write(megabyte); // and no more
          });
        };
        const body = new Observable<Buffer>(subscriber => {
          subscriber.next(megabyte);
          if (name !== 'the upload moves') subscriber.complete();
        });
        const seen: string[] = [];
        let done = false;
        const subscription = agent.requestEvents({ url, method: 'POST', body }).subscribe({
          next: event => {
            if (done) seen.push(event.type);
            if (event.type === 'response') event.response.discard().subscribe({ error: () => undefined });
            if (!reached(event)) return;
            done = true;
            if (inside) subscription.unsubscribe();
          },
          error: () => seen.push('error'),
          complete: () => seen.push('complete'),
        });
        await until(() => done, name);
        const before = [...seen];
        subscription.unsubscribe();
        await server.quiet();
        await turns(3);
        expect(agent.pool.stats()).toMatchObject({ leased: 0, idle: 0, connecting: 0, pending: 0 });
        expect(seen).toEqual(inside ? [] : before);
      });
    }
  }

  it('aborts when unsubscribed from while it dials, and while it waits for a turn', async () => {
    const one = new Agent({ pool: { maxConnectionsPerHost: 1 } });
    handler = () => undefined;
    const first = one.requestEvents({ url }).subscribe();
    const second = one.requestEvents({ url }).subscribe();
    expect(one.pool.stats()).toMatchObject({ connecting: 1, pending: 2 });
    second.unsubscribe();
    first.unsubscribe();
    expect(one.pool.stats()).toMatchObject({ connecting: 0, pending: 0 });
    await lastValueFrom(one.close());
    await server.quiet();
  });

  it('is aborted by its signal after the head', async () => {
    handler = (_, response) => {
      response.setHeader('Content-Length', 10_000_000);
      response.write(megabyte);
    };
    const controller = new AbortController();
    const error: unknown = await lastValueFrom(
      agent.requestEvents({ url, signal: controller.signal }).pipe(
        mergeMap(event => {
          if (event.type === 'response') controller.abort();
          return EMPTY;
        }),
      ),
    ).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_ABORTED', phase: 'receive', request: { method: 'GET' } });
    await server.quiet();
  });
});
