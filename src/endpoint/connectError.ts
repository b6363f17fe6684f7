import { ConnectError, own, textOf } from '../errors/index.js';

interface SystemError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly errors?: unknown;
}

/** Says in one line where a dial went, and why it failed; `cause` is the system's error, or all of them. */
export function connectError(authority: string, cause: unknown): ConnectError {
  // From an endpoint inside this one (`over`): it says already where and why.
  if (cause instanceof ConnectError) return cause;
  return new ConnectError(`Could not connect to ${authority}: ${describe(cause)}`, { cause });
}

function describe(cause: unknown, several = true): string {
  if (typeof cause !== 'object' || cause === null) return textOf(cause);
  const { message }: SystemError = cause;
  const code = own(cause as SystemError, 'code');
  const errors = own(cause as SystemError, 'errors');
  // "Happy eyeballs" fail with an AggregateError that has no message: one error per address that was tried. Those have
  // none within: a user's error may hold itself.
  const reasons =
    several && Array.isArray(errors) && errors.length > 0
      ? errors.map(error => describe(error, false)).join('; ')
      : text(message);
  return typeof code === 'string' && !reasons.includes(code) ? `${code}: ${reasons}` : reasons;
}

function text(message: unknown): string {
  return typeof message === 'string' && message !== '' ? message : 'unknown error';
}
