import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { lastValueFrom, Observable } from 'rxjs';
import { Agent, bytes, discard, json, text } from 'rxjs-http-pool';
import { httpServer, type Loopback } from '../loopback/index.js';
import { subscriptionsOf } from '../support/index.js';

/** The hot path: the user's own subscription, and at most so many that the library makes for it. */
const ofTheLibrary = 1;

describe('a request over a reused connection', () => {
  let server: Loopback;
  let agent: Agent;
  let url: string;

  beforeAll(async () => {
    server = await httpServer((_, response) => response.end('"hello"'));
    url = `http://${server.host}:${server.port}/`;
    agent = new Agent();
    await lastValueFrom(agent.get(url).pipe(text()));
  });

  afterAll(async () => {
    await lastValueFrom(agent.close());
    await server.close();
  });

  /** Those that are made until it completes. */
  const subscriptions = (source: Observable<unknown>): Promise<number> =>
    subscriptionsOf(async () => void (await lastValueFrom(source)));

  for (const [name, operator] of Object.entries({ text: text(), json: json(), bytes: bytes(), discard: discard() })) {
    it(`costs ${ofTheLibrary} subscription beside the user's own: ${name}()`, async () => {
      expect(await subscriptions(agent.get(url).pipe(operator as ReturnType<typeof text>))).toBeLessThanOrEqual(
        1 + ofTheLibrary,
      );
      expect(agent.pool.stats()).toMatchObject({ opened: 1 });
    });
  }

  it('is counted: the control', async () => {
    const agent$ = agent.get(url).pipe(text());
    const wrapped$ = new Observable(subscriber => agent$.subscribe(subscriber));
    expect(await subscriptions(wrapped$)).toBe(1 + (await subscriptions(agent$)));
    expect(await subscriptions(agent$)).toBeGreaterThan(1);
  });
});
