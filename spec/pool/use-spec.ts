import { describe, expect, it } from '@jest/globals';
import { concatMap, EMPTY, firstValueFrom, map, mergeMap, NEVER, Observable, of, throwError } from 'rxjs';
import type { ProtocolResponse } from '../../src/protocol/index.js';
import { FakeEndpoint, PoolKit } from './support/index.js';

const connects = (): FakeEndpoint['stream'] => new FakeEndpoint('connects').stream;

describe('pool.use', () => {
  it('is cold: each subscription is a lease of its own', () => {
    const kit = new PoolKit();
    const endpoint = new FakeEndpoint('connects');
    const used$ = kit.pool.use('k', endpoint.stream, () => NEVER);
    expect(endpoint.dials).toHaveLength(0);
    const subscriptions = [used$.subscribe(), used$.subscribe()];
    expect(kit.holds()).toEqual([2, 0, 0, 0]);
    subscriptions.forEach(subscription => subscription.unsubscribe());
    expect(kit.holds()).toEqual([0, 2, 0, 0]);
  });

  it('an unused lease is released, on completion, error and unsubscribe', () => {
    const kit = new PoolKit();
    const log: unknown[] = [];
    kit.pool.use('k', connects(), () => EMPTY).subscribe({ complete: () => log.push(kit.holds()) });
    kit.pool
      .use('k', connects(), () => throwError(() => new Error('own')))
      .subscribe({ error: error => log.push(error.message, kit.holds()) });
    kit.pool
      .use('k', connects(), () => NEVER)
      .subscribe()
      .unsubscribe();
    expect(log).toEqual([[0, 1, 0, 0], 'own', [0, 1, 0, 0]]);
    expect(kit.pool.stats()).toMatchObject({ opened: 1, idle: 1 });
  });

  it('a project that throws is an error, and releases the lease before that', () => {
    const kit = new PoolKit();
    const log: unknown[] = [];
    kit.pool
      .use('k', connects(), () => {
        throw new Error('project');
      })
      .subscribe({ error: error => log.push(error.message, kit.holds()) });
    expect(log).toEqual(['project', [0, 1, 0, 0]]);
  });

  it('takes whatever RxJS takes: a promise, an array', async () => {
    const kit = new PoolKit();
    expect(await firstValueFrom(kit.pool.use('k', connects(), () => Promise.resolve(1)))).toBe(1);
    expect(await firstValueFrom(kit.pool.use('k', connects(), () => [2]))).toBe(2);
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
  });

  it('an error before the response head destroys the connection', () => {
    const kit = new PoolKit();
    const errors: unknown[] = [];
    kit.pool
      .use('k', connects(), lease => {
        lease.request({ path: '/' }).subscribe({ error: () => {} });
        return throwError(() => new Error('own'));
      })
      .subscribe({ error: error => errors.push(error.message, kit.holds()) });
    expect(errors).toEqual(['own', [0, 0, 0, 0]]);
    expect(kit.connections[0].state).toBe('closed');
  });

  it('an unsubscribe before the response head destroys the connection', () => {
    const kit = new PoolKit();
    const subscription = kit.pool.use('k', connects(), lease => lease.request({ path: '/' })).subscribe();
    subscription.unsubscribe();
    expect(kit.connections[0].state).toBe('closed');
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('an unsubscribe while it waits leaves the queue', () => {
    const kit = new PoolKit();
    const endpoint = new FakeEndpoint();
    kit.pool
      .use('k', endpoint.stream, () => NEVER)
      .subscribe()
      .unsubscribe();
    expect(endpoint.cancels).toBe(1);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('from the head on the body owns the exchange: firstValueFrom hands out a response that can be read', async () => {
    const kit = new PoolKit();
    const responding = firstValueFrom(kit.pool.use('k', connects(), lease => lease.request({ path: '/' })));
    kit.connections[0].respond();
    const response = await responding;
    expect(kit.connections[0].state).toBe('receiving');
    const text = firstValueFrom(response.text());
    kit.connections[0].data('late');
    kit.connections[0].finish();
    expect(await text).toBe('late');
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
  });

  it('from the head on the body owns the exchange: a response that was told to the end can be read', () => {
    const kit = new PoolKit();
    const told: (ProtocolResponse | 'complete')[] = [];
    kit.pool
      .use('k', connects(), lease => lease.request({ path: '/' }))
      .subscribe({ next: response => told.push(response), complete: () => told.push('complete') });
    kit.connections[0].respond();
    expect(told[1]).toBe('complete');
    expect(kit.connections[0].state).toBe('receiving');
    const texts: string[] = [];
    (told[0] as ProtocolResponse).text().subscribe(text => texts.push(text));
    kit.connections[0].data('late');
    kit.connections[0].finish();
    expect(texts).toEqual(['late']);
  });

  it('an unsubscribe after the head leaves a body that is read elsewhere alone', () => {
    const kit = new PoolKit();
    const log: string[] = [];
    const subscription = kit.pool
      .use('k', connects(), lease => lease.request({ path: '/' }).pipe(concatMap(response => of(response, response))))
      .subscribe(response => {
        if (!response.body.used) response.text().subscribe(text => log.push(text));
      });
    kit.connections[0].respond();
    subscription.unsubscribe();
    kit.connections[0].data('x');
    kit.connections[0].finish();
    expect(log).toEqual(['x']);
  });

  it('an error after the head with the body unclaimed destroys the connection', () => {
    const kit = new PoolKit();
    const errors: unknown[] = [];
    kit.pool
      .use('k', connects(), lease =>
        lease.request({ path: '/' }).pipe(
          map(() => {
            throw new Error('own');
          }),
        ),
      )
      .subscribe({ error: error => errors.push(error.message, kit.holds()) });
    kit.connections[0].respond();
    expect(errors).toEqual(['own', [0, 0, 0, 0]]);
    expect(kit.connections[0].state).toBe('closed');
  });

  it('an error after the head with the body claimed elsewhere leaves it alone', () => {
    const kit = new PoolKit();
    kit.pool
      .use('k', connects(), lease =>
        lease.request({ path: '/' }).pipe(
          mergeMap(response => {
            response.text().subscribe();
            return throwError(() => new Error('own'));
          }),
        ),
      )
      .subscribe({ error: () => {} });
    kit.connections[0].respond();
    expect(kit.connections[0].state).toBe('receiving');
  });

  it('unsubscribing while the body is read inside destroys the connection', () => {
    const kit = new PoolKit();
    const subscription = kit.pool
      .use('k', connects(), lease => lease.request({ path: '/' }).pipe(mergeMap(response => response.body)))
      .subscribe();
    kit.connections[0].respond();
    subscription.unsubscribe();
    expect(kit.connections[0].state).toBe('closed');
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('a chain of uses opens one connection', () => {
    const kit = new PoolKit();
    kit.make = { answers: true };
    let rounds = 0;
    of(1, 2, 3)
      .pipe(
        concatMap(() =>
          kit.pool.use('k', connects(), lease =>
            lease.request({ path: '/' }).pipe(mergeMap(response => response.text())),
          ),
        ),
      )
      .subscribe(() => rounds++);
    expect(rounds).toBe(3);
    expect(kit.connections).toHaveLength(1);
  });

  it('the error of the get is its error', () => {
    const kit = new PoolKit();
    let code: unknown;
    kit.pool.use('k', new FakeEndpoint('fails').stream, () => EMPTY).subscribe({ error: error => (code = error.code) });
    expect(code).toBe('ERR_CONNECT');
  });

  it('unsubscribed by project itself, it holds nothing', () => {
    const kit = new PoolKit();
    const endpoint = new FakeEndpoint();
    const subscription = kit.pool
      .use('k', endpoint.stream, lease => {
        subscription.unsubscribe();
        return lease.request({ path: '/' });
      })
      .subscribe();
    endpoint.dials[0].connect();
    expect(kit.connections[0].requests).toHaveLength(0);
    expect(kit.pool.stats()).toMatchObject({ leased: 0, pending: 0 });
  });
});

describe('a subscriber that is over, but not torn down yet', () => {
  it('gets no lease: the connection stays in the pool', () => {
    const kit = new PoolKit({ maxConnectionsPerHost: 1 });
    const holder = kit.lease('k');
    let projected = 0;
    let end: () => void = () => undefined;
    const used = new Observable<never>(subscriber => {
      end = () => subscriber.complete();
      kit.pool.use<never>('k', new FakeEndpoint('connects').stream, () => (projected++, NEVER)).subscribe(subscriber);
    });
    used.subscribe({ complete: () => holder.release() });
    end();
    expect(projected).toBe(0);
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
  });
});
