import { describe, expect, it } from '@jest/globals';
import { mergeMap, of, tap, type Observable } from 'rxjs';
import type { ProtocolResponse } from '../../src/protocol/index.js';
import {
  answer,
  chunk,
  chunkedAnswer,
  chunkedHead,
  microtasks,
  openConnection,
  record,
  ticks,
  type Stage,
} from '../support/index.js';

// Whoever hears of the end of an exchange may ask for the next connection at once, and shall find this one.

/** Segments of a response, by the way its body comes. */
const deliveries: Record<string, readonly string[]> = {
  'in one read': [answer('12345')],
  'in many reads': [...answer('12345')],
  'in chunks, in one read': [chunkedAnswer('12', '345')],
  'in chunks, in many reads': [...chunkedAnswer('12', '345')],
  'its end in a read of its own': [chunkedHead + chunk('12345'), '0\r\n\r\n'],
};

/** Every way to read a body to its end, as an Observable that notes its last word. */
const consumers: Record<string, (response: ProtocolResponse) => Observable<unknown>> = {
  text: response => response.text(),
  json: response => response.json(),
  bytes: response => response.bytes(),
  discard: response => response.discard(),
  body: response => response.body,
  pull: response => response.body.pull(() => of('worked')),
};

function respond({ transport }: Stage, segments: readonly string[]): void {
  for (const segment of segments) transport.respond(segment);
}

describe.each(Object.entries(deliveries))('quiescent, for a body that comes %s', (_delivery, segments) => {
  it.each(Object.entries(consumers))('fires before %s completes', (_name, consume) => {
    const stage = openConnection();
    const consumed = stage.connection.request({ path: '/' }).pipe(mergeMap(consume));
    const seen = record(consumed, { log: stage.log, name: 'body' });
    respond(stage, segments);
    expect(seen.completed).toBe(true);
    const { log } = stage;
    expect(log.filter(entry => entry === 'quiescent').length).toBe(1);
    expect(log.indexOf('body:complete')).toBe(log.length - 1);
    expect(log.indexOf('quiescent')).toBeLessThan(log.indexOf('body:complete'));
  });

  it.each(['text', 'bytes', 'discard'])('fires before the one value of %s', name => {
    const stage = openConnection();
    record(stage.connection.request({ path: '/' }).pipe(mergeMap(consumers[name])), { log: stage.log, name: 'body' });
    respond(stage, segments);
    expect(stage.log).toEqual(['quiescent', 'body:next', 'body:complete']);
  });

  it.each(['for await', 'readable'])('fires before %s ends', async kind => {
    const stage = openConnection();
    const { values } = stage.request();
    // The head by itself, so that the consumer is there before the body is.
    respond(stage, segments.length === 1 ? [segments[0].slice(0, -1)] : segments.slice(0, -1));
    let text = '';
    const read = async (): Promise<void> => {
      const { body } = values[0];
      for await (const bytes of kind === 'readable' ? body.readable() : body)
        text += String(Buffer.from(bytes as Buffer));
      stage.log.push('body:complete');
    };
    const reading = read();
    await ticks();
    respond(stage, segments.length === 1 ? [segments[0].slice(-1)] : segments.slice(-1));
    await reading;
    expect(text).toBe('12345');
    expect(stage.log.slice(-2)).toEqual(['quiescent', 'body:complete']);
  });
});

describe('quiescent', () => {
  it.each([
    ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
    ['HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ['Content-Length: 0', 'GET', answer('')],
  ])('fires before the response itself, where there is no body: %s', (_name, method, response) => {
    const stage = openConnection();
    stage.request({ method });
    stage.transport.respond(response);
    expect(stage.log).toEqual(['quiescent', 'response:next', 'response:complete']);
  });

  it('fires before the response, where all of the body came with the head', () => {
    const stage = openConnection();
    stage.request();
    stage.transport.respond(answer('hello'));
    expect(stage.log).toEqual(['quiescent', 'response:next', 'response:complete']);
  });

  it('fires at the last byte of a body that nobody has claimed but fits in maxDrain', () => {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond(answer('hello').slice(0, -1));
    expect(stage.log).toEqual(['response:next', 'response:complete']);
    stage.transport.respond('o');
    expect(stage.log.at(-1)).toBe('quiescent');
    // The buffer is replayed later and touches no connection.
    stage.request({ path: '/next' });
    expect(record(values[0].text()).values).toEqual(['hello']);
    expect(stage.state).toBe('waiting');
  });

  it('lets whoever hears it make the next request at once, before the consumer is told', () => {
    const stage = openConnection();
    let asked = false;
    stage.connection.quiescent.subscribe(() => {
      if (asked) return;
      asked = true;
      stage.request({ path: '/second' });
    });
    const first = record(stage.connection.request({ path: '/first' }).pipe(mergeMap(response => response.text())));
    stage.transport.respond(answer('one'));
    expect(first.values).toEqual(['one']);
    expect(stage.state).toBe('waiting');
    stage.transport.respond(answer('two'));
    expect(stage.transport.requests.map(({ path }) => path)).toEqual(['/first', '/second']);
    expect(stage.log.filter(entry => entry === 'quiescent').length).toBe(2);
  });

  it('lets a request in the last value of another go over the same connection, a thousand times', () => {
    const stage = openConnection();
    let count = 0;
    stage.connection.quiescent.subscribe(() => count++);
    const chain = (left: number): Observable<string> =>
      stage.connection.request({ path: `/${left}` }).pipe(
        mergeMap(response => response.text()),
        mergeMap(text => (left === 1 ? of(text) : chain(left - 1))),
      );
    const seen = record(chain(1_000));
    for (let i = 0; i < 1_000; i++) stage.transport.respond(answer(String(i)));
    expect(seen.values).toEqual(['999']);
    expect(count).toBe(1_000);
  });

  it('lets its owner close the connection in it: the consumer has its response all the same', () => {
    const stage = openConnection();
    stage.connection.quiescent.subscribe(() => stage.connection.close());
    const seen = record(stage.connection.request({ path: '/' }).pipe(mergeMap(response => response.text())));
    stage.transport.respond(answer('hello'));
    expect(seen.values).toEqual(['hello']);
    expect(stage.state).toBe('closed');
  });

  it('completes when the connection is lost, and never fires after that', async () => {
    const stage = openConnection();
    let completed = false;
    stage.connection.quiescent.subscribe({ complete: () => (completed = true) });
    stage.request();
    stage.transport.reset();
    await microtasks();
    expect(completed).toBe(true);
    expect(stage.log).not.toContain('quiescent');
  });
});

describe('disconnected', () => {
  it('fires before the error of the request', () => {
    const stage = openConnection();
    stage.request();
    stage.transport.respond('junk\r\n');
    expect(stage.log).toEqual(['disconnected:ParseError', 'response:error']);
  });

  it.each([...Object.entries(consumers), ['for await', null] as const])(
    'fires before the error of the body: %s',
    async (_name, consume) => {
      const stage = openConnection();
      const { values } = stage.request();
      stage.transport.respond(answer('hello').slice(0, -2));
      if (consume !== null) {
        record(consume(values[0]).pipe(tap({ error: () => stage.log.push('failed') })));
      } else {
        const read = async (): Promise<void> => {
          for await (const _bytes of values[0].body);
        };
        read().catch(() => stage.log.push('failed'));
      }
      await microtasks();
      stage.transport.fin();
      await microtasks();
      expect(stage.log.filter(entry => /disconnected:T|failed/.test(entry))).toEqual([
        'disconnected:TruncatedBodyError',
        'failed',
      ]);
    },
  );

  it('emits at once and completes only when the transport is closed', async () => {
    const stage = openConnection();
    stage.connection.close();
    expect(stage.log).toEqual(['disconnected:null']);
    await microtasks();
    expect(stage.transport.isClosed).toBe(true);
    expect(stage.log).toEqual(['disconnected:null', 'disconnected:complete']);
  });

  it('is replayed to whoever comes late', async () => {
    const stage = openConnection();
    stage.request();
    stage.transport.respond('junk\r\n');
    await microtasks();
    const late = record(stage.connection.disconnected);
    expect(late.values.map(error => error?.code)).toEqual(['ERR_PARSE']);
    expect(late.completed).toBe(true);
  });

  it('is null where a complete response ends the connection, and comes before the end of the body', () => {
    for (const header of ['Connection: close', 'connection: TE, Close']) {
      const stage = openConnection();
      record(stage.connection.request({ path: '/' }).pipe(mergeMap(response => response.text())), {
        log: stage.log,
        name: 'body',
      });
      stage.transport.respond(answer('hello', { headers: [header] }));
      expect(stage.log).toEqual(['disconnected:null', 'body:next', 'body:complete']);
    }
  });

  it('lets whoever hears it retry: the connection takes no request any more', () => {
    const stage = openConnection();
    let outcome = '';
    stage.connection.disconnected.subscribe(() => {
      outcome = record(stage.connection.request({ path: '/again' })).outcome;
    });
    stage.request();
    stage.transport.fin();
    expect(outcome).toBe('RequestNotSentError');
  });
});

describe('The last chunk of a body', () => {
  const known = answer('12345');
  const chunked = `${chunkedHead}${chunk('12')}`;
  const deliveriesOfIt: Record<string, readonly string[]> = {
    'of known length': [known.slice(0, -3), known.slice(-3)],
    'in chunks, their end in the same read': [chunked, `${chunk('345')}0\r\n\r\n`],
  };
  const readers: Record<string, (response: ProtocolResponse) => Observable<unknown>> = {
    body: response => response.body,
    'body.pull': response => response.body.pull(bytes => of(bytes)),
  };

  describe.each(Object.entries(deliveriesOfIt))('%s', (_delivery, segments) => {
    it.each(Object.entries(readers))('comes by %s after quiescent, and the others before', (_name, read) => {
      const stage = openConnection();
      const seen = record(stage.connection.request({ path: '/' }).pipe(mergeMap(read)), {
        log: stage.log,
        name: 'body',
      });
      respond(stage, segments);
      expect(stage.log).toEqual(['body:next', 'quiescent', 'body:next', 'body:complete']);
      expect(Buffer.concat(seen.values as Uint8Array[]).toString('latin1')).toBe('12345');
    });
  });

  it('comes after disconnected, if the connection ends with it', () => {
    const stage = openConnection();
    record(stage.connection.request({ path: '/' }).pipe(mergeMap(({ body }) => body)), {
      log: stage.log,
      name: 'body',
    });
    respond(stage, [answer('12345', { headers: ['Connection: close'] })]);
    expect(stage.log[0]).toBe('disconnected:null');
    expect(stage.log.indexOf('body:next')).toBeGreaterThan(0);
  });

  it('comes, though what follows it is no chunk', () => {
    const stage = openConnection();
    const seen = record(stage.connection.request({ path: '/' }).pipe(mergeMap(({ body }) => body)));
    respond(stage, [chunked, `${chunk('345')}no chunk\r\n`]);
    expect(Buffer.concat(seen.values).toString('latin1')).toBe('12345');
    expect(seen.outcome).toBe('ParseError');
  });
});
