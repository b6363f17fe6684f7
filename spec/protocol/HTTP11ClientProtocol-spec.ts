import { describe, expect, it } from '@jest/globals';
import { Observable } from 'rxjs';
import type { ProtocolResponse } from '../../src/protocol/index.js';
import { answer, openConnection, record, type Recorded } from '../support/index.js';

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

  it('starts every exchange without the deadlines of the one before', () => {
    const { request, transport, clock } = openConnection();
    const { values } = request();
    transport.respond(answer('hello').slice(0, -1));
    record(values[0].text());
    transport.respond('o');
    const upload = new Observable<string>(() => undefined);
    const second = request({ method: 'POST', body: upload, timeouts: { bodyIdle: 100 } });
    // The source holds: nothing runs, whatever the server says meanwhile.
    transport.respond('HTTP/1.1 103 Early Hints\r\n\r\n');
    clock.advance(1_000_000);
    expect(second.outcome).toBe('nothing');
  });

  it('counts the sending up to the head, where that came before the request was written', () => {
    const { request, transport, clock } = openConnection();
    clock.advance(1_000);
    const { values } = request({ method: 'POST', body: new Observable<string>(() => undefined) });
    clock.advance(10);
    transport.respond(answer());
    expect(values[0].timings).toEqual({ send: 10, wait: 0, receive: 0 });
  });

  it('refuses a request whose body factory used or closed the connection', () => {
    const busy = openConnection();
    let inner: Recorded<ProtocolResponse> | undefined;
    const body = (): string => {
      inner = busy.request({ path: '/inner' });
      return 'outer';
    };
    const outer = busy.request({ method: 'POST', body });
    busy.transport.respond(answer('inner'));
    expect(outer.outcome).toBe('RequestNotSentError');
    expect(inner!.outcome).toBe('value');
    expect(busy.transport.requests.map(({ path }) => path)).toEqual(['/inner']);

    const closing = openConnection();
    const closed = closing.request({
      method: 'POST',
      body: () => {
        closing.connection.close();
        return 'x';
      },
    });
    expect(closed.outcome).toBe('RequestNotSentError');
    expect(closing.transport.written).toBe('');
  });
});
