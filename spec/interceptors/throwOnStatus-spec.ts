import { describe, expect, it } from '@jest/globals';
import { of } from 'rxjs';
import type { HTTPResponse } from '../../src/agent/index.js';
import { HTTPStatusError } from '../../src/errors/index.js';
import { retryFailures, throwOnStatus } from '../../src/interceptors/index.js';
import { answer, record, VirtualClock } from '../support/index.js';
import { made, requestTo, site } from './site.js';

type Statuses = Parameters<typeof throwOnStatus>[0];

describe('throwOnStatus', () => {
  it.each<[string, Statuses, number[]]>([
    ['all that are not 2xx', undefined, [302, 404, 500]],
    ['those in a list', [404, 410], [404]],
    ['none', [], []],
    ['those for which a function says so', status => status >= 500, [500]],
    ['by the response', (_, { headers }) => headers.has('x-bad'), []],
  ])('%s', (_, statuses, thrown) => {
    for (const status of [200, 204, 302, 404, 500]) {
      const seen = record(throwOnStatus(statuses)(requestTo(), request => of(made(request, { status }))));
      expect(seen.outcome).toBe(thrown.includes(status) ? 'HTTPStatusError' : 'value');
    }
  });

  it('the error has the response, and its body can be read', async () => {
    const { agent, run } = site(() => answer('what is wrong', { status: '422 Unprocessable' }));
    const { error } = await run(agent.extend({ interceptors: [throwOnStatus()] }).get('http://a.test/x?secret'));
    expect(error).toBeInstanceOf(HTTPStatusError);
    expect(error).toMatchObject({
      code: 'ERR_STATUS',
      status: 422,
      request: { method: 'GET', url: 'http://a.test/x?…' },
    });
    expect((error as Error).message).toBe('GET http://a.test/x?…: The server answered 422 Unprocessable');
    expect(record((error as { response: HTTPResponse }).response.text()).values).toEqual(['what is wrong']);
    expect(agent.pool.stats()).toMatchObject({ leased: 0, idle: 1 });
  });

  it('outside of retries sees the last response, inside of them each', () => {
    for (const [isOutside, count] of [
      [true, 2],
      [false, 1],
    ] as const) {
      const clock = new VirtualClock();
      const retry = retryFailures({ maxRetries: 1, scheduler: clock });
      let asked = 0;
      const handler = (request = requestTo()) => {
        asked++;
        return of(made(request, { status: 503 }));
      };
      const bad = throwOnStatus();
      const seen = record(
        isOutside
          ? bad(requestTo(), request => retry(request, handler))
          : retry(requestTo(), request => bad(request, handler)),
      );
      clock.advance(1_000);
      expect([seen.error, asked]).toMatchObject([{ status: 503 }, count]);
    }
  });

  it('a function that throws fails the request', () => {
    const boom = new Error('boom');
    const fail = (): never => {
      throw boom;
    };
    expect(record(throwOnStatus(fail)(requestTo(), request => of(made(request)))).error).toBe(boom);
  });

  it('refuses what is neither a list nor a function', () => {
    expect(() => throwOnStatus(404 as never)).toThrow(expect.objectContaining({ option: 'statuses' }));
  });
});
