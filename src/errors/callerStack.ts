import { isHTTPClientError } from './HTTPClientError.js';

/** Frames of RxJS stand between a subscribe and the library, and say nothing about the caller. */
const ofRxJS = /[\\/]rxjs[\\/]/;
const mostFrames = 10;

/** The frames of the subscriber, without those of RxJS and of the library: text for `addCallerStack`. It takes some µs. */
export function callerStack(): string {
  const { stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  Error.stackTraceLimit = 100;
  Error.captureStackTrace(holder);
  const { stack } = holder;
  Error.stackTraceLimit = stackTraceLimit;
  // A program may have an `Error.prepareStackTrace` that makes no text.
  if (typeof stack !== 'string') return '';
  const frames = stack.split('\n').slice(1);
  // The library's own frames come first, up to the subscribe of RxJS. A bundle shows no such frame.
  const subscribe = Math.max(
    frames.findIndex(frame => ofRxJS.test(frame)),
    0,
  );
  return frames
    .slice(subscribe)
    .filter(frame => !ofRxJS.test(frame))
    .slice(0, mostFrames)
    .join('\n');
}

/** Errors that have their stack: one error may reach several consumers. */
const told = new WeakSet<object>();

/** Adds to an error of ours where its request was subscribed to. Undefined: the stack was not captured. */
export function addCallerStack(error: unknown, stack: string | undefined): void {
  if (stack === undefined || !isHTTPClientError(error) || told.has(error) || Object.isFrozen(error)) return;
  told.add(error);
  error.stack = `${error.stack ?? error.message}\n  subscribed:\n${stack}`;
}
