import { afterEach, describe, expect, it } from '@jest/globals';
import { config } from 'rxjs';
import { guarded, LoopTurn } from '../../src/timing/index.js';
import { unhandledErrors } from '../pool/support/index.js';

afterEach(() => {
  config.onUnhandledError = null;
});

describe('guarded', () => {
  it('calls, and says nothing where nothing is thrown', () => {
    const log: string[] = [];
    guarded(() => log.push('called'));
    expect(log).toEqual(['called']);
  });

  it('reports what is thrown, after the fact, to the handler that RxJS had then', async () => {
    const error = new Error('odd');
    const log: string[] = [];
    const errors = unhandledErrors(() => {
      guarded(() => {
        throw error;
      });
      log.push('goes on');
    }, 1);
    expect(log).toEqual(['goes on']);
    expect(await errors).toEqual([error]);
  });
});

describe('a callback of a loop turn that throws', () => {
  it('keeps no other from being called, in this turn and the next', async () => {
    const turn = new LoopTurn();
    const log: string[] = [];
    let over: Promise<void> | undefined;
    const errors = await unhandledErrors(() => {
      turn.after(() => log.push('first'));
      turn.after(() => {
        throw new Error('odd');
      });
      over = new Promise(resolve => {
        turn.after(() => {
          log.push('third');
          turn.after(() => {
            log.push('next turn');
            resolve();
          });
        });
      });
    }, 1);
    await over;
    expect(errors).toMatchObject([{ message: 'odd' }]);
    expect(log).toEqual(['first', 'third', 'next turn']);
  });
});
