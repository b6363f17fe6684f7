import { config } from 'rxjs';

/**
 * Calls what may lead to the user, and reports what it throws where nobody can catch it, as RxJS does. RxJS reports what
 * a `next` throws by itself, but a finalizer that throws comes out of `complete`, `error` and `unsubscribe` at once: of
 * whatever called those, no half must be left undone.
 */
export function guarded(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    reportUnhandled(error);
  }
}

/** What `guarded` does about an error, for the steps of every request, which do without a function for each. */
export function reportUnhandled(error: unknown): void {
  const { onUnhandledError } = config;
  setTimeout(() => {
    if (onUnhandledError === null) throw error;
    onUnhandledError(error);
  });
}
