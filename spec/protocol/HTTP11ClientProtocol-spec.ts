import { describe, expect, it } from '@jest/globals';
import { Observable } from 'rxjs';
import { keepPrepared, type ProtocolResponse } from '../../src/protocol/index.js';
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

  it('makes no body for a request that it does not take', () => {
    const { request } = openConnection();
    request();
    let made = 0;
    const body = (): string => String(made++);
    expect(request({ method: 'POST', body }).outcome).toBe('RequestNotSentError');
    expect(made).toBe(0);
  });

  it('tells how far the last request got: what was written, whether its body was begun, whether an answer came', () => {
    const { request, transport, connection } = openConnection();
    const none = { wrote: false, responseByte: false, bodySubscribed: false };
    expect(connection.progress()).toMatchObject({ state: 'quiescent', ...none });
    request();
    expect(connection.progress()).toMatchObject({ ...none, state: 'waiting', wrote: true });
    transport.respond(answer());
    request({ method: 'POST', body: 'x' });
    expect(connection.progress()).toMatchObject({ state: 'waiting', wrote: true, bodySubscribed: true });
    transport.respond('H');
    expect(connection.progress()).toMatchObject({ state: 'waiting', responseByte: true });
    transport.reset();
    expect(connection.progress()).toMatchObject({ state: 'closed', wrote: true, responseByte: true });
  });

  it('writes a request that was prepared once as its connection needs it', () => {
    const request = { path: '/again' };
    keepPrepared(request);
    for (const authority of ['one.test', 'two.test', 'two.test', 'one.test']) {
      for (const persistent of [true, false, false, true]) {
        const { connection, transport } = openConnection({ authority, persistent });
        record(connection.request(request));
        const close = persistent ? '' : 'Connection: close\r\n';
        expect(transport.written).toBe(`GET /again HTTP/1.1\r\nHost: ${authority}\r\n${close}\r\n`);
      }
    }
  });

  it('does not let an exchange that is over touch the next one', () => {
    const stage = openConnection();
    const old = record(stage.connection.request({ path: '/old' }));
    let next: Recorded<ProtocolResponse> | undefined;
    stage.connection.quiescent.subscribe(() => {
      if (next !== undefined) return;
      next = stage.request({ path: '/next' });
      // All of its response has come, and it has not been told yet.
      old.subscription.unsubscribe();
    });
    stage.transport.respond(answer('old'));
    expect(old.outcome).toBe('nothing');
    stage.transport.respond(answer('next'));
    expect(record(next!.values[0].text()).values).toEqual(['next']);
    expect(stage.state).toBe('quiescent');
  });
});
