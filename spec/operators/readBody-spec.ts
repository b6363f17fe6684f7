import { describe, expect, it } from '@jest/globals';
import { finalize, NEVER, of, Subject, take, tap, throwError } from 'rxjs';
import { text, type ProtocolResponse } from '../../src/index.js';
import { answer, openConnection, record } from '../support/index.js';

/** A response that is there, and of whose body all but the last byte has come. */
function halfRead(): { response: ProtocolResponse; finish(): void; state(): string } {
  const { request, transport, connection } = openConnection();
  const { values } = request();
  transport.respond(answer('hello').slice(0, -1));
  return { response: values[0], finish: () => transport.respond('o'), state: () => connection.progress().state };
}

/** One that somebody made up: it has nothing but what its interface says. */
const madeUp = (read: () => ReturnType<ProtocolResponse['text']>): ProtocolResponse =>
  ({ text: read }) as unknown as ProtocolResponse;

describe('the operators that read bodies', () => {
  it('are done with the source when it completes, and with a body when that ends', () => {
    const log: string[] = [];
    const { response, finish } = halfRead();
    const seen = record(
      of(response).pipe(
        finalize(() => log.push('source')),
        text(),
        finalize(() => log.push('all')),
      ),
    );
    expect(log).toEqual(['source']);
    finish();
    expect(seen.values).toEqual(['hello']);
    expect(log).toEqual(['source', 'all']);
  });

  it('read several bodies at a time, and complete with the last', () => {
    const responses$ = new Subject<ProtocolResponse>();
    const [one, two] = [halfRead(), halfRead()];
    const seen = record(responses$.pipe(text()));
    responses$.next(one.response);
    responses$.next(two.response);
    responses$.complete();
    two.finish();
    expect([seen.values, seen.terminals]).toEqual([['hello'], 0]);
    one.finish();
    expect([seen.values, seen.terminals]).toEqual([['hello', 'hello'], 1]);
  });

  it('let go of every body that is still on its way when they are unsubscribed from, and of the source', () => {
    const responses$ = new Subject<ProtocolResponse>();
    const [one, two] = [halfRead(), halfRead()];
    const { subscription } = record(responses$.pipe(text()));
    responses$.next(one.response);
    responses$.next(two.response);
    subscription.unsubscribe();
    expect(responses$.observed).toBe(false);
    // Of each, one byte is missing: it is drained.
    expect([one.state(), two.state()]).toEqual(['draining', 'draining']);
  });

  it('let go of the others when one fails, and of the source', () => {
    const responses$ = new Subject<ProtocolResponse>();
    const { response, state } = halfRead();
    const seen = record(responses$.pipe(text()));
    responses$.next(response);
    responses$.next(madeUp(() => throwError(() => new TypeError('made up'))));
    expect([seen.outcome, responses$.observed, state()]).toEqual(['TypeError', false, 'draining']);
  });

  it('stop within the first value, if that is all that is wanted', () => {
    const { response } = halfRead();
    const seen = record(of(response, response).pipe(text(), take(1)));
    expect(seen.outcome).toBe('BodyUsedError');
    const torn: string[] = [];
    const endless = madeUp(() => NEVER.pipe(finalize(() => torn.push('endless'))));
    const first = record(
      of(
        endless,
        madeUp(() => of('made up')),
      ).pipe(text(), take(1)),
    );
    expect([first.values, first.terminals, torn]).toEqual([['made up'], 1, ['endless']]);
  });

  it('fail with what a made-up response throws when it is asked for its body', () => {
    const thrower = madeUp(() => {
      throw new RangeError('made up');
    });
    const seen = record(of(thrower).pipe(text()));
    expect(seen.outcome).toBe('RangeError');
  });

  it('hand an error of the source on at once, whatever is on its way', () => {
    const responses$ = new Subject<ProtocolResponse>();
    const { response, state } = halfRead();
    const seen = record(responses$.pipe(tap(), text()));
    responses$.next(response);
    responses$.error(new EvalError('source'));
    expect([seen.outcome, state()]).toEqual(['EvalError', 'draining']);
  });
});
