import { describe, expect, it } from '@jest/globals';
import { Observable, Subject, mergeMap } from 'rxjs';
import {
  type HTTPClientError,
  ResponseFailedError,
  ResponseNeverReceivedError,
  TruncatedBodyError,
  type RequestPhase,
} from '../../src/errors/index.js';
import {
  answer,
  chunk,
  chunkedAnswer,
  chunkedHead,
  microtasks,
  openConnection,
  record,
  type Recorded,
  type Stage,
} from '../support/index.js';
import { turns } from '../loopback/index.js';

// The ids are those of the catalogue of faults that this client is held to.

const head = 'HTTP/1.1 200 OK\r\n';
const closeDelimited = `${head}\r\n`;

/** A request and all of its text, with the errors of either. */
function fetchText(stage: Stage, request: Parameters<Stage['request']>[0] = {}): Recorded<string> {
  return record(stage.connection.request({ path: '/', ...request }).pipe(mergeMap(response => response.text())));
}

const ends: Record<string, (stage: Stage) => void> = {
  FIN: ({ transport }) => transport.fin(),
  RST: ({ transport }) => transport.reset(),
};

describe.each(Object.entries(ends))('%s', (kind, end) => {
  /** In each phase: what had come, and what the consumer of the text is told. */
  const phases: Record<string, { sent: string; outcome: string; phase: RequestPhase }> = {
    'A6/A7 before any byte': { sent: '', outcome: 'ResponseNeverReceivedError', phase: 'wait' },
    'A10/D6 after the first byte': { sent: 'H', outcome: 'cut head', phase: 'receive' },
    'D6 within the head': { sent: `${head}Content-`, outcome: 'cut head', phase: 'receive' },
    'after a 1xx': { sent: 'HTTP/1.1 103 Early Hints\r\n\r\n', outcome: 'cut head', phase: 'receive' },
    'D2 within a body of known length': {
      sent: answer('hello').slice(0, -1),
      outcome: 'TruncatedBodyError',
      phase: 'receive',
    },
    'right behind the head': { sent: answer('hello').slice(0, -5), outcome: 'TruncatedBodyError', phase: 'receive' },
    'D3 within a chunk': { sent: `${chunkedHead}5\r\nhel`, outcome: 'TruncatedBodyError', phase: 'receive' },
    'D4 before the last chunk': {
      sent: chunkedHead + chunk('hello'),
      outcome: 'TruncatedBodyError',
      phase: 'receive',
    },
    'D4 within the last chunk': {
      sent: `${chunkedHead}${chunk('hello')}0\r\n`,
      outcome: 'TruncatedBodyError',
      phase: 'receive',
    },
    'D4 within the trailers': {
      sent: `${chunkedHead}0\r\nX-A: b\r\n`,
      outcome: 'TruncatedBodyError',
      phase: 'receive',
    },
  };

  it.each(Object.entries(phases))('%s', (_name, { sent, outcome, phase }) => {
    const stage = openConnection();
    const seen = fetchText(stage);
    stage.transport.respond(sent);
    end(stage);
    const cutHead = kind === 'FIN' ? 'TruncatedBodyError' : 'ResponseFailedError';
    expect(seen.outcome).toBe(outcome === 'cut head' ? cutHead : outcome);
    expect((seen.error as HTTPClientError).phase).toBe(phase);
    // So that "may I retry" is a question of type.
    expect(seen.error instanceof ResponseNeverReceivedError).toBe(phase === 'wait');
    expect(seen.error instanceof ResponseFailedError).toBe(phase === 'receive');
    expect(seen.values).toEqual([]);
    expect(stage.state).toBe('closed');
    expect(stage.connection.progress().responseByte).toBe(sent !== '');
  });

  it('while the request is being sent: RequestTransmissionFailedError', () => {
    const stage = openConnection();
    const body = new Subject<string>();
    const seen = fetchText(stage, { method: 'POST', body });
    body.next('part');
    end(stage);
    expect(seen.outcome).toBe('RequestTransmissionFailedError');
    expect((seen.error as HTTPClientError).phase).toBe('transmit');
    expect(body.observed).toBe(false);
  });

  it('while the request is being sent, after a part of a head: that is a failed response', () => {
    const stage = openConnection();
    const seen = fetchText(stage, { method: 'POST', body: new Subject<string>() });
    stage.transport.respond('HTTP/1.1 4');
    end(stage);
    expect(seen.error).toBeInstanceOf(ResponseFailedError);
  });

  it('within a body: the response is attached, the bytes before it are delivered, then the error', () => {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond(answer('hello').slice(0, -3));
    const body = record(values[0].body);
    end(stage);
    expect(Buffer.concat(body.values).toString()).toBe('he');
    expect(body.error).toBeInstanceOf(TruncatedBodyError);
    expect((body.error as TruncatedBodyError).response === values[0]).toBe(true);
  });

  it('within a body that was read ahead: its late consumer gets the bytes, then the error', () => {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond(answer('hello').slice(0, -3));
    end(stage);
    const body = record(values[0].body);
    expect(Buffer.concat(body.values).toString()).toBe('he');
    expect(body.outcome).toBe('TruncatedBodyError');
  });

  it('A1-A3 on an idle connection: it is closed, nobody is bothered', () => {
    const stage = openConnection();
    const seen = fetchText(stage);
    stage.transport.respond(answer('hello'));
    end(stage);
    expect(seen.values).toEqual(['hello']);
    expect(stage.state).toBe('closed');
    expect(stage.log[1]).toBe(kind === 'FIN' ? 'disconnected:null' : 'disconnected:ResponseFailedError');
    expect(stage.reports).toEqual([]);
  });

  it('A4/A5 on a reused connection, instead of the second response', () => {
    const stage = openConnection();
    fetchText(stage);
    stage.transport.respond(answer('hello'));
    const second = fetchText(stage);
    end(stage);
    expect(second.outcome).toBe('ResponseNeverReceivedError');
    // What the gate of the retry asks for.
    expect(stage.connection.progress()).toMatchObject({ wrote: true, responseByte: false, bodySubscribed: false });
  });

  it('A8/A9 at once, before any request', () => {
    const stage = openConnection();
    end(stage);
    const seen = fetchText(stage);
    expect(seen.outcome).toBe('RequestNotSentError');
    expect(stage.transport.written).toBe('');
    expect(stage.connection.progress().wrote).toBe(false);
  });

  it('ends a close-delimited body: with FIN it is complete, with RST it is not (D5)', async () => {
    for (const sent of [closeDelimited, `${closeDelimited}hello`]) {
      const stage = openConnection();
      const seen = fetchText(stage);
      stage.transport.respond(sent);
      end(stage);
      await turns();
      expect(seen.outcome).toBe(kind === 'FIN' ? 'value' : 'TruncatedBodyError');
      if (kind === 'FIN') expect(seen.values).toEqual([sent.slice(closeDelimited.length)]);
      expect(stage.state).toBe('closed');
      expect(stage.log[0]).toBe(`disconnected:${kind === 'FIN' ? 'null' : 'TruncatedBodyError'}`);
    }
  });

  it('behind a complete response that its slow consumer has not taken yet: it is still complete', async () => {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond(answer('hello').slice(0, -3));
    const work: Subject<never>[] = [];
    const chunks: string[] = [];
    const body = record(
      values[0].body.pull(bytes => {
        chunks.push(Buffer.from(bytes).toString());
        const done = new Subject<never>();
        work.push(done);
        return done;
      }),
    );
    work[0].complete();
    await microtasks();
    stage.transport.respond('llo');
    end(stage);
    await microtasks();
    expect(body.terminals).toBe(0);
    work[1].complete();
    await microtasks();
    expect(chunks).toEqual(['he', 'llo']);
    expect(body.completed).toBe(true);
    expect(stage.state).toBe('closed');
    // It was back before its consumer was done, and was lost as an idle one.
    expect(stage.log).toContain('quiescent');
  });
});

describe('The error of a lost connection', () => {
  const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  const until: Record<string, (stage: Stage) => { readonly error: unknown }> = {
    RequestTransmissionFailedError: stage => stage.request({ method: 'POST', body: new Subject<string>() }),
    ResponseNeverReceivedError: stage => stage.request(),
    ResponseFailedError: stage => {
      const seen = stage.request();
      stage.transport.respond('HTTP/1.1 200');
      return seen;
    },
    TruncatedBodyError: stage => {
      const seen = fetchText(stage);
      stage.transport.respond(answer('hello').slice(0, -1));
      return seen;
    },
  };

  it.each(Object.entries(until))('%s has what the socket said as its cause', (name, begin) => {
    const stage = openConnection();
    const seen = begin(stage);
    stage.transport.reset(cause);
    expect((seen.error as Error).constructor.name).toBe(name);
    expect((seen.error as Error).cause).toBe(cause);
  });
});

describe('A transport that is closed without an error, and without FIN', () => {
  it.each([
    ['of known length', answer('hello').slice(0, -1)],
    ['in chunks', chunkedHead + chunk('hell')],
    ['up to the close', `${closeDelimited}hell`],
  ])('cuts a body %s', async (_framing, sent) => {
    const stage = openConnection();
    const seen = fetchText(stage);
    stage.transport.respond(sent);
    stage.transport.destroy();
    await turns();
    expect(seen.outcome).toBe('TruncatedBodyError');
    expect(stage.state).toBe('closed');
  });
});

describe('A body that has come whole, and was not read whole when the connection is reset', () => {
  it('is complete, and the connection is not used again', async () => {
    const stage = openConnection({ limits: { maxDrain: 3 } });
    const { values } = stage.request();
    stage.transport.respond(chunkedAnswer('hell', 'o'));
    expect([stage.state, stage.transport.paused]).toEqual(['receiving', true]);
    stage.transport.reset();
    await turns();
    expect(stage.log).not.toContain('quiescent');
    expect(stage.state).toBe('closed');
    expect(record(values[0].text()).values).toEqual(['hello']);
  });
});

describe('A close-delimited body', () => {
  it('that nobody has claimed is complete with FIN, also when the socket is closed behind that', async () => {
    for (const closes of [true, false]) {
      const stage = openConnection();
      const { values } = stage.request();
      stage.transport.respond(`${closeDelimited}hello`);
      stage.transport.fin();
      if (closes) stage.transport.destroy();
      await turns();
      const trailers = record(values[0].trailers);
      expect(trailers.values.map(({ raw }) => raw)).toEqual([[]]);
      expect(record(values[0].text()).values).toEqual(['hello']);
      expect(stage.log.filter(entry => entry === 'disconnected:null')).toHaveLength(1);
    }
  });

  it.each(['before', 'after'])('whose FIN is followed by a RST is not complete, claimed %s the FIN', async when => {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond(`${closeDelimited}hello`);
    const early = when === 'before' ? record(values[0].text()) : undefined;
    stage.transport.fin();
    const text = early ?? record(values[0].text());
    stage.transport.reset();
    await turns();
    expect(text.outcome).toBe('TruncatedBodyError');
  });

  it('whose consumer went after the FIN is let go', async () => {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond(`${closeDelimited}hello`);
    const body = record(values[0].body);
    stage.transport.fin();
    body.subscription.unsubscribe();
    await turns();
    expect(stage.state).toBe('closed');
    expect(stage.reports).toEqual([]);
  });
});

describe('Bytes that nobody asked for', () => {
  it.each([
    ['B1/B2 a whole response', answer('reply-to-1')],
    ['B3 a 408', 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n'],
    ['B4 one byte', 'X'],
    ['B4 a line end', '\r\n'],
  ])('close a fresh connection, and an idle one: %s', (_name, bytes) => {
    for (const idle of [false, true]) {
      const stage = openConnection();
      if (idle) {
        fetchText(stage);
        stage.transport.respond(answer('hello'));
      }
      stage.transport.respond(bytes);
      expect(stage.state).toBe('closed');
      expect(stage.log.at(-1)).toBe('disconnected:UnsolicitedDataError');
      expect(fetchText(stage).outcome).toBe('RequestNotSentError');
    }
  });

  it('B2 a 408 after the request was written is its answer', () => {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    expect(values[0].status).toBe(408);
  });

  it.each([
    ['of known length', answer('hello')],
    ['in chunks', chunkedAnswer('hello')],
    ['without body', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ])('D11 behind a response, %s, in one read: it is delivered, the connection closed', (_name, response) => {
    for (const surplus of ['X', '\r\n', answer('next')]) {
      const stage = openConnection();
      const seen = fetchText(stage);
      stage.transport.respond(response + surplus);
      expect(seen.outcome).toBe('value');
      expect(stage.log).toEqual(['disconnected:null']);
      expect(stage.transport.destroyed).toBe(true);
    }
  });
});

describe('A response that comes while the request is being sent', () => {
  const refusal = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\n';

  it('C1 413: it is delivered at its head, the upload stops, the connection ends with the body', () => {
    const stage = openConnection();
    const body = new Subject<string>();
    const { values } = stage.request({ method: 'POST', body });
    body.next('a');
    stage.transport.respond(refusal);
    expect(values[0].status).toBe(413);
    expect(body.observed).toBe(false);
    const text = record(values[0].text());
    stage.transport.respond('big');
    expect(text.values).toEqual(['big']);
    expect(stage.log.slice(-1)).toEqual(['disconnected:null']);
    expect(stage.transport.requests[0].complete).toBe(false);
  });

  it.each(Object.entries(ends))(
    'C1 413, then %s: head and body were received, so that it is no error',
    (_kind, end) => {
      const stage = openConnection();
      const seen = fetchText(stage, { method: 'POST', body: new Subject<string>() });
      stage.transport.respond(`${refusal}big`);
      end(stage);
      expect(seen.values).toEqual(['big']);
    },
  );

  it('C1 413, then RST within its body: the head is not lost', () => {
    const stage = openConnection();
    const response = stage.request({ method: 'POST', body: new Subject<string>() });
    stage.transport.respond(refusal);
    stage.transport.reset();
    expect(response.values[0].status).toBe(413);
    expect(record(response.values[0].text()).outcome).toBe('TruncatedBodyError');
  });

  it('C1 413 to an upload that waits for the socket: it stays where it is', () => {
    const stage = openConnection({ highWaterMark: 10 });
    const { values } = stage.request({ method: 'POST', body: new Uint8Array(4 * 1024 * 1024) });
    const written = stage.transport.writes.length;
    stage.transport.respond(`${refusal}big`);
    stage.transport.drain();
    expect(values[0].status).toBe(413);
    expect(stage.transport.writes.length).toBe(written);
    expect(stage.transport.destroyed).toBe(true);
  });

  it('C2 200, incomplete: the upload goes on, and the connection is used again after both ended', () => {
    const stage = openConnection();
    const body = new Subject<string>();
    const { values } = stage.request({ method: 'POST', body });
    stage.transport.respond(answer('hello').slice(0, -2));
    const text = record(values[0].text());
    body.next('a');
    body.next('b');
    body.complete();
    stage.transport.respond('lo');
    expect(text.values).toEqual(['hello']);
    expect(stage.transport.requests[0]).toMatchObject({ body: 'ab', complete: true });
    expect(stage.state).toBe('quiescent');
  });

  it.each([
    ['in one read', 0],
    ['in two', 2],
  ])('C2 200, complete before the upload, %s: the connection is never used again', (_name, later) => {
    const stage = openConnection();
    const body = new Subject<string>();
    const seen = fetchText(stage, { method: 'POST', body });
    const response = answer('hello');
    stage.transport.respond(response.slice(0, response.length - later));
    if (later > 0) stage.transport.respond(response.slice(-later));
    expect(seen.values).toEqual(['hello']);
    expect(stage.log).toEqual(['disconnected:null']);
    expect(body.observed).toBe(false);
  });

  it('C2 200, its body unsubscribed: the upload is stopped too', () => {
    const stage = openConnection();
    const body = new Subject<string>();
    const { values } = stage.request({ method: 'POST', body });
    stage.transport.respond(answer('hello').slice(0, -2));
    record(values[0].body).subscription.unsubscribe();
    expect(body.observed).toBe(false);
    expect(stage.transport.destroyed).toBe(true);
  });

  it('C3 Expect: 100-continue may not be asked for', () => {
    const stage = openConnection();
    const seen = stage.request({ method: 'POST', body: 'x', headers: { Expect: '100-continue' } });
    expect(seen.outcome).toBe('InvalidRequestError');
    expect(stage.transport.written).toBe('');
  });
});

describe('A slow or a bursting server', () => {
  it('D7 stalls in the head: HeadersTimeoutError', () => {
    const stage = openConnection();
    const seen = fetchText(stage, { timeouts: { headers: 100 } });
    stage.transport.respond('HTTP/1.1 2');
    stage.clock.advance(99);
    expect(seen.outcome).toBe('nothing');
    stage.clock.advance(1);
    expect(seen.outcome).toBe('HeadersTimeoutError');
  });

  it('D8 stalls in the body: BodyTimeoutError', () => {
    const stage = openConnection();
    const seen = fetchText(stage, { timeouts: { bodyIdle: 100 } });
    stage.transport.respond(answer('hello').slice(0, -2));
    stage.clock.advance(99);
    expect(seen.outcome).toBe('nothing');
    stage.clock.advance(1);
    expect(seen.outcome).toBe('BodyTimeoutError');
  });

  it('D9 sends a byte of the head now and then: the time for the head is not prolonged', () => {
    const stage = openConnection();
    const seen = fetchText(stage, { timeouts: { headers: 1_000 } });
    for (let i = 0; i < 10; i++) {
      expect(seen.outcome).toBe('nothing');
      stage.transport.respond('HTTP/1.1 200'[i]);
      stage.clock.advance(100);
    }
    expect(seen.outcome).toBe('HeadersTimeoutError');
  });

  it('D9 sends a byte of the body now and then: that is not silence', () => {
    const stage = openConnection();
    const seen = fetchText(stage, { timeouts: { bodyIdle: 100 } });
    stage.transport.respond(`${head}Content-Length: 50\r\n\r\n`);
    for (let i = 0; i < 50; i++) {
      stage.clock.advance(90);
      stage.transport.respond('x');
    }
    expect(seen.values).toEqual(['x'.repeat(50)]);
  });

  it('D10 sends one byte a segment: the cost stays linear', () => {
    const length = 256 * 1024;
    const stage = openConnection();
    const seen = fetchText(stage);
    stage.transport.respond(`${head}Content-Length: ${length}\r\n\r\n`);
    const start = process.hrtime.bigint();
    stage.transport.respondOneByOne(Buffer.alloc(length, 'x'));
    const spent = Number(process.hrtime.bigint() - start) / 1e6;
    expect(seen.values[0].length).toBe(length);
    // Generous: quadratic would be minutes.
    expect(spent).toBeLessThan(5_000);
  });
});

describe('E floods', () => {
  const rest = 'a'.repeat(1_000);
  /** Endless streams: what is sent again and again after the start. */
  const floods: Record<string, { start: string; more: string }> = {
    'E1 one header line': { start: `${head}X: `, more: rest },
    'E2 many headers': { start: head, more: 'X: y\r\n' },
    'E3 the reason phrase': { start: 'HTTP/1.1 200 ', more: rest },
    'E4 white space in a value': { start: `${head}X:`, more: ' '.repeat(1_000) },
    'E5 1xx responses': { start: '', more: 'HTTP/1.1 103 Early Hints\r\n\r\n' },
    'E6 line ends before the status line': { start: '', more: '\r\n' },
    'E7 zeros of a chunk size': { start: chunkedHead, more: '0000' },
    'E8 chunk extensions': { start: `${chunkedHead}5;a=`, more: rest },
    'E9 a chunk extension in every chunk': { start: chunkedHead, more: `1;${rest}\r\nx\r\n` },
    'E10 trailers': { start: `${chunkedHead}0\r\n`, more: `X: ${rest}\r\n` },
  };

  it.each(Object.entries(floods))('%s: an error, soon', (_name, { start, more }) => {
    const stage = openConnection();
    const seen = fetchText(stage);
    stage.transport.respond(start);
    for (let sent = 0; sent < 128 * 1024 && seen.terminals === 0; sent += more.length) stage.transport.respond(more);
    expect(seen.error).toBeInstanceOf(ResponseFailedError);
    expect(stage.transport.destroyed).toBe(true);
    expect(stage.transport.delivered).toBeLessThan(128 * 1024);
  });

  it('E13 a body whose consumer is slow: the server is held back', async () => {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond(`${head}Content-Length: ${2 ** 30}\r\n\r\n`);
    record(values[0].body.pull(() => new Observable<never>(() => undefined)));
    for (let i = 0; i < 100; i++) {
      stage.transport.respond(Buffer.alloc(64 * 1024));
      await microtasks();
    }
    expect(stage.transport.paused).toBe(true);
    expect(stage.transport.delivered).toBeLessThan(2 * 64 * 1024 + 100);
  });
});
