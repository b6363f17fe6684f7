import { asyncScheduler, Observable, type ObservableInput, type OperatorFunction, type SchedulerLike } from 'rxjs';
import { count, finiteDuration, fraction, InvalidOptionError, maxDuration, own } from '../errors/index.js';
import { PoliteLanes, type PoliteSettings } from './PoliteLanes.js';

export interface PoliteMapOptions<T, K> {
  /** The lane of a value: mostly the host of a URL. Keys are told apart as those of a `Map`. */
  readonly key: (value: T) => K;
  /** How many may run in one lane. Default 1. */
  readonly concurrency?: number;
  /** ms from one start to the next in a lane. Default 0. */
  readonly delay?: number | ((key: K) => number);
  /** By how much of itself a delay is made longer or shorter at most, at random: 0.5 is half to one and a half. Default 0. */
  readonly jitter?: number;
  /** How many may run in all lanes together. Default: any number. */
  readonly total?: number;
  /** Of the delays. Default `asyncScheduler`: a delay that somebody waits for keeps the process alive. */
  readonly scheduler?: SchedulerLike;
}

/**
 * `mergeMap` with manners: values go into lanes by their key, and no lane runs more than `concurrency` of them at a time
 * or starts two within `delay` ms. What has to wait waits, and none is lost.
 *
 * ```
 *   source                        ──a1─a2─b1────────────|
 *   project(a1)                     ──x|
 *   project(a2)                     ·····──y|             delay after a1
 *   project(b1)                           ──z|            another lane
 *   politeMap(project, …)         ────x───yz────────────|
 * ```
 *
 * Lanes that could start take turns, one start each; within a lane values keep their order. A lane takes memory while
 * something of it waits or runs, or its delay goes on. It completes when the source has and all that came has run; an
 * error of the source, of a project, or thrown by a callback ends it at once. Unsubscribing ends all that runs.
 *
 * Gotchas: the source is not held up, as an Observable has no backpressure: what waits is in memory. `delay` is asked
 * for at each start. `groupBy` with a limited `mergeMap` is no substitute: it loses values of groups that have to wait.
 *
 * @throws InvalidOptionError
 *
 * @example
 * from(urls).pipe(
 *   politeMap(url => agent.get(url).pipe(text()), { key: url => new URL(url).host, delay: 1_000, jitter: 0.5, total: 16 }),
 * );
 */
export function politeMap<T, R, K = unknown>(
  project: (value: T, index: number) => ObservableInput<R>,
  options: PoliteMapOptions<T, K>,
): OperatorFunction<T, R> {
  const settings: PoliteSettings<T, K> = {
    key: needed(own(options, 'key'), 'key'),
    concurrency: count(options, 'concurrency', 1, 1),
    delay: delayOf(own(options, 'delay') ?? 0, fraction(options, 'jitter', 0)),
    total: count(options, 'total', Infinity, 1),
    scheduler: own(options, 'scheduler') ?? asyncScheduler,
  };
  needed(project, 'project');
  return source => new Observable<R>(subscriber => new PoliteLanes(source, subscriber, project, settings));
}

function needed<F>(callback: F | undefined, name: string): F {
  if (typeof callback === 'function') return callback;
  throw new InvalidOptionError(name, callback, 'a function');
}

function delayOf<K>(delay: number | ((key: K) => number), jitter: number): (key: K) => number {
  if (typeof delay !== 'function') finiteDuration(delay, 'delay');
  return key => {
    const ms = typeof delay === 'function' ? finiteDuration(delay(key), 'delay') : delay;
    return jitter === 0 ? ms : Math.min(ms * (1 + jitter * (2 * Math.random() - 1)), maxDuration);
  };
}
