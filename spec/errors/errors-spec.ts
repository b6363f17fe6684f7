import { describe, expect, it } from '@jest/globals';
import * as errors from '../../src/errors/index.js';

const { isHTTPClientError } = errors;

describe('the errors', () => {
  const snapshot = { key: 'k', leased: 3, idle: 0, connecting: 1, pending: 7, max: 4, waited: 12.4 };

  it.each<[string, new (...args: never[]) => errors.HTTPClientError, new (...args: never[]) => errors.HTTPClientError]>(
    [
      ['a connect timeout is a failed connect', errors.ConnectTimeoutError, errors.ConnectError],
      ['unsolicited data is a failed connect', errors.UnsolicitedDataError, errors.ConnectError],
      ['a used lease is a request that was not sent', errors.LeaseUsedError, errors.RequestNotSentError],
      [
        'an invalid request is one that was not produced',
        errors.InvalidRequestError,
        errors.RequestGenerationFailedError,
      ],
      ['an upload timeout is a failed transmission', errors.UploadTimeoutError, errors.RequestTransmissionFailedError],
      [
        'a headers timeout is a response that never came',
        errors.HeadersTimeoutError,
        errors.ResponseNeverReceivedError,
      ],
      ['a truncated body is a failed response', errors.TruncatedBodyError, errors.ResponseFailedError],
      ['too large a body is a failed response', errors.BodyTooLargeError, errors.ResponseFailedError],
      ['too long a line is a failed response', errors.RecordTooLargeError, errors.ResponseFailedError],
      ['another type is a failed response', errors.ContentTypeError, errors.ResponseFailedError],
      ['too long a head is malformed', errors.HeadersOverflowError, errors.ParseError],
      ['malformed is a failed response', errors.ParseError, errors.ResponseFailedError],
    ],
  )('extend the step that they interrupt: %s', (_name, specific, step) => {
    expect(specific.prototype).toBeInstanceOf(step);
    expect(step.prototype).toBeInstanceOf(errors.HTTPClientError);
  });

  it('a refusal says what the pool held, and which setting it was', () => {
    const cause = new Error('refused');
    const error = new errors.AcquireTimeoutError(50, snapshot, cause);
    expect(error).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT', phase: 'acquire', acquireTimeout: 50, snapshot, cause });
    expect(error.message).toBe(
      'No connection within acquireTimeout = 50 ms ' +
        '(key k: leased=3 idle=0 connecting=1 pending=7 max=4, waited 12 ms)',
    );
    expect(new errors.PoolQueueFullError(0, snapshot).message).toContain('maxPending = 0');
    expect(new errors.PoolClosedError(snapshot)).not.toHaveProperty('cause');
  });

  it('have their class as name', () => {
    expect(String(new errors.PoolClosedError(snapshot))).toMatch(/^PoolClosedError: /);
    expect(Object.keys(new errors.AbortedError())).not.toContain('name');
  });

  it('isHTTPClientError tells the family, and the code', () => {
    const error = new errors.AbortedError();
    expect([isHTTPClientError(error), isHTTPClientError(error, 'ERR_ABORTED')]).toEqual([true, true]);
    expect(isHTTPClientError(error, 'ERR_PARSE')).toBe(false);
    for (const other of [new Error('x'), null, undefined, 'ERR_ABORTED', { code: 'ERR_ABORTED' }]) {
      expect(isHTTPClientError(other)).toBe(false);
    }
  });

  it('isHTTPClientError knows the errors of another copy of the package', () => {
    const brand = Symbol.for('rxjs-http-pool.HTTPClientError');
    const foreign = Object.assign(new Error('other copy'), { [brand]: true, code: 'ERR_PARSE' });
    expect(foreign).not.toBeInstanceOf(errors.HTTPClientError);
    expect(isHTTPClientError(foreign, 'ERR_PARSE')).toBe(true);
  });

  it('InvalidOptionError has the name and the value, and shows no secret object', () => {
    const error = new errors.InvalidOptionError('maxPending', { secret: 1 }, 'a number');
    expect(error).toMatchObject({ option: 'maxPending', value: { secret: 1 }, code: 'ERR_INVALID_OPTION' });
    expect(error.message).toMatch(/^maxPending must be a number, but is (an )?object$/);
    expect(new errors.InvalidOptionError('a', '7', 'a number').message).toContain('"7"');
  });
});
