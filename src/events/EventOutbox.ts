import { channel } from 'node:diagnostics_channel';
import { Subject, type Observable } from 'rxjs';
import type { PoolEvent } from './PoolEvent.js';

type Type = PoolEvent['type'];

const channelOf = (type: Type) => channel(`rxjs-http-pool:pool:${type}`);
/** What the pools of a process tell to whoever listens in that process, such as a tracer, whichever pool it is. */
const channels: Readonly<Record<Type, ReturnType<typeof channel>>> = {
  connecting: channelOf('connecting'),
  connected: channelOf('connected'),
  'connect-failed': channelOf('connect-failed'),
  pending: channelOf('pending'),
  leased: channelOf('leased'),
  quiescent: channelOf('quiescent'),
  evicted: channelOf('evicted'),
  retried: channelOf('retried'),
  refused: channelOf('refused'),
  leaked: channelOf('leaked'),
  error: channelOf('error'),
  closed: channelOf('closed'),
};

/**
 * Events, on their way to observers who may do anything. They are collected while the pool changes its state and sent
 * when that is consistent again. Nothing is built while nobody observes: ask `wants` first.
 */
export class EventOutbox {
  readonly #events = new Subject<PoolEvent>();
  readonly events: Observable<PoolEvent> = this.#events.asObservable();
  #waiting: PoolEvent[] = [];
  #flushing = false;
  #over = false;

  /** Somebody observes events of this type. */
  wants(type: Type): boolean {
    return this.#events.observed || channels[type].hasSubscribers;
  }

  /** The same for two types that every request asks for: a name that varies costs V8 a look into a table. */
  get wantsLeased(): boolean {
    return this.#events.observed || channels.leased.hasSubscribers;
  }

  get wantsQuiescent(): boolean {
    return this.#events.observed || channels.quiescent.hasSubscribers;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(event: PoolEvent): void {
    this.#waiting.push(event);
  }

  /** Sends what was collected, and what is added meanwhile, in order. */
  flush(): void {
    // An observer may call for it again: the loop that is running sends the rest, so that all observers see one order.
    if (this.#flushing) return;
    this.#flushing = true;
    while (this.#waiting.length > 0) {
      const events = this.#waiting;
      this.#waiting = [];
      for (const event of events) {
        this.#events.next(event);
        if (channels[event.type].hasSubscribers) channels[event.type].publish(event);
      }
    }
    this.#flushing = false;
    if (this.#over) this.#events.complete();
  }

  /** No event comes after those that were added. */
  complete(): void {
    this.#over = true;
    this.flush();
  }
}
