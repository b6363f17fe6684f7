import { Subscription, type SchedulerAction, type SchedulerLike } from 'rxjs';

interface Task {
  readonly due: number;
  /** The simulation's own tasks are not timers of the pool. */
  readonly own: boolean;
  run(): void;
}

/** Time that stands still until it is told to go on: one sorted list of tasks, run in the order in which they are due. */
export class VirtualClock implements SchedulerLike {
  #now = 1_000_000;
  readonly #tasks: Task[] = [];

  now(): number {
    return this.#now;
  }

  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    const subscription = new Subscription();
    const task: Task = {
      due: this.#now + delay,
      own: false,
      run: () => work.call(subscription as SchedulerAction<T>, state),
    };
    subscription.add(() => this.#remove(task));
    this.#insert(task);
    return subscription;
  }

  /** A task of the simulation, `before` or after whatever else is due at that time. */
  at(due: number, run: () => void, before = false): void {
    this.#insert({ due, own: true, run }, before);
  }

  /** Timers that the pool has made and that still run. */
  get pending(): number {
    return this.#tasks.reduce((count, task) => count + (task.own ? 0 : 1), 0);
  }

  get nextDue(): number {
    return this.#tasks[0]?.due ?? Infinity;
  }

  advance(duration: number): void {
    const until = this.#now + duration;
    while (this.#tasks.length > 0 && this.#tasks[0].due <= until) {
      const task = this.#tasks.shift()!;
      if (task.due > this.#now) this.#now = task.due;
      task.run();
    }
    this.#now = until;
  }

  #insert(task: Task, before = false): void {
    const tasks = this.#tasks;
    let at = tasks.length;
    while (at > 0 && (before ? tasks[at - 1].due >= task.due : tasks[at - 1].due > task.due)) at--;
    tasks.splice(at, 0, task);
  }

  #remove(task: Task): void {
    const at = this.#tasks.indexOf(task);
    if (at >= 0) this.#tasks.splice(at, 1);
  }
}
