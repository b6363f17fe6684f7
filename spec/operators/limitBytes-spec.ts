import { beforeEach, describe, expect, it } from '@jest/globals';
import { map, mergeMap } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { BodyTooLargeError, InvalidOptionError, limitBytes } from '../../src/index.js';
import { readWith } from './support.js';

describe('limitBytes', () => {
  let scheduler: TestScheduler;

  beforeEach(() => {
    scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  });

  it('errors at the chunk that goes over, and passes nothing of it on', () => {
    scheduler.run(({ hot, expectObservable, expectSubscriptions }) => {
      const source$ = hot('-3-3-3-|');
      const bytes$ = source$.pipe(
        map(size => new Uint8Array(Number(size))),
        limitBytes(8),
        map(bytes => String(bytes.length)),
      );
      expectObservable(bytes$).toBe('-3-3-#', { 3: '3' }, new BodyTooLargeError(8));
      expectSubscriptions(source$.subscriptions).toBe('^----!');
    });
  });

  it('passes on as many bytes as it may, to the last', () => {
    scheduler.run(({ hot, expectObservable }) => {
      const source$ = hot('-3-3-|').pipe(map(size => new Uint8Array(Number(size))));
      expectObservable(
        source$.pipe(
          limitBytes(6),
          map(bytes => String(bytes.length)),
        ),
      ).toBe('-3-3-|');
    });
  });

  it('lets the connection of a body go before the error is told', () => {
    const { seen, body, log, transport } = readWith(mergeMap(response => response.body.pipe(limitBytes(4))));
    body('123');
    body('45');
    expect(Buffer.concat(seen.values).toString()).toBe('123');
    expect(seen.error).toBeInstanceOf(BodyTooLargeError);
    expect(seen.error).toMatchObject({ limit: 4, code: 'ERR_BODY_TOO_LARGE', phase: 'receive' });
    expect(transport.destroyed).toBe(true);
    expect(log.indexOf('disconnected:AbortedError')).toBeLessThan(log.indexOf('seen:error'));
  });

  it('lets an empty body be of 0 bytes, and no other', () => {
    const empty = readWith(mergeMap(response => response.body.pipe(limitBytes(0))));
    empty.end();
    expect(empty.seen.completed).toBe(true);
    const other = readWith(mergeMap(response => response.body.pipe(limitBytes(0))));
    other.body('x');
    expect(other.seen.outcome).toBe('BodyTooLargeError');
  });

  it.each([-1, 1.5, NaN, '5'])('refuses %p', max => {
    expect(() => limitBytes(max as number)).toThrow(InvalidOptionError);
  });

  it('passes on the error of the source', () => {
    const { seen, transport } = readWith(mergeMap(response => response.body.pipe(limitBytes(8))));
    transport.reset();
    expect(seen.outcome).toBe('TruncatedBodyError');
  });
});
