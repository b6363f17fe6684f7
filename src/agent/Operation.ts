import type { Observable, Observer, Unsubscribable } from 'rxjs';
import { AbortedError, TotalTimeoutError, type HTTPClientError, type RequestPhase } from '../errors/index.js';
import type { LeasedProtocol } from '../pool/index.js';
import { Deadline, guarded, type DeadlineSweep } from '../timing/index.js';
import type { Tracker } from './HTTPRequest.js';
import type { HTTPResponse } from './HTTPResponse.js';
import { onAbort } from './onAbort.js';

/**
 * All that one subscription to an agent sets in motion: every attempt, every redirect, and the body at the end. It exists
 * only where something may end all of that from outside: `total`, a `signal`, or `requestEvents`.
 *
 * ```
 *   subscribe ^── attempt ──── attempt ── r ── body ──|    r = response
 *   leases      ────x          ───────────────────────|
 *   operation ^───────────────────────────────────────|    total and signal are watched so long
 * ```
 */
export class Operation implements Observer<HTTPResponse>, Tracker {
  readonly #leases = new Set<LeasedProtocol>();
  readonly #deadline: Deadline | null;
  readonly #stopWatching: (() => void) | undefined;
  #chain: Unsubscribable | null = null;
  #settled = false;
  /** The subscriber is being told the response. */
  #telling = false;
  /** It has heard that no more comes. */
  #completed = false;
  #over = false;
  #failure: HTTPClientError | null = null;
  /** The lease of the last attempt: that whose response is delivered. */
  #current: LeasedProtocol | null = null;

  constructor(
    private readonly subscriber: Observer<HTTPResponse>,
    private readonly deadlines: DeadlineSweep,
    total: number,
    signal: AbortSignal | undefined,
    private readonly ended: (failure: HTTPClientError | null) => void = () => undefined,
  ) {
    this.#deadline =
      total === Infinity ? null : new Deadline(deadlines, () => this.abort(new TotalTimeoutError(total)));
    this.#deadline?.start(total);
    this.#stopWatching =
      signal && onAbort(signal, () => this.abort(new AbortedError('The signal was aborted', { cause: signal.reason })));
  }

  /** Subscribes to what makes the response. */
  run(response$: Observable<HTTPResponse>): void {
    let subscription: Unsubscribable;
    try {
      subscription = response$.subscribe(this);
    } catch (error) {
      this.error(error); // what an interceptor gave is no Observable
      return;
    }
    // It may be over already: ended from within `subscribe`.
    if (this.#over) subscription.unsubscribe();
    else this.#chain = subscription;
  }

  get timeLeft(): number {
    return this.#deadline === null ? Infinity : this.#deadline.at - this.deadlines.now();
  }

  /** A lease is used for it. */
  track(lease: LeasedProtocol): void {
    this.#leases.add(lease);
    this.#current = lease;
    lease.disconnected.subscribe({
      next: error => {
        // What becomes of an attempt that was given up is nobody's concern.
        if (this.#settled && lease === this.#current) this.#failure ??= error;
      },
      complete: () => {
        this.#leases.delete(lease);
        this.#endIfDone();
      },
    });
  }

  /** The response is there; what is left of it is its body. */
  next(response: HTTPResponse): void {
    this.#settled = this.#telling = true;
    try {
      this.subscriber.next(response);
    } finally {
      this.#telling = false;
      // Aborted from within: the chain that would have completed it is gone.
      if (this.#over) guarded(() => this.#complete());
    }
  }

  /** It came to nothing by itself. */
  error(error: unknown): void {
    this.#settled = this.#completed = true;
    this.subscriber.error(error);
    this.#end();
  }

  complete(): void {
    this.#settled = true;
    this.#complete();
    this.#endIfDone();
  }

  /** Ends it from outside, whatever it is about to do. */
  abort(error: HTTPClientError): void {
    if (this.#over) return;
    const leases = [...this.#leases];
    error.phase ??= phaseOf(leases);
    const settled = this.#settled;
    this.#settled = true;
    this.#failure ??= error;
    // First whatever waits in the chain is cancelled, then what is under way is destroyed, then the subscriber hears.
    guarded(() => this.#chain?.unsubscribe());
    for (const lease of leases) guarded(() => lease.abort(error));
    if (!settled) guarded(() => this.subscriber.error(error));
    // The response is delivered: what was ended is its body.
    else if (!this.#telling) guarded(() => this.#complete());
    this.#end();
  }

  /** The subscriber has gone: before the response that ends all; after it the body goes on. */
  left(): void {
    if (this.#settled) return;
    guarded(() => this.#chain?.unsubscribe());
    this.#end();
  }

  #complete(): void {
    if (this.#completed) return;
    this.#completed = true;
    this.subscriber.complete();
  }

  #endIfDone(): void {
    if (this.#settled && (this.#current === null || !this.#leases.has(this.#current))) this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline?.dispose();
    this.#stopWatching?.();
    this.ended(this.#failure);
  }
}

/** How far it has got: what the latest lease is at. Without one it waits for the pool. */
function phaseOf(leases: readonly LeasedProtocol[]): RequestPhase {
  switch (leases.at(-1)?.state) {
    case undefined:
      return 'acquire';
    case 'waiting':
      return 'wait';
    case 'receiving':
      return 'receive';
    default:
      return 'transmit';
  }
}
