import { Observable } from 'rxjs';

interface Settle {
  readonly resolve: (result: IteratorResult<Uint8Array>) => void;
  readonly reject: (error: unknown) => void;
}

/** `pull` as an iterator: the inner Observable of a chunk completes when the next chunk is asked for. */
export class BodyIterator implements AsyncIterableIterator<Uint8Array> {
  readonly #waiting: Settle[] = [];
  #subscription: { unsubscribe(): void } | null = null;
  #release: (() => void) | null = null;
  #outcome: { error?: unknown } | null = null;

  constructor(private readonly pull: (work: (chunk: Uint8Array) => Observable<never>) => Observable<never>) {}

  next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#outcome !== null) this.#finish(this.#outcome);
      else if (this.#subscription === null) this.#open();
      else this.#proceed();
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#finish({});
    // Also before the first `next`: whoever made the iterator was to read the body, and nobody else will.
    if (this.#subscription === null) this.#open();
    this.#subscription?.unsubscribe();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #open(): void {
    this.#subscription = this.pull(
      chunk =>
        new Observable<never>(subscriber => {
          this.#release = () => subscriber.complete();
          this.#waiting.shift()?.resolve({ done: false, value: chunk });
          // Several `next` may wait: each is served by the chunk after the last one's.
          if (this.#waiting.length > 0) this.#proceed();
        }),
    ).subscribe({ error: error => this.#finish({ error }), complete: () => this.#finish({}) });
  }

  #proceed(): void {
    const release = this.#release;
    this.#release = null;
    release?.();
  }

  #finish(outcome: { error?: unknown }): void {
    this.#outcome ??= outcome;
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      // An error is told once; after it the iterator is done.
      if (Object.hasOwn(this.#outcome, 'error')) {
        const { error } = this.#outcome;
        this.#outcome = {};
        reject(error);
      } else resolve({ done: true, value: undefined });
    }
  }
}
