import { describe, expect, it } from '@jest/globals';
import { EventOutbox, type PoolEvent } from '../../src/events/index.js';

const event = (key: string): PoolEvent => ({ type: 'connecting', key, at: 0 });

describe('EventOutbox', () => {
  it('sends what was collected when it is told to, in order', () => {
    const outbox = new EventOutbox();
    const log: string[] = [];
    outbox.events.subscribe(({ key }) => log.push(key));
    outbox.add(event('a'));
    outbox.add(event('b'));
    expect(log).toEqual([]);
    outbox.flush();
    outbox.flush();
    expect(log).toEqual(['a', 'b']);
  });

  it('sends what is added by an observer after what was there before', () => {
    const outbox = new EventOutbox();
    const log: string[] = [];
    outbox.events.subscribe(({ key }) => {
      log.push(key);
      if (key === 'a') outbox.add(event('c'));
    });
    outbox.add(event('a'));
    outbox.add(event('b'));
    outbox.flush();
    expect(log).toEqual(['a', 'b', 'c']);
  });

  it('keeps the order for all observers when one of them makes it flush', () => {
    const outbox = new EventOutbox();
    const logs: string[][] = [[], []];
    outbox.events.subscribe(({ key }) => {
      logs[0].push(key);
      if (key !== 'a') return;
      outbox.add(event('c'));
      outbox.flush();
    });
    outbox.events.subscribe(({ key }) => logs[1].push(key));
    outbox.add(event('a'));
    outbox.add(event('b'));
    outbox.flush();
    expect(logs).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ]);
  });

  it('completes after the last event, also when an observer makes it complete', () => {
    const outbox = new EventOutbox();
    const log: string[] = [];
    outbox.events.subscribe({
      next: ({ key }) => {
        log.push(key);
        if (key === 'a') outbox.complete();
      },
      complete: () => log.push('|'),
    });
    outbox.add(event('a'));
    outbox.add(event('b'));
    outbox.flush();
    expect(log).toEqual(['a', 'b', '|']);
  });

  it('knows whether anybody observes', () => {
    const outbox = new EventOutbox();
    expect(outbox.wants('leased')).toBe(false);
    const subscription = outbox.events.subscribe();
    expect(outbox.wants('leased')).toBe(true);
    subscription.unsubscribe();
    expect(outbox.wants('leased')).toBe(false);
  });
});
