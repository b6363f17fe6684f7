import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { config, type SchedulerLike, type Subscription } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { Deadline, DeadlineSweep } from '../../src/timing/index.js';
import { unhandledErrors } from '../pool/support/index.js';

/** A sweep in virtual time, whose wall clock can be set. */
function world() {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  scheduler.maxFrames = Infinity;
  const wall = { offset: 0 };
  const clock: SchedulerLike = {
    now: () => scheduler.now() + wall.offset,
    schedule: (...args: unknown[]) => Reflect.apply(scheduler.schedule, scheduler, args) as Subscription,
  };
  const log: string[] = [];
  const sweep = new DeadlineSweep(clock);
  const deadline = (name: string, then: () => void = () => {}): Deadline =>
    new Deadline(sweep, () => {
      log.push(`${name}@${scheduler.frame}`);
      then();
    });
  const armed = (): number[] => scheduler.actions.filter(action => !action.closed).map(action => action.delay);
  const at = (frame: number, work: () => void): unknown => scheduler.schedule(work, frame);
  return { scheduler, wall, log, sweep, deadline, armed, at, run: () => scheduler.flush() };
}

describe('DeadlineSweep', () => {
  it('a deadline expires once, exactly then', () => {
    const { deadline, log, run } = world();
    const once = deadline('a');
    once.start(30);
    expect(once.running).toBe(true);
    run();
    expect(log).toEqual(['a@30']);
    expect(once.running).toBe(false);
  });

  it('one timer is armed for all, for the earliest', () => {
    const { deadline, armed, log, run } = world();
    for (const time of [50, 80, 90]) deadline(`${time}`).start(time);
    expect(armed()).toEqual([50]);
    run();
    expect(log).toEqual(['50@50', '80@80', '90@90']);
  });

  it('is armed anew for an earlier one only', () => {
    const { deadline, armed } = world();
    deadline('a').start(50);
    deadline('b').start(20);
    deadline('c').start(70);
    expect(armed()).toEqual([20]);
  });

  it('deadlines that are close share a sweep, and none is early', () => {
    const { deadline, log, run } = world();
    deadline('a').start(50);
    deadline('b').start(52);
    deadline('c').start(56);
    run();
    expect(log).toEqual(['a@50', 'b@55', 'c@60']);
  });

  it('no timer runs while nothing waits', () => {
    const { deadline, armed, run } = world();
    deadline('a').start(10);
    run();
    expect(armed()).toEqual([]);
    deadline('b').start(Infinity);
    expect(armed()).toEqual([]);
  });

  it('one that is cleared or disposed of does not expire, one that is started again does at its new time', () => {
    const { deadline, log, run } = world();
    const [cleared, disposed, again] = [deadline('cleared'), deadline('disposed'), deadline('again')];
    for (const each of [cleared, disposed, again]) each.start(10);
    cleared.clear();
    disposed.dispose();
    again.start(40);
    run();
    expect(log).toEqual(['again@40']);
  });

  it('start with Infinity stops it', () => {
    const { deadline, log, run } = world();
    const stopped = deadline('a');
    stopped.start(10);
    stopped.start(Infinity);
    run();
    expect(log).toEqual([]);
  });

  it('0, and a time that has passed, expire at once, but not within the call', () => {
    const { deadline, log, run } = world();
    deadline('a').start(0);
    deadline('b').startAt(-5);
    expect(log).toEqual([]);
    run();
    expect(log).toEqual(['a@0', 'b@0']);
  });

  it('disposal from the middle disturbs no other, in any order', () => {
    const { deadline, log, run } = world();
    const all = Array.from({ length: 10 }, (_, i) => deadline(`${i}`));
    all.forEach((each, i) => each.start(10 * (i + 1)));
    for (const i of [0, 9, 4, 5, 4]) all[i].dispose();
    run();
    expect(log).toEqual(['1@20', '2@30', '3@40', '6@70', '7@80', '8@90']);
  });

  it('an expiry that ends others of its sweep ends them', () => {
    const { deadline, log, run } = world();
    const other = deadline('b');
    const third = deadline('c');
    deadline('a', () => {
      other.dispose();
      third.clear();
    }).start(10);
    other.start(10);
    third.start(10);
    run();
    expect(log).toEqual(['a@10']);
  });

  it('an expiry may start itself and others', () => {
    const { deadline, log, run } = world();
    const other = deadline('b');
    let rounds = 0;
    const again: Deadline = deadline('a', () => {
      if (++rounds < 3) again.start(10);
      other.start(5);
    });
    again.start(10);
    run();
    expect(log).toEqual(['a@10', 'b@15', 'a@20', 'b@25', 'a@30', 'b@35']);
  });

  it('a wall clock that is set back delays nothing', () => {
    const { deadline, wall, at, log, run, sweep } = world();
    deadline('a').start(100);
    deadline('b').start(200);
    at(50, () => (wall.offset = -3_600_000));
    run();
    expect(log).toEqual(['a@100', 'b@200']);
    expect(sweep.now()).toBe(200);
  });

  it('a timer that is a ms or two early is no clock that was set back', () => {
    const { deadline, wall, at, log, run, sweep } = world();
    deadline('a').start(100);
    at(50, () => (wall.offset = -2));
    run();
    expect(log).toEqual(['a@105']); // the next sweep, a granularity later
    expect(sweep.now()).toBe(103);
  });

  it('close stops a timer that nothing waits for any more', () => {
    const { deadline, armed, sweep } = world();
    const [cleared, disposed] = [deadline('a'), deadline('b')];
    cleared.start(10);
    disposed.start(20);
    cleared.clear();
    disposed.dispose();
    expect(armed()).toEqual([10]);
    sweep.close();
    expect(armed()).toEqual([]);
  });

  it('close stops the timer when the last that waited is disposed of', () => {
    const { deadline, armed, sweep } = world();
    const [first, last] = [deadline('a'), deadline('b')];
    first.start(10);
    last.start(20);
    sweep.close();
    first.dispose();
    expect(armed()).toEqual([10]);
    last.dispose();
    expect(armed()).toEqual([]);
  });

  it('close lets what still waits expire', () => {
    const { deadline, log, run, sweep } = world();
    deadline('a').start(10);
    sweep.close();
    run();
    expect(log).toEqual(['a@10']);
  });

  it('one that was started before close and disposed of after it takes none with it that is started then', () => {
    const { deadline, log, run, sweep } = world();
    const before = deadline('before');
    before.start(10);
    before.clear();
    sweep.close();
    deadline('after').start(20);
    before.dispose();
    run();
    expect(log).toEqual(['after@20']);
  });
});

describe('an expiry that throws', () => {
  it('is reported, and keeps no other from expiring', async () => {
    const { deadline, log, run } = world();
    deadline('a').start(10);
    deadline('b', () => {
      throw new Error('odd');
    }).start(10);
    deadline('c').start(10);
    deadline('d').start(20);
    const errors = await unhandledErrors(run, 1);
    config.onUnhandledError = null;
    expect(errors).toMatchObject([{ message: 'odd' }]);
    expect(log).toEqual(['a@10', 'b@10', 'c@10', 'd@20']);
  });
});

describe('a wall clock that is set', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** A world whose scheduler has the time from the wall, as that of RxJS. */
  function onTheWall() {
    const it = world();
    const wall = { offset: 0 };
    const started = 1_750_000_000_000;
    jest.spyOn(Date, 'now').mockImplementation(() => started + it.scheduler.frame + wall.offset);
    jest.spyOn(performance, 'now').mockImplementation(() => 5_000 + it.scheduler.frame);
    const clock: SchedulerLike = {
      now: () => Date.now(),
      schedule: (...args: unknown[]) => Reflect.apply(it.scheduler.schedule, it.scheduler, args) as Subscription,
    };
    const sweep = new DeadlineSweep(clock);
    const deadline = (name: string): Deadline =>
      new Deadline(sweep, () => it.log.push(`${name}@${it.scheduler.frame}`));
    return { ...it, wall, started, sweep, deadline };
  }

  const steps: [name: string, ms: number][] = [
    ['forward by minutes', 180_000],
    ['back by minutes', -180_000],
    ['forward by a second', 1_000],
    ['back by a second', -1_000],
  ];

  it.each(steps)('%s: running deadlines expire when they should, and so do new ones', (_name, ms) => {
    const { deadline, wall, at, log, run, sweep, started } = onTheWall();
    deadline('soon').start(100);
    deadline('late').start(5_000);
    at(50, () => (wall.offset = ms));
    at(60, () => deadline('new').start(100));
    at(200, () => deadline('newer').start(500));
    run();
    expect(log).toEqual(['soon@100', 'new@160', 'newer@700', 'late@5000']);
    expect(sweep.now()).toBe(started + 5_000);
  });

  it('and set again: each time', () => {
    const { deadline, wall, at, log, run } = onTheWall();
    deadline('late').start(5_000);
    for (const [i, frame] of [100, 1_000, 2_000].entries()) {
      at(frame, () => (wall.offset = [3_600_000, -3_600_000, 60_000][i]));
      at(frame + 10, () => deadline(`${i}`).start(100));
    }
    run();
    expect(log).toEqual(['0@210', '1@1110', '2@2110', 'late@5000']);
  });
});
