import { describe, expect, it } from '@jest/globals';
import { firstValueFrom, Subject } from 'rxjs';
import { LeaseUsedError, ResponseFailedError } from '../../src/errors/index.js';
import type { LeasedProtocol } from '../../src/pool/index.js';
import { FakeEndpoint, PoolKit, send, testScheduler } from './support/index.js';

describe('a lease', () => {
  it('tells where its request is', () => {
    const kit = new PoolKit();
    const lease = kit.lease('k');
    const connection = kit.connections[0];
    const states: string[] = [lease.state];
    send(lease);
    states.push(lease.state);
    connection.respond();
    states.push(lease.state);
    connection.finish();
    states.push(lease.state);
    expect(states).toEqual(['ready', 'waiting', 'receiving', 'released']);
  });

  it('that is aborted or lost is closed', () => {
    const kit = new PoolKit();
    const aborted = kit.lease('k');
    aborted.abort();
    const lost = kit.lease('k');
    kit.connections[1].finFromServer();
    expect([aborted.state, lost.state]).toEqual(['closed', 'closed']);
    expect(kit.connections[0].state).toBe('closed');
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('has the key, and the info of its connection until it is over', () => {
    const kit = new PoolKit();
    const lease = kit.lease('k');
    expect([lease.key, lease.info?.authority]).toEqual(['k', 'fake']);
    lease.release();
    expect(lease.info).toBeUndefined();
  });

  it('is for one request: a second subscribe errors with LeaseUsedError and touches nothing', () => {
    const kit = new PoolKit();
    const lease = kit.lease('k');
    const first = send(lease);
    expect(send(lease).error).toBeInstanceOf(LeaseUsedError);
    expect(kit.connections[0].requests).toHaveLength(1);
    kit.connections[0].answer();
    expect(first.completed).toBe(true);
    expect(send(lease).error).toBeInstanceOf(LeaseUsedError);
  });

  it.each<[string, (lease: LeasedProtocol) => void]>([
    ['released', lease => lease.release()],
    ['aborted', lease => lease.abort()],
  ])('that was %s is inert', (_name, end) => {
    const kit = new PoolKit();
    const lease = kit.lease('k');
    end(lease);
    expect(send(lease).error).toBeInstanceOf(LeaseUsedError);
    const before = kit.holds();
    lease.release();
    lease.abort();
    expect(kit.holds()).toEqual(before);
    expect(kit.connections[0].requests).toHaveLength(0);
  });

  it('release gives the unused connection back; after request it does nothing', () => {
    const kit = new PoolKit();
    const lease = kit.lease('k');
    lease.release();
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
    const used = kit.lease('k');
    send(used);
    used.release();
    expect(used.state).toBe('waiting');
    expect(kit.holds()).toEqual([1, 0, 0, 0]);
  });

  it('a request that is invalid writes nothing, and its connection goes back', () => {
    const kit = new PoolKit({ protocolFactory: undefined });
    const lease = kit.lease('k');
    expect(send(lease, { path: 'no slash' }).error).toMatchObject({ code: 'ERR_INVALID_REQUEST' });
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
  });

  it('unsubscribing from the request before the head destroys the connection, after it does nothing', () => {
    const kit = new PoolKit();
    send(kit.lease('k')).subscription.unsubscribe();
    expect(kit.connections[0].state).toBe('closed');
    const sent = send(kit.lease('k'));
    kit.connections[1].respond();
    sent.subscription.unsubscribe();
    expect(kit.connections[1].state).toBe('receiving');
  });

  it('abort destroys the connection, and the request or the body errors with AbortedError', () => {
    const kit = new PoolKit();
    const waiting = kit.lease('k');
    const sent = send(waiting);
    waiting.abort('enough');
    expect(sent.error).toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });

    const receiving = kit.lease('k');
    const answered = send(receiving);
    kit.connections[1].respond();
    const errors: unknown[] = [];
    answered.response!.body.subscribe({ error: error => errors.push(error.code) });
    receiving.abort();
    expect(errors).toEqual(['ERR_ABORTED']);
    expect(kit.holds()).toEqual([0, 0, 0, 0]);
  });

  it('of a cached connection is reused, of a fresh one is not', () => {
    const kit = new PoolKit();
    kit.idle('k');
    expect([kit.lease('k').reused, kit.lease('k').reused]).toEqual([true, false]);
  });

  describe('quiescent and disconnected', () => {
    it('quiescent emits once, when the pool has the connection back; disconnected completes', () => {
      const kit = new PoolKit();
      const lease = kit.lease('k');
      const log: unknown[] = [];
      lease.quiescent.subscribe({ next: () => log.push(kit.holds()), complete: () => log.push('quiescent|') });
      lease.disconnected.subscribe({ next: () => log.push('lost'), complete: () => log.push('disconnected|') });
      send(lease);
      kit.connections[0].answer();
      expect(log).toEqual([[0, 1, 0, 0], 'quiescent|', 'disconnected|']);
    });

    it('disconnected emits the loss once the place is free; quiescent completes', () => {
      const kit = new PoolKit();
      const lease = kit.lease('k');
      const log: unknown[] = [];
      lease.quiescent.subscribe({ next: () => log.push('back'), complete: () => log.push('quiescent|') });
      lease.disconnected.subscribe({ next: error => log.push(error?.code, kit.holds()) });
      send(lease).subscription.add(() => log.push('torn down'));
      kit.connections[0].fail(new ResponseFailedError('cut'));
      expect(log).toEqual(expect.arrayContaining(['quiescent|', 'ERR_RESPONSE_FAILED']));
      expect(log).not.toContain('back');
    });

    it('are replayed to who comes late', () => {
      const kit = new PoolKit();
      const released = kit.lease('k');
      released.release();
      const lost = kit.lease('k');
      kit.connections[0].finFromServer();
      lost.release();
      const log: unknown[] = [];
      released.quiescent.subscribe(() => log.push('back'));
      lost.disconnected.subscribe(error => log.push(error));
      expect(log).toEqual(['back', null]);
    });
  });

  describe('that is over cannot touch a later lease of its connection (P17)', () => {
    function twoLeases(): { kit: PoolKit; stale: LeasedProtocol; current: LeasedProtocol } {
      const kit = new PoolKit();
      const stale = kit.lease('k');
      send(stale);
      kit.connections[0].answer();
      const current = kit.lease('k');
      expect(kit.connections).toHaveLength(1);
      return { kit, stale, current };
    }

    it('by release, abort or request', () => {
      const { kit, stale, current } = twoLeases();
      stale.release();
      stale.abort();
      expect(send(stale).error).toBeInstanceOf(LeaseUsedError);
      expect(current.state).toBe('ready');
      expect(kit.holds()).toEqual([1, 0, 0, 0]);
    });

    it('by unsubscribing from its request', () => {
      const kit = new PoolKit();
      const sent = send(kit.lease('k'));
      kit.connections[0].answer();
      const current = kit.lease('k');
      sent.subscription.unsubscribe();
      expect(current.state).toBe('ready');
    });

    it('not even from inside the next lease, when that is handed over within quiescent', () => {
      const kit = new PoolKit({ maxConnectionsPerHost: 1 });
      const stale = kit.lease('k');
      send(stale);
      const next: LeasedProtocol[] = [];
      kit.pool.get('k', new FakeEndpoint().stream).subscribe(lease => {
        next.push(lease);
        stale.abort();
        stale.release();
      });
      kit.connections[0].answer();
      expect(next.map(lease => lease.state)).toEqual(['ready']);
      expect(kit.connections[0].closes).toBe(0);
    });

    it('its quiescent is told before the next lease is handed over', () => {
      const kit = new PoolKit({ maxConnectionsPerHost: 1 });
      const lease = kit.lease('k');
      const log: string[] = [];
      lease.quiescent.subscribe(() => log.push('quiescent'));
      send(lease);
      kit.pool.get('k', new FakeEndpoint().stream).subscribe(() => log.push('next lease'));
      kit.connections[0].answer();
      expect(log).toEqual(['quiescent', 'next lease']);
    });
  });

  describe('that is neither used nor released', () => {
    it('is reported and destroyed after leaseTimeout, exactly', () => {
      const kit = new PoolKit({ leaseTimeout: 100 }).watch();
      const lease = kit.lease('k');
      kit.log();
      kit.advance(99);
      expect(lease.state).toBe('ready');
      kit.advance(1);
      expect(lease.state).toBe('closed');
      expect(kit.log()).toEqual(['k leaked', 'k evicted leaked']);
      expect(kit.pool.stats()).toMatchObject({ leaks: 1, leased: 0 });
      expect(kit.connections[0].state).toBe('closed');
    });

    it.each<[string, (lease: LeasedProtocol) => void]>([
      ['used', lease => send(lease)],
      ['released', lease => lease.release()],
    ])('is not, once it is %s', (_name, act) => {
      const kit = new PoolKit({ leaseTimeout: 100 });
      act(kit.lease('k'));
      kit.advance(1_000);
      expect(kit.pool.stats()).toMatchObject({ leaks: 0 });
    });

    it('the next lease of the connection has its own time', () => {
      const kit = new PoolKit({ leaseTimeout: 100 });
      const first = kit.lease('k');
      kit.advance(60);
      first.release();
      const second = kit.lease('k');
      kit.advance(60);
      expect(second.state).toBe('ready');
      kit.advance(45);
      expect(second.state).toBe('closed');
    });

    it('never is with leaseTimeout: Infinity', () => {
      const kit = new PoolKit({ leaseTimeout: Infinity });
      const lease = kit.lease('k');
      kit.advance(1e9);
      expect(lease.state).toBe('ready');
    });

    it('a consumer that threw in next leaves such a lease', async () => {
      const { unhandledErrors } = await import('./support/unhandledErrors.js');
      const kit = new PoolKit({ leaseTimeout: 100 });
      const errors = await unhandledErrors(() => {
        kit.pool.get('k', new FakeEndpoint('connects').stream).subscribe(() => {
          throw new Error('consumer');
        });
      }, 1);
      expect(errors).toEqual([new Error('consumer')]);
      expect(kit.holds()).toEqual([1, 0, 0, 0]);
      kit.advance(100);
      expect(kit.holds()).toEqual([0, 0, 0, 0]);
    });
  });

  it('order of an end: quiescent, taken back, last value, complete, teardown', () => {
    const scheduler = testScheduler();
    scheduler.run(({ hot, expectObservable }) => {
      const kit = new PoolKit({}, scheduler);
      const log$ = new Subject<string>();
      const say = (what: string): void => log$.next(`${what} ${kit.holds().join('')}`);
      const lease = kit.lease('k');
      lease.quiescent.subscribe(() => say('quiescent'));
      hot('            --a--b|').subscribe({
        next: what => (what === 'a' ? kit.connections[0].respond() : kit.connections[0].data('x')),
        complete: () => kit.connections[0].finish(),
      });
      const sent = send(lease);
      hot('            --(a|) ').subscribe({
        complete: () => {
          const reading = sent.response!.body.subscribe({ next: () => say('value'), complete: () => say('complete') });
          reading.add(() => say('teardown'));
        },
      });
      expectObservable(log$).toBe('-----v(qct)', {
        v: 'value 1000',
        q: 'quiescent 0100',
        c: 'complete 0100',
        t: 'teardown 0100',
      });
    });
  });

  it('works with firstValueFrom: what it does after the value is no cancellation', async () => {
    const kit = new PoolKit();
    const lease = await firstValueFrom(kit.pool.get('k', new FakeEndpoint('connects').stream));
    expect(lease.state).toBe('ready');
    const responding = firstValueFrom(lease.request({ path: '/' }));
    kit.connections[0].respond();
    const response = await responding;
    const text = firstValueFrom(response.text());
    kit.connections[0].data('hello');
    kit.connections[0].finish();
    expect(await text).toBe('hello');
    expect(kit.holds()).toEqual([0, 1, 0, 0]);
  });
});
