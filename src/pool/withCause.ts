import { isNativeError } from 'node:util/types';

/** Puts `first` at the end of the chain of causes, where the error's own causes stay in sight. */
export function withCause(error: unknown, first: Error): unknown {
  // The chain is the endpoint's, and may be anything: a circle, frozen, or one that was seen before.
  const seen = new Set<unknown>([first]);
  let last = error;
  // Not `instanceof`: the system's errors are of another realm than the library in a vm, and so in jest.
  while (isNativeError(last) && isNativeError(last.cause) && !seen.has(last.cause)) {
    seen.add(last);
    last = last.cause;
  }
  if (isNativeError(last) && last.cause == null && !seen.has(last) && Object.isExtensible(last)) {
    last.cause = first;
  }
  return error;
}
