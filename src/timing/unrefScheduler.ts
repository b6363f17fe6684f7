import { asyncScheduler, type SchedulerAction, type SchedulerLike, type Subscription } from 'rxjs';

/**
 * `asyncScheduler`, with timers that do not keep the process alive: an idle pool must not hold a finished script.
 *
 * It delegates instead of having timers of its own, so that inside `TestScheduler.run` it is virtual like all others.
 */
export const unrefScheduler: SchedulerLike = {
  now: () => asyncScheduler.now(),
  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    const action = asyncScheduler.schedule(work, delay, state);
    // An AsyncAction keeps its interval in `id`; in virtual time that is a number, which holds nothing.
    (action as { id?: { unref?(): void } }).id?.unref?.();
    return action;
  },
};
