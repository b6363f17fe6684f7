import { describe, expect, it } from '@jest/globals';
import type { ExchangeHandle, ExchangeReceiver, ProtocolResponse } from '../../src/protocol/index.js';
import { requestOver } from '../../src/protocol/requestOver.js';
import { record } from '../support/index.js';

const response = {} as ProtocolResponse;

/** A connection that does what its spec says, and notes the aborts of its one exchange. */
function stage(refuses = false) {
  const aborts: unknown[] = [];
  const exchange = { abort: (reason: unknown) => aborts.push(reason) } as unknown as ExchangeHandle;
  const sent: ExchangeReceiver[] = [];
  const started: ExchangeHandle[] = [];
  const send = (_: unknown, receiver: ExchangeReceiver): ExchangeHandle | null => {
    sent.push(receiver);
    if (refuses) {
      receiver.error(new Error('refused'));
      return null;
    }
    receiver.started(exchange);
    return exchange;
  };
  const request = () => requestOver({ send }, { path: '/' }, one => started.push(one));
  return { aborts, exchange, sent, started, request, subscribe: () => record(request()) };
}

describe('requestOver', () => {
  it('sends nothing before it is subscribed to, and once for each subscription', () => {
    const { sent, started, exchange, request } = stage();
    const responses = request();
    expect(sent).toHaveLength(0);
    record(responses);
    record(responses);
    expect([sent.length, started.length, started[0] === exchange]).toEqual([2, 2, true]);
  });

  it('emits the response and completes; unsubscribing afterwards does nothing', () => {
    const { aborts, sent, subscribe } = stage();
    const seen = subscribe();
    sent[0].next(response);
    expect([seen.values, seen.completed]).toEqual([[response], false]);
    seen.subscription.unsubscribe();
    expect(aborts).toEqual([]);
    const whole = subscribe();
    sent[1].next(response);
    sent[1].complete();
    expect([whole.completed, aborts]).toEqual([true, []]);
  });

  it('aborts the exchange once when it is unsubscribed from before the response, and tells nothing of that', () => {
    const { aborts, sent, subscribe } = stage();
    const seen = subscribe();
    seen.subscription.unsubscribe();
    seen.subscription.unsubscribe();
    expect(aborts).toEqual([expect.objectContaining({ code: 'ERR_ABORTED' })]);
    expect(() => sent[0].error(aborts[0])).not.toThrow();
    expect(seen.terminals).toBe(0);
  });

  it('errors with the error of the exchange, and aborts nothing', () => {
    const { aborts, sent, subscribe } = stage();
    const seen = subscribe();
    const error = new Error('lost');
    sent[0].error(error);
    expect([seen.error === error, aborts]).toEqual([true, []]);
  });

  it('errors with the error of a request that was refused, of which there is no exchange', () => {
    const { started, subscribe } = stage(true);
    const seen = subscribe();
    expect([(seen.error as Error).message, started]).toEqual(['refused', []]);
  });
});
