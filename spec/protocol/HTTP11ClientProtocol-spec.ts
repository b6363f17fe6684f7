import { describe, expect, it } from '@jest/globals';
import { answer, openConnection, record } from '../support/index.js';

describe('HTTP11ClientProtocol', () => {
  it('gives up a drain after 1 s, and finds nothing odd in that', () => {
    const { request, transport, clock, reports, connection } = openConnection();
    const { values } = request();
    transport.respond(answer('hello').slice(0, -1));
    record(values[0].body).subscription.unsubscribe();
    expect(connection.progress().state).toBe('draining');
    clock.advance(999);
    expect(connection.progress().state).toBe('draining');
    clock.advance(1);
    expect(connection.progress().state).toBe('closed');
    expect(reports).toEqual([]);
  });
});
