import { asyncScheduler, type SchedulerAction, type SchedulerLike, type Subscription } from 'rxjs';

/** How much slower than real time it is. */
export const slowness = 10;

/**
 * A clock on which a second takes ten. No deadline is what ends a request here, and the short ones (a second, for the
 * rest of a body that nobody wants) could otherwise pass on a machine that has much else to do.
 */
export const slowClock: SchedulerLike = {
  now: () => asyncScheduler.now() / slowness,
  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    return asyncScheduler.schedule(work, delay * slowness, state);
  },
};
