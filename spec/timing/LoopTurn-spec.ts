import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LoopTurn } from '../../src/timing/index.js';

/** Stands in for the check phase of the loop: what is queued while it runs waits for the next. */
class CheckPhase {
  queued: (() => void)[] = [];
  asked = 0;

  readonly setImmediate = (callback: () => void): void => {
    this.asked++;
    this.queued.push(callback);
  };

  run(): void {
    for (const callback of this.queued.splice(0)) callback();
  }
}

describe('LoopTurn', () => {
  const name = 'setImmediate';
  const host = globalThis as unknown as Record<string, unknown>;
  const original = host[name];
  let loop: CheckPhase;
  beforeEach(() => {
    loop = new CheckPhase();
    host[name] = loop.setImmediate;
  });
  afterEach(() => {
    host[name] = original;
  });

  it('calls back in the second check phase: the loop has polled between the two', () => {
    const log: string[] = [];
    new LoopTurn().after(() => log.push('called'));
    expect(log).toEqual([]);
    loop.run();
    expect(log).toEqual([]);
    loop.run();
    expect(log).toEqual(['called']);
    loop.run();
    expect(log).toEqual(['called']);
  });

  it('one pair serves all who ask within a turn, in order', () => {
    const log: number[] = [];
    const turn = new LoopTurn();
    for (let i = 0; i < 5; i++) turn.after(() => log.push(i));
    loop.run();
    loop.run();
    expect(log).toEqual([0, 1, 2, 3, 4]);
    expect(loop.asked).toBe(2);
  });

  it('who asks between the two has a poll of its own to wait for', () => {
    const log: string[] = [];
    const turn = new LoopTurn();
    turn.after(() => log.push('first'));
    loop.run();
    turn.after(() => log.push('second'));
    loop.run();
    expect(log).toEqual(['first']);
    loop.run();
    expect(log).toEqual(['first', 'second']);
  });

  it('who asks from inside a callback is called two turns later', () => {
    const log: string[] = [];
    const turn = new LoopTurn();
    turn.after(() => {
      log.push('outer');
      turn.after(() => log.push('inner'));
    });
    loop.run();
    loop.run();
    expect(log).toEqual(['outer']);
    loop.run();
    expect(log).toEqual(['outer']);
    loop.run();
    expect(log).toEqual(['outer', 'inner']);
  });

  it('asks for nothing when nobody asks', () => {
    const turn = new LoopTurn();
    turn.after(() => {});
    loop.run();
    loop.run();
    loop.run();
    expect(loop.asked).toBe(2);
    expect(loop.queued).toEqual([]);
  });
});

describe('LoopTurn in a real loop', () => {
  it('keeps the process alive until it has called back', async () => {
    const turn = new LoopTurn();
    const called = new Promise<void>(resolve => turn.after(resolve));
    expect(process.getActiveResourcesInfo()).toContain('Immediate');
    await called;
  });
});
