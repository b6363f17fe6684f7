import { describe, expect, it } from '@jest/globals';
import { config, from, mergeMap, Subject, take } from 'rxjs';
import { ParseError, HeadersOverflowError } from '../../src/errors/index.js';
import type { ProtocolRequest } from '../../src/protocol/index.js';
import { unhandledErrors } from '../pool/support/index.js';
import { answer, chunk, chunkedAnswer, chunkedHead, openConnection, record, type Stage } from '../support/index.js';

// What Twisted's HTTP11ClientProtocol does and this one keeps, by its behaviour; and what it does and this one mends.

function reply(response: string, request: Partial<ProtocolRequest> = {}, stage: Stage = openConnection()) {
  const seen = stage.request(request);
  stage.transport.respond(response);
  return { stage, seen, response: seen.values[0] };
}

describe('Kept: the state machine', () => {
  it('a request while another is under way fails with RequestNotSent, and touches nothing', () => {
    const stage = openConnection();
    stage.request();
    const { written } = stage.transport;
    expect(stage.request({ path: '/second' }).outcome).toBe('RequestNotSentError');
    expect(stage.transport.written).toBe(written);
  });

  it('a request is written at once, and bodyless it waits within the call', () => {
    const stage = openConnection();
    stage.request();
    expect(stage.state).toBe('waiting');
  });

  it('a fault of the producer is RequestGenerationFailed, and the connection is reset', () => {
    const stage = openConnection();
    const body = new Subject<string>();
    const seen = stage.request({ method: 'POST', body });
    body.error(new Error('producer'));
    expect(seen.outcome).toBe('RequestGenerationFailedError');
    expect(stage.transport.destroyed).toBe(true);
  });

  it('the request is cold: nothing is written before it is subscribed to, and each subscription is one', () => {
    const stage = openConnection();
    const request$ = stage.connection.request({ path: '/' });
    expect(stage.transport.written).toBe('');
    record(request$);
    stage.transport.respond(answer());
    record(request$);
    expect(stage.transport.requests.length).toBe(2);
  });
});

describe('Kept: the response', () => {
  it('comes when the head is complete, not the body, whatever its status', () => {
    for (const status of ['200 OK', '404 Not Found', '500 Oops', '418 ']) {
      const { seen, response } = reply(answer('hello', { status }).slice(0, -5));
      expect(seen.completed).toBe(true);
      expect(response.status).toBe(parseInt(status));
      expect(response.ok).toBe(status === '200 OK');
    }
  });

  it('cancelling the request after the head is a no-op: it does not touch the body', () => {
    const { stage, seen, response } = reply(answer('hello').slice(0, -2));
    const text = record(response.text());
    seen.subscription.unsubscribe();
    stage.transport.respond('lo');
    expect(text.values).toEqual(['hello']);
  });

  it('repeated headers keep their order, and are not joined', () => {
    const { response } = reply(answer('', { headers: ['Set-Cookie: a', 'X: 1', 'Set-Cookie: b'] }));
    expect(response.headers.getAll('set-cookie')).toEqual(['a', 'b']);
  });

  it('HEAD, 204 and 304 have no body, whatever the headers say', () => {
    expect(
      record(reply('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', { method: 'HEAD' }).response.text()).values,
    ).toEqual(['']);
    for (const status of ['204 No Content', '304 Not Modified']) {
      const { stage, response } = reply(`HTTP/1.1 ${status}\r\nContent-Length: 9\r\n\r\n`);
      expect(record(response.text()).values).toEqual(['']);
      expect(stage.state).toBe('quiescent');
    }
  });

  it('HEAD: the length that a GET would have can be seen', () => {
    const { stage, response } = reply('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', { method: 'HEAD' });
    expect(response.headers.get('content-length')).toBe('9');
    expect(stage.state).toBe('quiescent');
  });
});

describe('Kept: when a connection is returned', () => {
  it('not after a request that is not persistent: it is closed, and never quiescent', () => {
    const { stage, response } = reply(answer('hello'), {}, openConnection({ persistent: false }));
    expect(stage.state).toBe('closed');
    expect(stage.log).toEqual(['disconnected:null', 'response:next', 'response:complete']);
    expect(record(response.text()).values).toEqual(['hello']);
  });

  it('whatever the status of the response', () => {
    for (const status of ['200 OK', '302 Found', '404 Not Found', '500 Oops', '599 ']) {
      expect(reply(answer('hello', { status })).stage.state).toBe('quiescent');
    }
  });

  it('an observer of quiescent that throws is reported; the response and its body come all the same', async () => {
    const stage = openConnection();
    const fault = new Error('from the pool');
    stage.connection.quiescent.subscribe(() => {
      throw fault;
    });
    const { values } = stage.request();
    stage.transport.respond(answer('hello').slice(0, -2));
    const text = record(values[0].text());
    try {
      expect(await unhandledErrors(() => stage.transport.respond('lo'), 1)).toEqual([fault]);
    } finally {
      config.onUnhandledError = null;
    }
    expect(text).toMatchObject({ values: ['hello'], completed: true });
    expect(stage.state).toBe('quiescent');
  });
});

describe('Kept: backpressure of the body', () => {
  it('the bytes of a body are told as they come, also those of an unfinished chunk', () => {
    for (const start of [answer('hello').slice(0, -5), `${chunkedHead}5\r\n`]) {
      const { stage, response } = reply(start);
      const body = record(response.body);
      stage.transport.respond('he');
      stage.transport.respond('l');
      expect(body.values.map(bytes => Buffer.from(bytes).toString())).toEqual(['he', 'l']);
      expect(body.terminals).toBe(0);
    }
  });

  it('a finished exchange is cut from its connection: a late consumer cannot touch the next one', () => {
    const { stage, response } = reply(answer('hello'));
    const second = stage.request({ path: '/second' });
    const body = record(response.body);
    body.subscription.unsubscribe();
    expect(stage.transport.paused).toBe(false);
    stage.transport.respond(answer('second'));
    expect(record(second.values[0].text()).values).toEqual(['second']);
  });

  it('an idle connection flows, however slow the last consumer was: else nobody would see it close', async () => {
    const stage = openConnection({ limits: { maxDrain: 1 } });
    const { values } = stage.request();
    stage.transport.respond(answer('hello').slice(0, -1));
    expect(stage.transport.paused).toBe(true);
    const text = record(values[0].text());
    await Promise.resolve();
    stage.transport.respond('o');
    expect(text.values).toEqual(['hello']);
    stage.transport.fin();
    expect(stage.state).toBe('closed');
  });
});

describe('Kept: the request on the wire', () => {
  it('one Host, one Connection: close if not persistent and never keep-alive, then the headers in their order', () => {
    const stage = openConnection({ persistent: false });
    stage.request({
      path: '/a?b',
      headers: [
        ['B', '2'],
        ['A', '1'],
        ['b', '3'],
      ],
    });
    expect(stage.transport.requests[0]).toMatchObject({ method: 'GET', path: '/a?b' });
    const { headers } = stage.transport.requests[0];
    expect(headers.filter(([name]) => name === 'host')).toEqual([['host', 'example.test']]);
    expect(headers.filter(([name]) => name === 'connection')).toEqual([['connection', 'close']]);
    expect(headers.filter(([name]) => /^[ab]$/.test(name))).toEqual([
      ['b', '2'],
      ['a', '1'],
      ['b', '3'],
    ]);
  });

  it('what may not go on the wire is refused, and nothing was written', () => {
    const bad: Partial<ProtocolRequest>[] = [
      { method: 'GET /evil HTTP/1.1\r\nX:' },
      { path: '/a b' },
      { path: '/a\r\nX: y' },
      { path: '/\u010a' },
      { headers: { 'X\r\n': 'y' } },
      { headers: { X: 'a\r\nY: b' } },
      { headers: { X: '\u010aY: b' } },
      {
        headers: [
          ['Host', 'a'],
          ['Host', 'b'],
        ],
      },
    ];
    for (const request of bad) {
      const stage = openConnection();
      expect(stage.request(request).outcome).toBe('InvalidRequestError');
      expect(stage.transport.written).toBe('');
      expect(stage.state).toBe('quiescent');
    }
  });
});

describe('Mended', () => {
  it.each([
    ['Connection: Close', 'closed'],
    ['Connection: keep-alive, close', 'closed'],
    ['Connection: close, TE', 'closed'],
    ['Connection: closed', 'quiescent'],
  ])('8: %s is read as a list without regard to case', (header, state) => {
    expect(reply(answer('', { headers: [header] })).stage.state).toBe(state);
  });

  it('8: HTTP/1.0 persists only with keep-alive', () => {
    const old = answer('hello').replace('HTTP/1.1', 'HTTP/1.0');
    expect(reply(old).stage.state).toBe('closed');
    expect(reply(old.replace('Content', 'Connection: keep-alive\r\nContent')).stage.state).toBe('quiescent');
  });

  it("8: the user's own Connection: close is honoured", () => {
    const { stage } = reply(answer('hello'), { headers: { Connection: 'close' } });
    expect(stage.state).toBe('closed');
  });

  it('9: surplus bytes close the connection', () => {
    expect(reply(`${answer('hello')}X`).stage.state).toBe('closed');
  });

  it.each([
    ['with Content-Length', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
    ['of two codings', 'Transfer-Encoding: gzip, chunked'],
    ['in two lines', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip'],
    ['unknown', 'Transfer-Encoding: identity'],
  ])('10: Transfer-Encoding %s is a ParseError', (_name, fields) => {
    const { seen, stage } = reply(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`);
    expect(seen.error).toBeInstanceOf(ParseError);
    expect(stage.transport.destroyed).toBe(true);
  });

  it('11: an abort while the request is being sent settles it, and stops the producer', () => {
    const stage = openConnection();
    const body = new Subject<string>();
    const seen = stage.request({ method: 'POST', body });
    stage.connection.close();
    expect(seen.outcome).toBe('AbortedError');
    expect(body.observed).toBe(false);
  });

  it('11: a response after an abort disturbs nobody', () => {
    const stage = openConnection();
    const seen = stage.request();
    stage.connection.close();
    stage.transport.respond(answer('late'));
    expect(seen.terminals).toBe(1);
    expect(stage.reports).toEqual([]);
  });

  it('12: an abort destroys, and does not wait until what was written is flushed', () => {
    const stage = openConnection({ highWaterMark: 10 });
    stage.request({ method: 'POST', body: 'x'.repeat(100) });
    stage.connection.close();
    expect(stage.transport.destroyed).toBe(true);
  });

  it('13: an early head is told at once, and not lost with the connection', () => {
    const { seen, stage, response } = reply('HTTP/1.1 413 No\r\nContent-Length: 9\r\n\r\n', {
      method: 'POST',
      body: new Subject<string>(),
    });
    stage.transport.reset();
    expect(seen.outcome).toBe('value');
    expect(response.status).toBe(413);
  });

  it('14: a body that nobody reads holds its connection only so long', () => {
    const { stage } = reply(`HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(100_000)}`);
    stage.clock.advance(10_000);
    expect(stage.transport.destroyed).toBe(true);
  });

  it('14: a short body that nobody reads holds no connection', () => {
    expect(reply(answer('hello')).stage.state).toBe('quiescent');
    expect(reply(chunkedAnswer('he', 'llo')).stage.state).toBe('quiescent');
  });

  it('15: silence has deadlines by default', () => {
    const stage = openConnection();
    const seen = stage.request();
    stage.clock.advance(60_000);
    expect(seen.outcome).toBe('HeadersTimeoutError');
  });

  it('16: limits on headers, and an error that names the limit', () => {
    const { seen } = reply(`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(2_000)}\r\n`);
    expect(seen.error).toBeInstanceOf(HeadersOverflowError);
    expect((seen.error as HeadersOverflowError).limit).toBe('maxHeaderCount');
  });

  it('17: hop-by-hop headers can be seen', () => {
    const { response, stage } = reply(answer('', { headers: ['Keep-Alive: timeout=5, max=9'] }));
    expect(response.headers.get('keep-alive')).toBe('timeout=5, max=9');
    expect(response.headers.get('content-length')).toBe('0');
    expect(stage.connection.keepAlive).toEqual({ timeout: 5, max: 9 });
  });

  it('18: a chunk of length 0 does not end the body', () => {
    const stage = openConnection();
    stage.request({ method: 'POST', body: from(['a', '', 'b']) });
    expect(stage.transport.requests).toMatchObject([{ body: 'ab', complete: true }]);
  });

  it("19: the user's framing headers are refused, or verified and sent once", () => {
    const stage = openConnection();
    expect(stage.request({ method: 'POST', body: 'a', headers: { 'Transfer-Encoding': 'gzip' } }).outcome).toBe(
      'InvalidRequestError',
    );
    expect(stage.request({ method: 'POST', body: 'a', headers: { 'Content-Length': '2' } }).outcome).toBe(
      'InvalidRequestError',
    );
    stage.request({ method: 'POST', body: 'a', headers: { 'Content-Length': '1' } });
    expect(stage.transport.requests[0].headers.filter(([name]) => name === 'content-length')).toEqual([
      ['content-length', '1'],
    ]);
  });

  it.each(['text', 'bytes', 'discard', 'json'] as const)('22: unsubscribing from %s destroys the connection', way => {
    const { stage, response } = reply(chunkedHead + chunk('{'));
    record(response[way]()).subscription.unsubscribe();
    expect(stage.transport.destroyed).toBe(true);
  });

  it('22: also within the pipeline of the request', () => {
    const stage = openConnection();
    const text = record(
      stage.connection.request({ path: '/' }).pipe(
        mergeMap(response => response.text()),
        take(1),
      ),
    );
    stage.transport.respond(chunkedHead + chunk('a'));
    text.subscription.unsubscribe();
    expect(stage.transport.destroyed).toBe(true);
  });
});
