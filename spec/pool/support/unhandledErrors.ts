import { config } from 'rxjs';

/** Collects what consumers throw: RxJS reports it after the fact. Waits for as many as are expected. */
export async function unhandledErrors(run: () => void, expected: number): Promise<unknown[]> {
  const errors: unknown[] = [];
  const before = config.onUnhandledError;
  try {
    await new Promise<void>(resolve => {
      config.onUnhandledError = error => {
        if (errors.push(error) === expected) resolve();
      };
      run();
    });
  } finally {
    config.onUnhandledError = before;
  }
  return errors;
}
