import { guarded } from '../timing/index.js';

/** Who waits for a signal, and the one listener behind which they do. */
interface Waiting {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

const waiting = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls back when the signal is aborted, until the returned function is called. However many wait for a signal, it has
 * one listener: a service may well give the same to hundreds of requests, and Node warns of a leak from the 11th on.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const { callbacks, listener } = waiting.get(signal) ?? watch(signal);
  callbacks.add(callback);
  return () => {
    if (!callbacks.delete(callback) || callbacks.size > 0) return;
    signal.removeEventListener('abort', listener);
    waiting.delete(signal);
  };
}

function watch(signal: AbortSignal): Waiting {
  const callbacks = new Set<() => void>();
  const listener = (): void => {
    // A copy, as they leave meanwhile; and one of them may have made another leave.
    for (const callback of [...callbacks]) if (callbacks.has(callback)) guarded(callback);
  };
  const watched = { callbacks, listener };
  waiting.set(signal, watched);
  signal.addEventListener('abort', listener);
  return watched;
}
