import { config } from 'rxjs';

/** Collects what consumers throw: RxJS reports it after the fact. Waits for as many as are expected. */
export async function unhandledErrors(run: () => void, expected: number): Promise<unknown[]> {
  const errors: unknown[] = [];
  await new Promise<void>(resolve => {
    // It stays: what a failed test leaves behind must not end the process.
    config.onUnhandledError = error => {
      if (errors.push(error) === expected) resolve();
    };
    run();
  });
  return errors;
}
