import {
  AsyncSubject,
  defer,
  Observable,
  of,
  retry,
  switchMap,
  throwError,
  type Subscription,
  type Unsubscribable,
} from 'rxjs';
import type { Endpoint, TransportInfo } from '../endpoint/index.js';
import { AbortedError, isHTTPClientError, LeaseUsedError, type HTTPClientError } from '../errors/index.js';
import { snapshotOf, type ExchangeProgress, type ProtocolRequest, type ProtocolResponse } from '../protocol/index.js';
import { guarded } from '../timing/index.js';
import type { InnerLease, LeaseState } from './LeasedProtocol.js';
import { FirstAttempt, type Requester } from './FirstAttempt.js';
import type { Receiver } from './Receiver.js';
import { shouldRetry } from './shouldRetry.js';
import { withCause } from './withCause.js';
import type { Holder, Slot } from './Bucket.js';

/** The pool, as its leases see it. */
export interface LeaseHost {
  /** Retry is on and the pool is not closing. */
  readonly retries: boolean;
  /** The lease sends its request. */
  used(slot: Slot): void;
  /** The lease gives an unharmed connection back. */
  returned(slot: Slot, used: boolean, now?: number): void;
  /** The lease gives up the place that it kept when its connection died. */
  vacated(slot: Slot, error: unknown): void;
  /** Dials anew in the place of the connection that died; unsubscribing aborts that. */
  redial(lease: Holder, slot: Slot, failure: HTTPClientError): Observable<Slot>;
}

/**
 * The handle that `get` emits, over a connection that the pool keeps. It lets go of the connection the moment that is
 * given back or lost: nothing done here afterwards can touch a later lease.
 */
export class Lease implements InnerLease, Holder, Requester {
  readonly key: string;
  reused: boolean;
  #slot: Slot | null;
  #used = false;
  /** The request, while it may still be retried. */
  #request: ProtocolRequest | null = null;
  #response: ProtocolResponse | null = null;
  #first = true;
  #attempt: Unsubscribable | null = null;
  #end: 'released' | 'closed' = 'closed';
  #loss: HTTPClientError | null = null;
  #quiescent: AsyncSubject<void> | null = null;
  #disconnected: AsyncSubject<HTTPClientError | null> | null = null;

  constructor(
    private readonly host: LeaseHost,
    slot: Slot,
    /** The endpoint of its get: a retry dials that, whoever made the connection that died. */
    readonly endpoint: Endpoint,
    readonly acquireTimeout: number,
    readonly timeLeft: number,
  ) {
    this.#slot = slot;
    this.key = slot.bucket.key;
    this.reused = !slot.fresh;
  }

  get state(): LeaseState {
    if (this.#slot === null) return this.#end;
    if (!this.#used) return 'ready';
    switch (this.#slot.connection?.progress().state) {
      case 'waiting':
        return 'waiting';
      case 'receiving':
      case 'early':
      case 'draining':
        return 'receiving';
      default:
        return 'transmitting';
    }
  }

  /** It can still be used, and has not been. */
  get isUnused(): boolean {
    return this.#slot !== null && !this.#used;
  }

  get info(): TransportInfo | undefined {
    return this.#slot?.connection?.info;
  }

  request(request: ProtocolRequest): Observable<ProtocolResponse> {
    return new Observable(subscriber => this.#start(request, true, subscriber));
  }

  /** @internal `request`, subscribed to, for a request that nobody changes. */
  send(request: ProtocolRequest, receiver: Receiver<ProtocolResponse>, now: number): Unsubscribable | undefined {
    return this.#start(request, false, receiver, now);
  }

  #start(
    given: ProtocolRequest,
    copied: boolean,
    receiver: Receiver<ProtocolResponse>,
    now?: number,
  ): Unsubscribable | undefined {
    const slot = this.#slot;
    if (slot === null || this.#used) {
      receiver.error(new LeaseUsedError());
      return undefined;
    }
    this.#used = true;
    this.host.used(slot);
    let request = given;
    try {
      // A retry sends the request that was made, whatever has become of the caller's object by then.
      if (copied) request = snapshotOf(given);
    } catch (error) {
      this.#letGo(error);
      receiver.error(error);
      return undefined;
    }
    this.#request = request;
    // No operator on the way of a request that succeeds: the retry is built when a reused connection has failed.
    const first = new FirstAttempt(this, request, receiver);
    const attempt = first.over(slot.connection!, now);
    // One that failed at once may have its retry in this place already.
    if (attempt !== undefined && this.#slot !== null) this.#attempt ??= attempt;
    return first;
  }

  release(): void {
    if (this.#slot === null || this.#used) return;
    this.#used = true;
    this.#letGo(null);
  }

  abort(reason?: unknown): void {
    const slot = this.#slot;
    if (slot === null) return;
    const error = isHTTPClientError(reason) ? reason : new AbortedError('The lease was aborted', { cause: reason });
    const pending = this.#used;
    this.#used = true;
    this.#first = false; // it is never retried
    const { claim } = slot;
    if (claim !== null) {
      this.host.vacated(slot, error);
      claim.error(error);
    } else if (!this.#isVacant()) slot.connection!.close(error);
    else if (!pending) this.#letGo(error);
  }

  /** The scope that it was leased for is over, in order or not. After the head, the exchange is the body's. */
  leave(failed: boolean): void {
    const response = this.#response;
    if (this.isUnused) this.release();
    else if (response === null || (failed && !response.body.used)) this.abort();
  }

  get quiescent(): Observable<void> {
    if (this.#quiescent === null) {
      this.#quiescent = new AsyncSubject();
      if (this.#slot === null) this.#echo();
    }
    return this.#quiescent.asObservable();
  }

  get disconnected(): Observable<HTTPClientError | null> {
    if (this.#disconnected === null) {
      this.#disconnected = new AsyncSubject();
      if (this.#slot === null) this.#echo();
    }
    return this.#disconnected.asObservable();
  }

  // ---- told by the pool ----

  /** The connection died. True: the lease keeps its place under the limits, as it may go on with a new connection. */
  lost(error: HTTPClientError | null): boolean {
    return this.#mayRetry(error);
  }

  /** It goes on in another place, where a connection is being made for it. */
  moved(slot: Slot): void {
    this.#slot = slot;
  }

  /** It is over: from here on the handle is inert. */
  end(how: 'released' | 'closed', error: HTTPClientError | null): void {
    if (this.#slot === null) return;
    this.#slot = null;
    // Whoever keeps the handle keeps nothing else.
    this.#request = this.#response = this.#attempt = null;
    this.#end = how;
    this.#loss = error;
    this.#echo();
  }

  // ---- told by its request ----

  answered(response: ProtocolResponse): void {
    // One that came whole is told when the lease is over already.
    if (this.#slot !== null) this.#response = response;
  }

  /** Whoever asked has gone, or has all that there is. */
  left(): void {
    this.#attempt?.unsubscribe();
    if (this.#isVacant()) this.#letGo(new AbortedError('The request was unsubscribed from'));
  }

  failed(error: unknown, request: ProtocolRequest, receiver: Receiver<ProtocolResponse>): void {
    if (isHTTPClientError(error)) {
      // An endpoint of the user's may give one error again and again, and have frozen it.
      if (!Object.isFrozen(error)) error.reused = this.reused;
      if (this.#isVacant()) {
        const attempt = this.#retry(error, request, receiver);
        // It may have been unsubscribed from by whom the retry was told to, before there was one to unsubscribe.
        if (receiver.closed) attempt.unsubscribe();
        else this.#attempt = attempt;
        return;
      }
    }
    this.#letGo(error);
    receiver.error(error);
  }

  // ---- the retry ----

  /** Only for a reused connection that died before it answered: the first attempt is the failure that there was. */
  #retry(failure: HTTPClientError, request: ProtocolRequest, receiver: Receiver<ProtocolResponse>): Subscription {
    let attempts = 0;
    const fresh$ = this.host.redial(this, this.#slot!, failure).pipe(
      switchMap(slot => {
        this.reused = false;
        return slot.connection!.request(request);
      }),
    );
    return defer(() => (attempts++ === 0 ? throwError(() => failure) : fresh$))
      .pipe(
        retry({
          count: 1,
          delay: (error: unknown) => {
            const again = this.#mayRetry(error);
            this.#first = false;
            // Not EMPTY: that would turn the error into a completion.
            return again ? of(true) : throwError(() => error);
          },
        }),
      )
      .subscribe({
        next: response => {
          this.answered(response);
          receiver.next(response);
        },
        complete: () => receiver.complete(),
        error: error => {
          this.#letGo(error);
          receiver.error(error === failure ? error : withCause(error, failure));
        },
      });
  }

  #mayRetry(error: unknown): boolean {
    const failure = { error, allowed: this.host.retries, first: this.#first, reused: this.reused };
    // A lease that was not used yet has sent nothing: it will see what its request is.
    if (this.#request === null) return failure.allowed && failure.first && failure.reused;
    // A connection that took no request still tells of its last exchange.
    const notSent = isHTTPClientError(error, 'ERR_REQUEST_NOT_SENT');
    return shouldRetry(failure, this.#request, notSent ? untouched : this.#slot!.connection!.progress());
  }

  /** The connection is dead, and the lease keeps its place. */
  #isVacant(): boolean {
    return this.#slot?.connection?.progress().state === 'closed';
  }

  /** Gives back what it holds, before its subscriber hears of it, who may want a connection at once. */
  #letGo(error: unknown): void {
    const slot = this.#slot;
    // Where there is no connection yet, the dial's own teardown gives up the place.
    if (slot === null || slot.connection === null) return;
    const { state } = slot.connection.progress();
    if (state === 'quiescent') this.host.returned(slot, false);
    else if (state === 'closed') this.host.vacated(slot, error);
    else slot.connection.close(error); // a protocol that errored and forgot to disconnect
  }

  #echo(): void {
    if (this.#end === 'released') this.#quiescent?.next();
    else this.#disconnected?.next(this.#loss);
    // They emit now, and the pool is in the middle of a step: what their observers throw must not stop it.
    if (this.#quiescent !== null) guarded(() => this.#quiescent!.complete());
    if (this.#disconnected !== null) guarded(() => this.#disconnected!.complete());
  }
}

const untouched: ExchangeProgress = { state: 'closed', wrote: false, responseByte: false, bodySubscribed: false };
