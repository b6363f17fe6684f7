import { ReplaySubject, Subject, type Observable } from 'rxjs';
import type { HTTPClientError } from '../errors/index.js';
import { guarded, reportUnhandled } from '../timing/index.js';

/** Whoever keeps a connection: told before all who subscribe. */
export interface ConnectionOwner {
  /** An exchange is over, at the time `now`, and the connection can be used again. */
  quiescent(now: number): void;
  /** It can carry nothing any more; `null`: it ended in order. */
  disconnected(error: HTTPClientError | null): void;
  /** Its transport is closed. */
  socketClosed(): void;
}

/**
 * What a connection tells of itself: its owner by a call, others by Subjects that are made when they are asked for. In a
 * pool they never are, and two Subjects with their subscribers are a fourth of what an idle connection holds in memory.
 */
export class Lifecycle {
  #owner: ConnectionOwner | null = null;
  #quiescent: Subject<void> | null = null;
  #disconnected: ReplaySubject<HTTPClientError | null> | null = null;
  #loss: { readonly error: HTTPClientError | null } | null = null;
  #isClosed = false;

  /** Told what has happened already as well. */
  set owner(owner: ConnectionOwner) {
    this.#owner = owner;
    if (this.#loss !== null) owner.disconnected(this.#loss.error);
    if (this.#isClosed) owner.socketClosed();
  }

  get quiescent(): Observable<void> {
    if (this.#quiescent === null) {
      this.#quiescent = new Subject();
      if (this.#loss !== null) this.#quiescent.complete();
    }
    return this.#quiescent;
  }

  get disconnected(): Observable<HTTPClientError | null> {
    if (this.#disconnected === null) {
      this.#disconnected = new ReplaySubject(1);
      if (this.#loss !== null) this.#disconnected.next(this.#loss.error);
      if (this.#isClosed) this.#disconnected.complete();
    }
    return this.#disconnected;
  }

  rest(now: number): void {
    try {
      this.#owner?.quiescent(now);
    } catch (error) {
      reportUnhandled(error);
    }
    if (this.#quiescent !== null) guarded(() => this.#quiescent!.next());
  }

  lose(error: HTTPClientError | null): void {
    this.#loss = { error };
    guarded(() => this.#owner?.disconnected(error));
    guarded(() => this.#disconnected?.next(error));
    guarded(() => this.#quiescent?.complete());
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    guarded(() => this.#owner?.socketClosed());
    guarded(() => this.#disconnected?.complete());
  }
}
