import { describe, expect, it } from '@jest/globals';
import { timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { unrefScheduler } from '../../src/timing/index.js';

const timeouts = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length;

describe('unrefScheduler', () => {
  it('has timers that do not keep the process alive', () => {
    const before = timeouts();
    const ours = timer(10_000, unrefScheduler).subscribe();
    expect(timeouts()).toBe(before);
    // The positive control: an ordinary timer shows.
    const ordinary = timer(10_000).subscribe();
    expect(timeouts()).toBe(before + 1);
    ours.unsubscribe();
    ordinary.unsubscribe();
  });

  it('is virtual within TestScheduler.run', () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    scheduler.run(({ expectObservable }) => {
      expectObservable(timer(240_000, unrefScheduler)).toBe('240s (v|)', { v: 0 });
    });
    scheduler.run(() => expect(unrefScheduler.now()).toBe(scheduler.now()));
  });

  it('a timer that is unsubscribed from does not fire', () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    scheduler.run(({ expectObservable }) => {
      expectObservable(timer(5, unrefScheduler), '^--!').toBe('----');
    });
  });

  it('hands the state and the action on, which may be scheduled again', () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    const log: unknown[] = [];
    scheduler.run(() => {
      unrefScheduler.schedule<number>(
        function (state) {
          log.push([scheduler.now(), state]);
          if (state < 2) this.schedule(state + 1, 10);
        },
        5,
        0,
      );
    });
    expect(log).toEqual([
      [5, 0],
      [15, 1],
      [25, 2],
    ]);
  });
});
