import { Observable } from 'rxjs';

/** How often `subscribe` is called, of whatever Observable, while `work` is done. */
export async function subscriptionsOf(work: () => void | Promise<void>): Promise<number> {
  const { subscribe } = Observable.prototype;
  let count = 0;
  Observable.prototype.subscribe = function (this: Observable<unknown>, ...args: unknown[]) {
    count++;
    return Reflect.apply(subscribe, this, args) as ReturnType<typeof subscribe>;
  } as typeof subscribe;
  try {
    await work();
  } finally {
    Observable.prototype.subscribe = subscribe;
  }
  return count;
}
