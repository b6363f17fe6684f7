import { describe, expect, it } from '@jest/globals';
import { of } from 'rxjs';
import {
  AbortedError,
  BodyTimeoutError,
  ConnectError,
  HeadersTimeoutError,
  InvalidRequestError,
  LeaseUsedError,
  ParseError,
  PoolClosedError,
  RequestGenerationFailedError,
  RequestNotSentError,
  RequestTransmissionFailedError,
  ResponseFailedError,
  ResponseNeverReceivedError,
  TruncatedBodyError,
  UploadTimeoutError,
} from '../../src/errors/index.js';
import { shouldRetry } from '../../src/pool/index.js';
import type { ExchangeProgress, ProtocolRequest } from '../../src/protocol/index.js';

const lost = new ResponseNeverReceivedError('lost');
const flags = [true, false];

describe('shouldRetry', () => {
  it('the whole table of connection, progress, idempotence and body', () => {
    let cases = 0;
    for (const allowed of flags)
      for (const first of flags)
        for (const reused of flags)
          for (const responseByte of flags)
            for (const wrote of flags)
              for (const idempotent of flags)
                for (const bodySubscribed of flags)
                  for (const replayable of flags) {
                    const request: ProtocolRequest = {
                      path: '/',
                      method: idempotent ? 'PUT' : 'POST',
                      body: replayable ? 'x' : of('x'),
                    };
                    const progress: ExchangeProgress = { state: 'closed', wrote, responseByte, bodySubscribed };
                    const expected =
                      allowed &&
                      first &&
                      reused &&
                      !responseByte &&
                      (!wrote || idempotent) &&
                      (!bodySubscribed || replayable);
                    const row = { allowed, first, reused, ...progress, method: request.method, replayable };
                    const actual = shouldRetry({ error: lost, allowed, first, reused }, request, progress);
                    expect({ ...row, retry: actual }).toEqual({ ...row, retry: expected });
                    cases++;
                  }
    expect(cases).toBe(256);
  });

  const at: ExchangeProgress = { state: 'closed', wrote: true, responseByte: false, bodySubscribed: false };
  const retries = (request: Partial<ProtocolRequest>, error: unknown = lost, progress = at): boolean =>
    shouldRetry({ error, allowed: true, first: true, reused: true }, { path: '/', ...request }, progress);

  it.each(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY'])('%s, after it was written: yes', method => {
    expect(retries({ method })).toBe(true);
  });

  it.each(['POST', 'PATCH', 'CONNECT', 'get', 'Put', 'PROPFIND', ''])('%p, after it was written: no', method => {
    expect(retries({ method })).toBe(false);
    expect(retries({ method }, lost, { ...at, wrote: false })).toBe(true);
  });

  it('no method is GET', () => {
    expect(retries({})).toBe(true);
  });

  it('an Idempotency-Key, in whatever case, and idempotent: true make a POST idempotent', () => {
    expect(retries({ method: 'POST', headers: { 'idempotency-key': 'a' } })).toBe(true);
    expect(retries({ method: 'POST', headers: [['IDEMPOTENCY-KEY', 'a']] })).toBe(true);
    expect(retries({ method: 'POST', idempotent: true })).toBe(true);
  });

  it('idempotent: false overrules method and header', () => {
    expect(retries({ method: 'GET', idempotent: false })).toBe(false);
    expect(retries({ method: 'POST', idempotent: false, headers: { 'idempotency-key': 'a' } })).toBe(false);
  });

  it('what is on Object.prototype makes nothing idempotent', () => {
    const polluted = Object.prototype as { idempotent?: boolean };
    polluted.idempotent = true;
    try {
      expect(retries({ method: 'POST' })).toBe(false);
    } finally {
      delete polluted.idempotent;
    }
  });

  it.each<[string, ProtocolRequest['body'], boolean]>([
    ['none', undefined, true],
    ['null', null, true],
    ['a string', 'x', true],
    ['bytes', new Uint8Array(1), true],
    ['a function', () => of('x'), true],
    ['an Observable', of('x'), false],
    ['an async iterable', (async function* () {})(), false],
  ])('a body that was begun: %s', (_name, body, expected) => {
    const method = 'PUT';
    expect(retries({ method, body }, lost, { ...at, bodySubscribed: true })).toBe(expected);
    expect(retries({ method, body }, lost, { ...at, bodySubscribed: false })).toBe(true);
  });

  it.each([
    new RequestNotSentError('dead'),
    new RequestTransmissionFailedError('cut'),
    new ResponseNeverReceivedError('cut'),
  ])('yes for $code, a connection that failed', error => {
    expect(retries({}, error)).toBe(true);
  });

  it.each([
    new AbortedError(),
    new LeaseUsedError(),
    new RequestGenerationFailedError('source'),
    new InvalidRequestError('path', 'bad'),
    new HeadersTimeoutError(1),
    new UploadTimeoutError(1),
    new BodyTimeoutError(1),
    new ResponseFailedError('cut'),
    new ParseError('garbage'),
    new TruncatedBodyError(),
    new ConnectError('refused'),
    new PoolClosedError({ key: 'k', leased: 0, idle: 0, connecting: 0, pending: 0, max: 1, waited: 0 }),
  ])('no for $code, which is no lost connection', error => {
    expect(retries({}, error)).toBe(false);
  });

  it('no for an error that is not of the family, nor for null', () => {
    expect(retries({}, new Error('ECONNRESET'))).toBe(false);
    expect(retries({}, null)).toBe(false);
  });
});
