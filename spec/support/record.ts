import type { Observable, Subscription } from 'rxjs';
import { HTTPClientError } from '../../src/errors/index.js';

/** All that an Observable told one subscriber. */
export interface Recorded<T> {
  readonly values: T[];
  error: unknown;
  completed: boolean;
  /** Terminal notifications: 0 or 1 by the rules of Observables, and 1 by those of this library. */
  terminals: number;
  subscription: Subscription;
  /** `value`, the class of the error, or `nothing`. */
  readonly outcome: string;
}

/** Subscribes and notes what comes. `log` gets an entry for each notification, as in `body:next`. */
export function record<T>(
  source: Observable<T>,
  { log, name = '' }: { log?: string[]; name?: string } = {},
): Recorded<T> {
  const seen: Recorded<T> = {
    values: [],
    error: undefined,
    completed: false,
    terminals: 0,
    subscription: undefined as unknown as Subscription,
    get outcome() {
      return this.error !== undefined ? className(this.error) : this.values.length > 0 ? 'value' : 'nothing';
    },
  };
  seen.subscription = source.subscribe({
    next: value => {
      log?.push(`${name}:next`);
      seen.values.push(value);
    },
    error: (error: unknown) => {
      log?.push(`${name}:error`);
      seen.error = error;
      seen.terminals++;
    },
    complete: () => {
      log?.push(`${name}:complete`);
      seen.completed = true;
      seen.terminals++;
    },
  });
  return seen;
}

export function className(error: unknown): string {
  return error instanceof HTTPClientError || error instanceof Error ? error.constructor.name : typeof error;
}

/** Lets microtasks run: what a transport, a promise or a stream had to say at once, it has said. */
export async function microtasks(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

/** Lets the event loop turn: streams of Node speak from `process.nextTick`. */
export async function ticks(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) {
    await new Promise<void>(resolve => process.nextTick(resolve));
    await microtasks();
  }
}
