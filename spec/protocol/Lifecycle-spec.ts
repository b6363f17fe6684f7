import { describe, expect, it } from '@jest/globals';
import { Lifecycle, type ConnectionOwner } from '../../src/protocol/Lifecycle.js';
import { record } from '../support/index.js';

const error = null;

/** An owner that notes what it hears. */
function ownerOf(log: string[]): ConnectionOwner {
  return {
    quiescent: () => log.push('quiescent'),
    disconnected: () => log.push('disconnected'),
    socketClosed: () => log.push('closed'),
  };
}

describe('Lifecycle', () => {
  it('tells its owner first, and then who subscribed', () => {
    const life = new Lifecycle();
    const log: string[] = [];
    life.owner = ownerOf(log);
    record(life.quiescent, { log, name: 'q' });
    record(life.disconnected, { log, name: 'd' });
    life.rest(0);
    life.lose(error);
    life.close();
    life.close();
    expect(log).toEqual([...['quiescent', 'q:next', 'disconnected', 'd:next', 'q:complete', 'closed', 'd:complete']]);
  });

  it('tells an owner that comes late what has happened, and no more', () => {
    const life = new Lifecycle();
    const [before, lost, closed]: [string[], string[], string[]] = [[], [], []];
    life.owner = ownerOf(before);
    expect(before).toEqual([]);
    life.lose(error);
    life.owner = ownerOf(lost);
    expect(lost).toEqual(['disconnected']);
    life.close();
    life.owner = ownerOf(closed);
    expect([lost, closed]).toEqual([
      ['disconnected', 'closed'],
      ['disconnected', 'closed'],
    ]);
  });

  it('tells who subscribes late the same, in each state', () => {
    const life = new Lifecycle();
    expect(life.disconnected).toBe(life.disconnected);
    const late = new Lifecycle();
    late.lose(error);
    const open = record(late.disconnected);
    expect([open.values, open.completed, record(late.quiescent).completed]).toEqual([[null], false, true]);
    late.close();
    expect(open.completed).toBe(true);
    const gone = new Lifecycle();
    gone.lose(error);
    gone.close();
    expect(record(gone.disconnected)).toMatchObject({ values: [null], completed: true });
    const alive = new Lifecycle();
    expect([record(alive.quiescent).completed, record(alive.disconnected).values]).toEqual([false, []]);
  });
});
