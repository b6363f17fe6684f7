import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import {
  concatMap,
  finalize,
  groupBy,
  mergeMap,
  NEVER,
  Observable,
  of,
  range,
  Subject,
  Subscription,
  take,
  tap,
  throwError,
  timer,
  type OperatorFunction,
  type SchedulerLike,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { InvalidOptionError, politeMap, type PoliteMapOptions } from '../../src/index.js';
import { record, VirtualClock } from '../support/index.js';

/** a, b and c are of one lane, x, y and z of another. */
const lane = (value: string): string => (value < 'm' ? 'abc' : 'xyz');

const once = <T>(value: T): Observable<T> => of(value);

describe('politeMap', () => {
  let scheduler: TestScheduler;

  beforeEach(() => {
    scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  });

  it('runs one of a lane at a time, in order, and lanes beside each other', () => {
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source$ = hot('abx-------|');
      const a$ = cold('    --a|       ');
      const b$ = cold('       --b|    ');
      const x$ = cold('      --x|     ');
      const project = (value: string): Observable<string> => ({ a: a$, b: b$, x: x$ })[value]!;
      expectObservable(source$.pipe(politeMap(project, { key: lane }))).toBe('--a-xb----|');
      expectSubscriptions(a$.subscriptions).toBe('                     ^--!       ');
      expectSubscriptions(b$.subscriptions).toBe('                     ---^--!    ');
      expectSubscriptions(x$.subscriptions).toBe('                     --^--!     ');
    });
  });

  it('starts two of a lane no sooner than delay after each other, start to start', () => {
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source$ = hot('abx-------|');
      const inner$ = cold('-1|');
      expectObservable(source$.pipe(politeMap(() => inner$, { key: lane, delay: 5 }))).toBe('-1-1--1---|');
      expectSubscriptions(inner$.subscriptions).toBe(['^-!', '--^-!', '-----^-!']);
    });
  });

  it('remembers the delay of a lane in which nothing runs or waits, until it has passed', () => {
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source$ = hot('a--b---------c---|');
      const inner$ = cold('1|');
      expectObservable(source$.pipe(politeMap(() => inner$, { key: lane, delay: 5 }))).toBe('1----1-------1---|');
      expectSubscriptions(inner$.subscriptions).toBe(['^!', '-----^!', '-------------^!']);
    });
  });

  it('does not wait longer than the work takes, if that takes longer than the delay', () => {
    scheduler.run(({ hot, cold, expectObservable }) => {
      const source$ = hot('(abc|)');
      expectObservable(source$.pipe(politeMap(() => cold('----1|'), { key: lane, delay: 2 }))).toBe('----1----1----1|');
    });
  });

  it('runs as many of a lane as concurrency says, and of all lanes as total says', () => {
    scheduler.run(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const inner$ = cold('--|');
      const source$ = hot('(abcxyz|)');
      const polite$ = source$.pipe(politeMap(() => inner$, { key: lane, concurrency: 2, total: 3 }));
      expectObservable(polite$).toBe('----|');
      expectSubscriptions(inner$.subscriptions).toBe(['^-!', '^-!', '^-!', '--^-!', '--^-!', '--^-!']);
    });
  });

  it('lets lanes take turns, however much one has waiting', () => {
    scheduler.run(({ cold, hot, expectObservable }) => {
      const source$ = hot('(abcaxyz|)');
      const order: string[] = [];
      const polite$ = source$.pipe(
        politeMap(
          value => {
            order.push(value);
            return cold<string>('-|');
          },
          { key: lane, concurrency: 9, total: 1 },
        ),
        tap({ complete: () => expect(order.join('')).toBe('abxcyaz') }),
      );
      expectObservable(polite$).toBe('-------|');
    });
  });

  it('asks for the delay of each key, at each start', () => {
    scheduler.run(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const inner$ = cold('|');
      let slower = 0;
      const delay = (key: string): number => (key === 'abc' ? 1 : 3 + slower++);
      expectObservable(hot('(abcxyz|)').pipe(politeMap(() => inner$, { key: lane, delay }))).toBe('-------|');
      expectSubscriptions(inner$.subscriptions).toBe(['(^!)', '(^!)', '-(^!)', '--(^!)', '---(^!)', '-------(^!)']);
    });
  });

  it('makes delays longer and shorter by the jitter', () => {
    const random = jest.spyOn(Math, 'random');
    try {
      scheduler.run(({ cold, hot, expectObservable, expectSubscriptions }) => {
        random.mockReturnValueOnce(0).mockReturnValueOnce(1).mockReturnValueOnce(0.5);
        const inner$ = cold('|');
        const polite$ = hot('(abc|)').pipe(politeMap(() => inner$, { key: lane, delay: 4, jitter: 0.5 }));
        expectObservable(polite$).toBe('--------|');
        expectSubscriptions(inner$.subscriptions).toBe(['(^!)', '--(^!)', '--------(^!)']);
      });
    } finally {
      random.mockRestore();
    }
  });

  it('cancels what runs, and starts nothing more, when it is unsubscribed from', () => {
    scheduler.run(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const inner$ = cold('---1|');
      const source$ = hot('abx-----');
      expectObservable(source$.pipe(politeMap(() => inner$, { key: lane, delay: 1 })), '------!').toBe('---1-1--');
      expectSubscriptions(inner$.subscriptions).toBe(['^---!', '--^---!', '----^-!']);
      expectSubscriptions(source$.subscriptions).toBe('^-----!');
    });
  });

  it('ends with the error of one project, and cancels the others', () => {
    scheduler.run(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const a$ = cold('-----a');
      const x$ = cold(' -x-#');
      const source$ = hot('axbbb----');
      const polite$ = source$.pipe(politeMap(value => (value === 'x' ? x$ : a$), { key: lane }));
      expectObservable(polite$).toBe('--x-#');
      expectSubscriptions(a$.subscriptions).toBe('^---!');
      expectSubscriptions(source$.subscriptions).toBe('^---!');
    });
  });

  it('ends with the error of the source, and cancels what runs', () => {
    scheduler.run(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const inner$ = cold('-----1');
      expectObservable(hot('ab-#').pipe(politeMap(() => inner$, { key: lane }))).toBe('---#');
      expectSubscriptions(inner$.subscriptions).toBe('^--!');
    });
  });

  const thrown = new Error('of the user');
  const fail = (): never => {
    throw thrown;
  };
  it.each<[string, () => OperatorFunction<string, string>]>([
    ['key', () => politeMap(once, { key: fail })],
    ['project', () => politeMap(fail, { key: lane })],
    ['delay', () => politeMap(once, { key: lane, delay: fail })],
    ['the Observable of project', () => politeMap(() => throwError(() => thrown), { key: lane })],
  ])('tells the subscriber what is thrown by %s, and lets the rest go first', (_name, operator) => {
    const source = new Subject<string>();
    const log: string[] = [];
    const seen = record(
      source.pipe(
        finalize(() => log.push('source')),
        operator(),
      ),
      { log, name: 'polite' },
    );
    source.next('a');
    expect(seen.error).toBe(thrown);
    expect(seen.terminals).toBe(1);
    expect(source.observed).toBe(false);
  });

  it('lets what runs go before it tells of an error', () => {
    const log: string[] = [];
    const source = new Subject<string>();
    const polite$ = source.pipe(
      politeMap(value => (value === 'x' ? throwError(() => thrown) : NEVER.pipe(finalize(() => log.push('let go')))), {
        key: lane,
      }),
    );
    record(polite$, { log, name: 'polite' });
    source.next('a');
    source.next('x');
    expect(log).toEqual(['let go', 'polite:error']);
  });

  it.each([-1, NaN, Infinity, 2 ** 31, '5'])('refuses the delay %p, also of a function', ms => {
    const delay = ms as number;
    expect(() => politeMap(once, { key: lane, delay })).toThrow(InvalidOptionError);
    expect(record(of('a').pipe(politeMap(once, { key: lane, delay: () => delay }))).error).toBeInstanceOf(
      InvalidOptionError,
    );
  });

  it.each<[string, object]>([
    ['key', {}],
    ['key', { key: 'host' }],
    ['concurrency', { key: lane, concurrency: 0 }],
    ['total', { key: lane, total: 1.5 }],
    ['jitter', { key: lane, jitter: 1.1 }],
    ['delay', { key: lane, delay: '5' }],
  ])('refuses %s of %j', (option, options) => {
    const make = (): unknown => politeMap(once, options as PoliteMapOptions<unknown, unknown>);
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(new RegExp(`^${option} must be`));
  });

  it('takes no option from a polluted prototype', () => {
    const polluted = Object.create({ total: 0, delay: -1, concurrency: 0 }) as PoliteMapOptions<string, string>;
    const options = Object.assign(polluted, { key: lane });
    expect(record(of('a').pipe(politeMap(once, options))).values).toEqual(['a']);
  });

  it('runs 100 000 synchronous projects of one lane without growing the stack', () => {
    let count = 0;
    const seen = record(
      range(0, 100_000).pipe(
        politeMap(once, { key: () => 'k' }),
        tap(() => count++),
        take(100_000),
      ),
    );
    expect([count, seen.completed]).toEqual([100_000, true]);
  });

  it('runs what waited, 100 000 synchronous projects of one lane, without growing the stack', () => {
    const first = new Subject<number>();
    const seen = record(
      range(0, 100_000).pipe(politeMap(value => (value === 0 ? first : of(value)), { key: () => 'k' })),
    );
    expect(seen.values).toEqual([]);
    first.complete();
    expect([seen.values.length, seen.completed]).toEqual([99_999, true]);
  });

  it('takes what is fed back from inside, 100 000 deep, without growing the stack', () => {
    const frontier = new Subject<number>();
    let last = 0;
    const subscription = frontier.pipe(politeMap(once, { key: value => value % 3 })).subscribe(value => {
      last = value;
      if (value < 100_000) frontier.next(value + 1);
      else frontier.complete();
    });
    frontier.next(1);
    expect([last, subscription.closed]).toEqual([100_000, true]);
  });

  it('starts nothing of a synchronous source once its subscriber has gone', () => {
    const started: number[] = [];
    const project = (value: number): Observable<number> => {
      started.push(value);
      return of(value);
    };
    record(range(0, 1_000_000_000).pipe(politeMap(project, { key: value => value % 2 }), take(3)));
    expect(started).toEqual([0, 1, 2]);
  });

  it('ends a synchronous project that emits for ever once its subscriber has gone', () => {
    const seen = record(
      of('a').pipe(
        politeMap(() => range(0, Infinity), { key: lane }),
        take(2),
      ),
    );
    expect(seen.values).toEqual([0, 1]);
  });

  it('starts nothing of what is given to it from inside an error', () => {
    const source = new Subject<string>();
    const started: string[] = [];
    source
      .pipe(
        politeMap(
          value => {
            started.push(value);
            return value === 'a' ? throwError(() => thrown) : NEVER;
          },
          { key: lane },
        ),
      )
      .subscribe({ error: () => source.next('x') });
    source.next('a');
    expect(started).toEqual(['a']);
  });

  it('starts the next of a lane when the teardown of the last is done', () => {
    const log: string[] = [];
    const project = (value: string): Observable<string> =>
      new Observable(subscriber => {
        log.push(`start ${value}`);
        subscriber.complete();
        return () => log.push(`end ${value}`);
      });
    record(of('a', 'b').pipe(politeMap(project, { key: lane })));
    expect(log).toEqual(['start a', 'end a', 'start b', 'end b']);
  });

  it('of 100 000 keys with one value each keeps nothing, once their delays have passed', () => {
    // A clock for many: that of RxJS sorts all its timers for each.
    const due = new Set<() => void>();
    const schedule = (work: () => void): Subscription => {
      due.add(work);
      return new Subscription(() => due.delete(work));
    };
    const clock = { now: () => 0, schedule } as unknown as SchedulerLike;
    const source = new Subject<number>();
    const made = jest.spyOn(Map.prototype, 'set');
    const { subscription } = record(source.pipe(politeMap(once, { key: value => value, delay: 10, scheduler: clock })));
    source.next(0);
    const lanes = made.mock.contexts[0] as Map<unknown, unknown>;
    made.mockRestore();
    for (let i = 1; i < 100_000; i++) source.next(i);
    expect([due.size, lanes.size]).toEqual([100_000, 100_000]);
    for (const work of due) {
      due.delete(work);
      work();
    }
    expect([due.size, lanes.size]).toEqual([0, 0]);
    source.next(1);
    expect([due.size, lanes.size]).toEqual([1, 1]);
    subscription.unsubscribe();
    expect([due.size, lanes.size]).toEqual([0, 0]);
  });

  describe('whatever comes', () => {
    interface Item {
      readonly id: number;
      readonly key: number;
      readonly at: number;
      readonly takes: number;
    }
    interface Run {
      readonly item: Item;
      readonly from: number;
      to: number;
    }
    interface Limits {
      readonly concurrency: number;
      readonly total: number;
      readonly delay: number;
      readonly jitter: number;
    }

    const items$ = fc.array(
      fc.record({
        key: fc.nat(3),
        at: fc.nat(40),
        takes: fc.oneof(fc.constant(0), fc.nat(12)), // 0 is synchronous
      }),
      { maxLength: 40 },
    );
    const limits$ = fc.record({
      concurrency: fc.integer({ min: 1, max: 3 }),
      total: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 4 })),
      delay: fc.oneof(fc.constant(0), fc.nat(10)),
      jitter: fc.constantFrom(0, 0.5, 1),
    });

    function play(
      given: readonly Omit<Item, 'id'>[],
      operator: (project: (item: Item) => Observable<number>, clock: VirtualClock) => OperatorFunction<Item, number>,
    ): { items: Item[]; runs: Run[]; values: number[]; completed: boolean; waiting: boolean } {
      const clock = new VirtualClock();
      const source = new Subject<Item>();
      const items = given.map((item, id) => ({ ...item, id }));
      const runs: Run[] = [];
      const project = (item: Item): Observable<number> => {
        const run: Run = { item, from: clock.frame, to: Infinity };
        runs.push(run);
        const done$ = item.takes === 0 ? of(item.id) : timer(item.takes, clock).pipe(concatMap(() => of(item.id)));
        return done$.pipe(finalize(() => (run.to = clock.frame)));
      };
      const seen = record(source.pipe(operator(project, clock)));
      for (const item of items) clock.schedule(() => source.next(item), item.at);
      clock.schedule(() => source.complete(), 41);
      clock.advance(10_000);
      return { items, runs, values: seen.values, completed: seen.completed, waiting: clock.waiting };
    }

    const polite =
      (limits: Limits) =>
      (project: (item: Item) => Observable<number>, clock: VirtualClock): OperatorFunction<Item, number> =>
        politeMap(project, { ...limits, key: ({ key }) => key, scheduler: clock });

    const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);

    it('loses nothing, repeats nothing, keeps the limits and the order of a lane', () => {
      fc.assert(
        fc.property(items$, limits$, (given, limits) => {
          const { items, runs, values, completed, waiting } = play(given, polite(limits));
          const ids = items.map(({ id }) => id);
          expect(sorted(values)).toEqual(ids);
          expect(sorted(runs.map(({ item }) => item.id))).toEqual(ids);
          expect([completed, waiting]).toEqual([true, false]);
          const runningAt = (time: number, of: readonly Run[]): number =>
            of.filter(({ from, to }) => from <= time && time < to).length;
          for (let key = 0; key <= 3; key++) {
            const ofKey = runs.filter(({ item }) => item.key === key);
            const arrived = items.filter(item => item.key === key).sort((a, b) => a.at - b.at || a.id - b.id);
            expect(ofKey.map(({ item }) => item.id)).toEqual(arrived.map(({ id }) => id));
            ofKey.forEach(({ from }, i) => {
              expect(runningAt(from, ofKey)).toBeLessThanOrEqual(limits.concurrency);
              const least = limits.delay * (1 - limits.jitter);
              if (i > 0) expect(from - ofKey[i - 1].from).toBeGreaterThanOrEqual(least);
            });
          }
          for (const { from } of runs) expect(runningAt(from, runs)).toBeLessThanOrEqual(limits.total);
        }),
        { numRuns: 500 },
      );
    });

    it('starts each as soon as its lane allows, if nothing else holds it', () => {
      fc.assert(
        fc.property(items$, limits$, (given, some) => {
          const limits = { ...some, total: Infinity, jitter: 0 };
          const { runs } = play(given, polite(limits));
          for (let key = 0; key <= 3; key++) {
            const ofKey = runs.filter(({ item }) => item.key === key);
            ofKey.forEach(({ item, from }, i) => {
              const before = ofKey.slice(0, i);
              const rested = i === 0 ? 0 : before[i - 1].from + limits.delay;
              // When all but `concurrency - 1` of those before had ended.
              const free = i < limits.concurrency ? 0 : sorted(before.map(({ to }) => to))[i - limits.concurrency];
              expect(from).toBe(Math.max(item.at, rested, free));
            });
          }
        }),
        { numRuns: 500 },
      );
    });

    it('is more than groupBy with a limit does: that loses some (the control)', () => {
      const lost = fc.check(
        fc.property(items$, given => {
          const { items, values } = play(
            given,
            project => source$ =>
              source$.pipe(
                groupBy(({ key }) => key),
                mergeMap(group$ => group$.pipe(concatMap(project)), 2),
              ),
          );
          expect(sorted(values)).toEqual(items.map(({ id }) => id));
        }),
      );
      expect(lost.failed).toBe(true);
    });
  });
});
