import { describe, expect, it } from '@jest/globals';
import { answer, chunkedAnswer, openConnection, record } from '../support/index.js';

describe('A body that nobody has claimed', () => {
  it('is kept whole, whichever reads it came in', () => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respondOneByOne(answer('hello'));
    expect(record(values[0].text()).values).toEqual(['hello']);
  });

  it('of exactly maxDrain bytes is read to its end, so that the connection is free', () => {
    for (const response of [answer('hello'), chunkedAnswer('hello')]) {
      const stage = openConnection({ limits: { maxDrain: 5 } });
      stage.request();
      stage.transport.respond(response);
      expect(stage.state).toBe('quiescent');
    }
  });
});
