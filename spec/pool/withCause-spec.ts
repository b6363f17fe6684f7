import { describe, expect, it } from '@jest/globals';
import { withCause } from '../../src/pool/withCause.js';

/** The chain of causes, down to one that is none, or that was met before. */
function chain(error: unknown): unknown[] {
  const met: unknown[] = [];
  for (let last = error; last != null && !met.includes(last); last = (last as { cause?: unknown }).cause)
    met.push(last);
  return met;
}

describe('The first failure of a request', () => {
  const first = new Error('first');
  const error = (message: string, cause?: unknown) => new Error(message, cause === undefined ? undefined : { cause });

  it('stands at the end of the causes of the last', () => {
    const inner = error('inner');
    const outer = error('outer', inner);
    expect(withCause(outer, first)).toBe(outer);
    expect(chain(outer)).toEqual([outer, inner, first]);
    expect(first.cause).toBeUndefined();
  });

  it('stands there once', () => {
    const outer = error('outer', error('inner'));
    withCause(withCause(outer, first), first);
    expect(chain(outer)).toHaveLength(3);
    expect(first.cause).toBeUndefined();
  });

  it('is not its own cause', () => {
    expect(withCause(first, first)).toBe(first);
    expect(first.cause).toBeUndefined();
  });

  it.each(['a text', 5, { reason: 'an object' }])('takes the place of no other cause: %p', cause => {
    const inner = error('inner', cause);
    const outer = error('outer', inner);
    withCause(outer, first);
    expect(chain(outer).slice(0, 3)).toEqual([outer, inner, cause]);
    expect(inner.cause).toBe(cause);
  });

  it('leaves a circle as it is', () => {
    const one = error('one');
    const two = error('two', one);
    one.cause = two;
    withCause(one, first);
    expect([one.cause, two.cause]).toEqual([two, one]);
  });

  it('leaves what is frozen, and what is no error, as it is', () => {
    const frozen = Object.freeze(error('frozen'));
    const outer = error('outer', frozen);
    expect(withCause(outer, first)).toBe(outer);
    expect(chain(outer)).toEqual([outer, frozen]);
    const plain = { message: 'thrown' };
    for (const thrown of ['a text', 5, null, undefined, plain]) expect(withCause(thrown, first)).toBe(thrown);
    expect(plain).toEqual({ message: 'thrown' });
  });
});
