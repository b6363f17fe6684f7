import { describe, expect, it } from '@jest/globals';
import { EventOutbox } from '../../src/events/index.js';
import { Bucket } from '../../src/pool/Bucket.js';
import { DrainLoop } from '../../src/pool/DrainLoop.js';

/** A loop whose owner notes what it serves, and does on the way what its spec says. */
function loopOf(act: (key: string, loop: DrainLoop) => void = () => undefined) {
  const log: string[] = [];
  const owner = {
    outbox: new EventOutbox(),
    isSettled: true,
    serve: ({ key }: Bucket): void => {
      log.push(`(${key}`);
      act(key, loop);
      log.push(`${key})`);
    },
    endIfClosed: () => void log.push(`end${loop.running ? ' too early' : ''}`),
  };
  const loop: DrainLoop = new DrainLoop(owner);
  return { loop, log, owner };
}

describe('The drain loop', () => {
  const [a, b, c] = ['a', 'b', 'c'].map(key => new Bucket(key));

  it('serves the keys that were touched, each once, in that order, and then looks whether the pool is at its end', () => {
    const { loop, log } = loopOf();
    for (const bucket of [b, a, b, c, a]) loop.touch(bucket);
    expect(log).toEqual([]);
    loop.run();
    expect(log).toEqual(['(b', 'b)', '(a', 'a)', '(c', 'c)', 'end']);
  });

  it('does nothing where nothing was touched, and there is nothing to tell', () => {
    const { loop, log, owner } = loopOf();
    loop.run();
    expect(log).toEqual([]);
    owner.isSettled = false;
    loop.run();
    expect(log).toEqual(['end']);
  });

  it('serves what is touched on the way in its turn, and is not entered a second time', () => {
    const { loop, log } = loopOf((key, running) => {
      expect(running.running).toBe(true);
      if (log.length > 3) return;
      running.touch(key === 'a' ? b : a);
      running.run();
    });
    loop.touch(a);
    loop.run();
    expect(log).toEqual(['(a', 'a)', '(b', 'b)', '(a', 'a)', 'end']);
    expect(loop.running).toBe(false);
  });

  it('sends the events of each pass after it', () => {
    const { loop, log, owner } = loopOf(key => owner.outbox.add({ type: 'connecting', key, at: 0 }));
    owner.outbox.events.subscribe(({ key }) => log.push(`event ${key}`));
    loop.touch(a);
    loop.touch(b);
    loop.run();
    expect(log).toEqual(['(a', 'a)', 'event a', '(b', 'b)', 'event b', 'end']);
  });

  it('runs after a change that calls consumers, not during it', () => {
    const { loop, log } = loopOf();
    loop.during(() => {
      loop.touch(a);
      loop.run();
      log.push('changed');
    });
    expect(log).toEqual(['changed', '(a', 'a)', 'end']);
  });

  it('goes on after a change, or a pass, that throws', () => {
    const boom = (): never => {
      throw new Error('boom');
    };
    const { loop, log } = loopOf(key => void (key === 'c' && boom()));
    expect(() => loop.during(boom)).toThrow('boom');
    loop.touch(c);
    loop.touch(a);
    expect(() => loop.run()).toThrow('boom');
    expect(loop.running).toBe(false);
    loop.run();
    expect(log).toEqual(['(c', '(a', 'a)', 'end']);
  });
});
