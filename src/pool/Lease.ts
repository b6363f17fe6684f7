import { Observable, switchMap, type Unsubscribable } from 'rxjs';
import type { Endpoint, TransportInfo } from '../endpoint/index.js';
import {
  AbortedError,
  addCallerStack,
  isHTTPClientError,
  LeaseUsedError,
  type HTTPClientError,
} from '../errors/index.js';
import {
  requestOver,
  snapshotOf,
  type ExchangeHandle,
  type ProtocolRequest,
  type ProtocolResponse,
} from '../protocol/index.js';
import type { DeadlineSweep } from '../timing/index.js';
import type { KeyPlace, KeyWaiter } from './Bucket.js';
import { LeaseEcho, released, type LeaseEnd } from './LeaseEcho.js';
import type { LeaseHost, RetriedLease } from './LeaseHost.js';
import { leaseStateOf, type InnerLease, type LeaseState } from './LeasedProtocol.js';
import { LeaseRequest } from './LeaseRequest.js';
import type { PooledConnection } from './Place.js';
import type { Receiver } from './Receiver.js';
import { retried } from './retried.js';
import { progressAtFailure, shouldRetry } from './shouldRetry.js';

type LeasePhase =
  /** Over a connection that the lease holds. */
  | 'held'
  /** The connection died; the lease keeps its place, as its request may go on there. */
  | 'lost'
  /** The dial of the retry is under way. */
  | 'redialling';

/**
 * The handle that `get` emits: a seat on a connection that the pool keeps. The lease lets go of the connection when that
 * is given back or lost, so that nothing done here afterwards can touch a later lease.
 *
 * ```
 *   unused ──request──► first attempt ──► over
 *                           │ lost (a reused connection died before it answered)
 *                           └──► retry: connecting ──► second attempt ──► over
 * ```
 */
export class Lease implements RetriedLease, InnerLease {
  readonly key: string;
  reused: boolean;
  readonly endpoint: Endpoint;
  readonly acquire: { readonly timeout: number; readonly left: number } | null;
  readonly stack: string | undefined;
  #place: KeyPlace | null;
  #used = false;
  #phase: LeasePhase = 'held';
  /** The request is not retried any more: it was retried, or aborted. */
  #isFinal = false;
  startedAt = 0;
  /** The error of `abort`, which the request fails with, whatever else ends it. */
  #aborted: HTTPClientError | null = null;
  /** The request, while it may still be retried. */
  #request: ProtocolRequest | null = null;
  #exchange: ExchangeHandle | null = null;
  #response: ProtocolResponse | null = null;
  #retry: Unsubscribable | null = null;
  #end: LeaseEnd = released;
  #echo: LeaseEcho | null = null;

  constructor(
    private readonly host: LeaseHost,
    place: KeyPlace,
    pooled: PooledConnection,
    waiter: KeyWaiter,
    clock: DeadlineSweep,
  ) {
    this.#place = place;
    this.key = waiter.bucket.key;
    this.reused = pooled.reused;
    this.endpoint = waiter.endpoint;
    this.stack = waiter.stack;
    this.acquire =
      waiter.acquireTimeout === Infinity ? null : { timeout: waiter.acquireTimeout, left: waiter.timeLeft(clock) };
  }

  get state(): LeaseState {
    if (this.#place === null) return this.#end.how;
    if (!this.#used) return 'ready';
    return leaseStateOf(this.#exchange?.progress().state);
  }

  get isUnused(): boolean {
    return this.#place !== null && !this.#used;
  }

  get isLost(): boolean {
    return this.#phase === 'lost';
  }

  get isUpgraded(): boolean {
    return this.#exchange?.progress().state === 'upgraded';
  }

  get info(): TransportInfo | undefined {
    const state = this.#place?.state;
    return state !== undefined && 'pooled' in state ? state.pooled.connection.info : undefined;
  }

  request(request: ProtocolRequest): Observable<ProtocolResponse> {
    return new Observable(subscriber => this.#start(request, true, subscriber));
  }

  /** `request` without an Observable, for a request that never changes. */
  send(request: ProtocolRequest, receiver: Receiver<ProtocolResponse>): Unsubscribable | undefined {
    return this.#start(request, false, receiver);
  }

  #start(given: ProtocolRequest, copied: boolean, receiver: Receiver<ProtocolResponse>): Unsubscribable | undefined {
    const state = this.#place?.state;
    if (state === undefined || this.#used || !('pooled' in state)) {
      receiver.error(new LeaseUsedError());
      return undefined;
    }
    this.#used = true;
    this.host.used(this);
    let request = given;
    try {
      // A retry sends the request that was made, whatever has become of the caller's object by then.
      if (copied) request = snapshotOf(given);
    } catch (error) {
      this.#giveBack(error);
      receiver.error(error);
      return undefined;
    }
    this.#request = request;
    // No operator on the way of a request that succeeds: the retry is built when a reused connection has failed.
    const sent = new LeaseRequest(this, receiver);
    state.pooled.connection.send(request, sent);
    return sent;
  }

  release(): void {
    if (this.#place === null || this.#used) return;
    this.#used = true;
    this.#giveBack(null);
  }

  abort(reason?: unknown): void {
    const place = this.#place;
    if (place === null) return;
    const error = isHTTPClientError(reason) ? reason : new AbortedError('The lease was aborted', { cause: reason });
    const isPending = this.#used;
    this.#used = this.#isFinal = true;
    this.#aborted = error;
    if (this.#phase === 'redialling') this.host.vacated(place, error);
    else if (this.#phase === 'lost') {
      // A request under way is about to fail by itself.
      if (!isPending) this.host.vacated(place, error);
    } else if (this.#exchange !== null) this.#exchange.abort(error);
    else this.host.discarded(place, this, error);
  }

  /** The scope that it was leased for is over, in order or not. After the head, the exchange is the body's. */
  leave(failed: boolean): void {
    const response = this.#response;
    if (this.isUnused) this.release();
    else if (response === null || (failed && !response.body.used)) this.abort();
  }

  get quiescent(): Observable<void> {
    return this.#echoes().quiescent.asObservable();
  }

  get disconnected(): Observable<HTTPClientError | null> {
    return this.#echoes().disconnected.asObservable();
  }

  #echoes(): LeaseEcho {
    if (this.#echo !== null) return this.#echo;
    this.#echo = new LeaseEcho();
    if (this.#place === null) this.#echo.end(this.#end);
    return this.#echo;
  }

  leak(): void {
    if (this.#place !== null) this.host.leaked(this.#place, this);
  }

  carries(exchange: ExchangeHandle): boolean {
    return this.#exchange === exchange;
  }

  lost(error: HTTPClientError | null): boolean {
    if (!this.#mayRetry(error)) return false;
    this.#phase = 'lost';
    return true;
  }

  moved(place: KeyPlace): void {
    this.#place = place;
    this.#exchange = null;
    this.#phase = 'redialling';
  }

  end(end: LeaseEnd): void {
    if (this.#place === null) return;
    // A kept handle keeps nothing else.
    this.#place = this.#request = this.#response = this.#exchange = this.#retry = null;
    this.#end = end;
    if (end.how === 'closed') addCallerStack(end.error, this.stack);
  }

  tellEnd(): void {
    this.#echo?.end(this.#end);
  }

  started(exchange: ExchangeHandle): void {
    if (this.#place === null) {
      // The function that makes the body has ended the lease.
      exchange.abort(this.#aborted);
      return;
    }
    this.#exchange = exchange;
    if (this.startedAt === 0) this.startedAt = exchange.startedAt;
  }

  answered(response: ProtocolResponse): void {
    // A response that came whole is told when the lease is over already.
    if (this.#place !== null) this.#response = response;
  }

  /** The subscriber of the request unsubscribed before the response. */
  cancelled(): void {
    const error = new AbortedError('The request was unsubscribed from');
    this.#retry?.unsubscribe();
    // Nothing was sent yet, if this comes from the function that makes the body.
    if (this.#exchange === null || this.#phase === 'lost') this.#giveBack(error);
    else if (this.#retry === null) this.#exchange.abort(error);
  }

  failed(given: unknown, request: LeaseRequest): void {
    const error = this.#aborted ?? given;
    if (isHTTPClientError(error)) {
      // An endpoint of the user's may give one error again and again, and have frozen it.
      if (!Object.isFrozen(error)) error.reused = this.reused;
      if (this.#phase === 'lost' && this.#aborted === null) {
        const retry = this.#again(error, request);
        // A consumer that heard of the retry may have unsubscribed before there was one to unsubscribe.
        if (request.closed) retry.unsubscribe();
        else if (this.#place !== null) this.#retry = retry;
        return;
      }
    }
    this.#fail(error, request);
  }

  #fail(error: unknown, request: LeaseRequest): void {
    addCallerStack(error, this.stack);
    this.#giveBack(error);
    request.fail(error);
  }

  /** The retry of a request whose reused connection died before it answered. */
  #again(failure: HTTPClientError, request: LeaseRequest): Unsubscribable {
    const message = this.#request!;
    const fresh$ = this.host.redial(this, this.#place!, failure).pipe(
      switchMap(({ state }) => {
        this.#phase = 'held';
        this.reused = false;
        if (state.kind !== 'open') throw failure;
        return requestOver(state.pooled.connection, message, exchange => this.started(exchange));
      }),
    );
    const mayRetry = (error: unknown): boolean => {
      const again = this.#mayRetry(error);
      this.#isFinal = true;
      return again;
    };
    return retried(failure, fresh$, mayRetry).subscribe({
      next: response => request.next(response),
      complete: () => request.complete(),
      error: error => this.#fail(error, request),
    });
  }

  #mayRetry(error: unknown): boolean {
    const failure = { error, allowed: this.host.retries, first: !this.#isFinal, reused: this.reused };
    // The lease has sent nothing yet. The retry gate asks again when it has a request.
    if (this.#request === null) return failure.allowed && failure.first && failure.reused;
    return shouldRetry(failure, this.#request, progressAtFailure(this.#exchange, error));
  }

  /** Gives back what it holds, before the subscriber hears of it, who may want a connection at once. */
  #giveBack(error: unknown): void {
    const place = this.#place;
    // While there is no connection, the teardown of the dial gives up the place.
    if (place === null || this.#phase === 'redialling') return;
    if (this.#phase === 'lost') this.host.vacated(place, error);
    else this.host.returned(place, this);
  }
}
