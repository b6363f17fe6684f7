import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom, lastValueFrom, map, mergeMap } from 'rxjs';
import { Agent, HTTPConnectionPool, tcp, text } from 'rxjs-http-pool';
import { httpServer, type Loopback, turns } from '../loopback/index.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Whether it is gone, when nobody but the library could hold it. */
async function isGone(ref: WeakRef<object>): Promise<boolean> {
  for (let i = 0; i < 10 && ref.deref() !== undefined; i++) {
    await turns(3);
    collect();
  }
  return ref.deref() === undefined;
}

describe('an idle connection keeps nothing of the request before', () => {
  let server: Loopback;
  let pool: HTTPConnectionPool;
  beforeEach(async () => {
    server = await httpServer((_, response) => response.end('hello'));
    pool = new HTTPConnectionPool();
  });
  afterEach(async () => {
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0 }); // it was there all the time
    await lastValueFrom(pool.close());
    await server.close();
  });

  it('of a lease that was kept for a while before it was used', async () => {
    const endpoint$ = tcp({ host: server.host, port: server.port });
    const use = async (): Promise<WeakRef<object>[]> => {
      const lease = await firstValueFrom(pool.get('key', endpoint$));
      const response = await firstValueFrom(lease.request({ path: '/' }));
      await lastValueFrom(response.text());
      return [new WeakRef(lease), new WeakRef(response), new WeakRef(response.headers)];
    };
    const [lease, response, headers] = await use();
    expect(await isGone(lease)).toBe(true);
    expect(await isGone(response)).toBe(true);
    expect(await isGone(headers)).toBe(true);
  });

  it('of a response of which only the status was read', async () => {
    const agent = new Agent({ pool });
    const use = async (): Promise<WeakRef<object>> =>
      new WeakRef(await firstValueFrom(agent.get(`http://${server.host}:${server.port}/`)));
    expect(await isGone(await use())).toBe(true);
  });

  it('of whoever asked, while the response and the lease are kept', async () => {
    const endpoint$ = tcp({ host: server.host, port: server.port });
    const kept: unknown[] = [];
    const use = async (): Promise<WeakRef<object>[]> => {
      const asker = { data: 'large' };
      const lease = await firstValueFrom(pool.get('key', endpoint$));
      const response = await firstValueFrom(
        lease.request({ path: '/' }).pipe(map(each => (asker.data === '' ? null! : each))),
      );
      await lastValueFrom(response.text());
      kept.push(lease, response);
      return [new WeakRef(asker)];
    };
    const [asker] = await use();
    expect(await isGone(asker)).toBe(true);
    // A lease that is over keeps no response.
    const response = new WeakRef(kept.pop() as object);
    expect(await isGone(response)).toBe(true);
    expect(kept).toHaveLength(1);
  });

  it('of whoever asked', async () => {
    const endpoint$ = tcp({ host: server.host, port: server.port });
    const use = async (): Promise<WeakRef<object>> => {
      const asker = { answer: '' };
      await new Promise<void>(resolve => {
        pool
          .get('key', endpoint$)
          .pipe(
            mergeMap(lease => Promise.resolve(lease)),
            mergeMap(lease => lease.request({ path: '/' })),
            text(),
          )
          .subscribe({ next: answer => (asker.answer = answer), complete: resolve });
      });
      return new WeakRef(asker);
    };
    expect(await isGone(await use())).toBe(true);
  });
});
