import { describe, expect, it } from '@jest/globals';
import { ResponseNeverReceivedError } from '../../src/errors/index.js';
import { retried } from '../../src/pool/retried.js';
import { testScheduler } from './support/index.js';

describe('The retry of a request', () => {
  const failure = new ResponseNeverReceivedError('first');

  it('subscribes to the second attempt once, at once, if it may', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const fresh$ = cold('              ---(r|)');
      expectObservable(retried(failure, fresh$, () => true)).toBe('---(r|)');
      expectSubscriptions(fresh$.subscriptions).toBe('            ^--!');
    });
  });

  it('is the first failure if there may be none, and does not subscribe', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const fresh$ = cold('---(r|)');
      expectObservable(retried(failure, fresh$, () => false)).toBe('#', {}, failure);
      expectSubscriptions(fresh$.subscriptions).toBe([]);
    });
  });

  it('fails with the error of the second attempt, whose cause is the first failure; there is no third', () => {
    const error = new Error('second');
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const fresh$ = cold('              ---#', {}, error);
      expectObservable(retried(failure, fresh$, () => true)).toBe('---#', {}, error);
      expectSubscriptions(fresh$.subscriptions).toBe('            ^--!');
    });
    expect([error.cause === failure, failure.cause]).toEqual([true, undefined]);
  });

  it('is unsubscribed from with its subscriber', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const fresh$ = cold('                                       -----r');
      expectObservable(
        retried(failure, fresh$, () => true),
        '    ^-!',
      ).toBe('---');
      expectSubscriptions(fresh$.subscriptions).toBe('            ^-!');
    });
  });
});
