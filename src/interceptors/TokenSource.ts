import {
  AsyncSubject,
  defer,
  map,
  of,
  share,
  take,
  tap,
  throwIfEmpty,
  type Observable,
  type ObservableInput,
} from 'rxjs';
import { RequestGenerationFailedError } from '../errors/index.js';

/**
 * The token that is used, and where a new one comes from. Those who wait for one share a subscription, which ends with the
 * last of them; if it fails it fails for all of them, and the next to ask tries again.
 */
export class TokenSource {
  /** Null: it must be fetched. */
  #current: string | null = null;
  #pending: Observable<string> | null = null;

  /** `fetch` is null for a token that is for ever. */
  constructor(
    private readonly fetch: (() => ObservableInput<string>) | null,
    token: string | null = null,
  ) {
    this.#current = token;
  }

  get current(): string | null {
    return this.#current;
  }

  /** A server would not have `token`: it is not used any more. Returns whether there may be another. */
  reject(token: string): boolean {
    if (this.fetch === null) return false;
    if (this.#current === token) this.#current = null;
    return true;
  }

  /** Emits a token and completes. */
  get(): Observable<string> {
    return defer(() => (this.#current === null ? (this.#pending ??= this.#fetch()) : of(this.#current)));
  }

  #fetch(): Observable<string> {
    const pending$: Observable<string> = defer(this.fetch!).pipe(
      take(1),
      throwIfEmpty(() => new RequestGenerationFailedError('The source of the token has completed without one')),
      map(checked),
      tap({
        next: token => {
          this.#current = token;
          forget();
        },
        error: () => forget(),
        unsubscribe: () => forget(),
        complete: ignore,
        subscribe: ignore,
        finalize: ignore,
      }),
      share({ connector: () => new AsyncSubject(), ...onEveryEnd }),
    );
    // Before anybody hears of the outcome: who asks again from there must not get this one.
    const forget = (): void => {
      if (this.#pending === pending$) this.#pending = null;
    };
    return pending$;
  }
}

// All that RxJS would look for: an option that is left out may stand on a polluted prototype.
const onEveryEnd = { resetOnError: true, resetOnComplete: true, resetOnRefCountZero: true };
function ignore(): void {}

function checked(token: string): string {
  if (typeof token === 'string' && token !== '') return token;
  throw new RequestGenerationFailedError(`A token must be text, but is a ${typeof token}`);
}
