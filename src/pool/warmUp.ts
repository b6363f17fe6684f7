import { Observable, type Subscriber } from 'rxjs';
import type { Endpoint } from '../endpoint/index.js';
import type { HTTPClientError } from '../errors/index.js';
import { guarded } from '../timing/index.js';
import type { Bucket, KeyDial } from './Bucket.js';
import type { Core } from './Core.js';
import { beginDial, subscribeDial } from './connect.js';
import type { WarmUpClaim } from './Dial.js';

/**
 * Dials for gets to come. The dials are free from the start: a get that needs one adopts it.
 *
 * ```
 *   warmUp   ^dial ─────── validated, idle ──(n|)      n = the number of connections made
 *            ^dial ────────#                           the first failure is the error, and aborts the other dials
 * ```
 */
export function warmUp(core: Core, key: string, endpoint: Endpoint, count: number): Observable<number> {
  return new Observable(subscriber => {
    if (core.closing) {
      subscriber.error(core.refusal(key, null));
      return undefined;
    }
    const run = new WarmUp(core, core.bucket(key), subscriber);
    run.start(endpoint, count);
    return () => run.abort();
  });
}

class WarmUp implements WarmUpClaim {
  readonly kind = 'warm-up';
  readonly #dials: KeyDial[] = [];
  #made = 0;
  isOver = false;

  constructor(
    private readonly core: Core,
    private readonly bucket: Bucket,
    private readonly subscriber: Subscriber<number>,
  ) {}

  start(endpoint: Endpoint, count: number): void {
    const { core, bucket } = this;
    const number = Math.max(Math.min(count, this.#room()), 0);
    for (let i = 0; i < number; i++) {
      const dial = beginDial(core, bucket, endpoint, this);
      (bucket.freeDials ??= new Set()).add(dial);
      this.#dials.push(dial);
    }
    core.loop.touch(bucket);
    core.loop.during(() => {
      for (const dial of this.#dials) if (dial.place.state.kind === 'connecting') subscribeDial(core, dial);
    });
    this.#completeIfMade();
  }

  /** How many connections the limits of the pool and of its cache have room for. It evicts none, and waits for none. */
  #room(): number {
    const { bucket, core } = this;
    const { settings, places, idle } = core;
    if (!settings.persistent || !core.room.isEmpty) return 0;
    let toBeIdle = idle.length;
    for (const other of core.buckets.values()) toBeIdle += spareOf(other);
    return Math.min(
      settings.maxConnectionsPerHost - bucket.open,
      settings.maxConnections - places.size,
      settings.maxPersistentPerHost - bucket.idling - spareOf(bucket),
      settings.maxPersistent - toBeIdle,
    );
  }

  made(): void {
    this.#made++;
    this.#completeIfMade();
  }

  #completeIfMade(): void {
    if (this.isOver || this.#made < this.#dials.length) return;
    this.isOver = true;
    this.subscriber.next(this.#made);
    this.subscriber.complete();
  }

  failed(error: HTTPClientError): void {
    if (this.isOver) return;
    this.abort();
    this.subscriber.error(error);
  }

  /** Aborts the dials that no get has adopted. */
  abort(): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const dial of this.#dials) {
      if (dial.place.state.kind === 'connecting' && dial.waiter === null) {
        guarded(() => this.core.leave(dial.place, 'cancelled'));
      }
    }
    this.core.loop.run();
  }
}

/** Number of connections on their way under a key that no get waits for. */
function spareOf(bucket: Bucket): number {
  return (bucket.freeDials?.size ?? 0) + Math.max(bucket.validating - bucket.waiters.length, 0);
}
