import { describe, expect, it } from '@jest/globals';
import { config, type Observable } from 'rxjs';
import { AbortedError } from '../../src/errors/index.js';
import { LeaseEcho, released } from '../../src/pool/LeaseEcho.js';
import { record } from '../support/index.js';

describe('What a lease tells of its end', () => {
  const error = new AbortedError();

  it.each([
    ['released', released, [undefined], []],
    ['lost', { how: 'closed', error } as const, [], [error]],
    ['ended in order', { how: 'closed', error: null } as const, [], [null]],
  ])('is the same before and after it: %s', (_, end, quiescent, disconnected) => {
    const echo = new LeaseEcho();
    const early = [record(echo.quiescent), record(echo.disconnected)];
    expect(early.map(({ terminals }) => terminals)).toEqual([0, 0]);
    echo.end(end);
    for (const [told, lost] of [early, [record(echo.quiescent), record(echo.disconnected)]]) {
      expect([told.values, told.completed]).toEqual([quiescent, true]);
      expect([lost.values, lost.completed]).toEqual([disconnected, true]);
    }
  });

  it.each(['quiescent', 'disconnected'] as const)('is told though a finalizer of %s throws', name => {
    config.onUnhandledError = () => undefined;
    const echo = new LeaseEcho();
    const told: Observable<unknown> = echo[name];
    told.subscribe().add(() => {
      throw new Error('boom');
    });
    expect(() => echo.end({ how: 'closed', error })).not.toThrow();
    expect([record(echo.quiescent).completed, record(echo.disconnected).values]).toEqual([true, [error]]);
  });
});
