import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { map, of, take, tap } from 'rxjs';
import {
  HTTPHeaders,
  InvalidOptionError,
  RecordTooLargeError,
  serverSentEvents,
  text,
  type ProtocolResponse,
  type ServerSentEvent,
  type ServerSentEventsOptions,
} from '../../src/index.js';
import { answer, openConnection, record } from '../support/index.js';
import { cuts, readWith } from './support.js';

const headers = ['Content-Type: text/event-stream'];
const open = (options?: ServerSentEventsOptions) => readWith(serverSentEvents(options), { headers });
const event = (data: string, more: Partial<ServerSentEvent> = {}): ServerSentEvent => ({
  type: 'message',
  data,
  lastEventId: '',
  retry: undefined,
  ...more,
});

describe('serverSentEvents', () => {
  // HTML Standard section 9.2.6, its examples among them.
  const cases: Record<string, readonly [body: string | Buffer, expected: readonly ServerSentEvent[]]> = {
    'three lines of data': ['data: YHOO\ndata: +2\ndata: 10\n\n', [event('YHOO\n+2\n10')]],
    'the stream of the standard': [
      ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n',
      [event('first event', { lastEventId: '1' }), event('second event'), event(' third event')],
    ],
    'empty data': ['data\n\ndata\ndata\n\ndata:', [event(''), event('\n')]],
    'one space less': ['data:test\n\ndata: test\n\n', [event('test'), event('test')]],
    CR: ['data: a\rdata: b\r\rdata: c\r\r', [event('a\nb'), event('c')]],
    CRLF: ['data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n', [event('a\nb'), event('c')]],
    'all kinds of ends': ['data: a\r\ndata: b\n\rdata: c\r\n\ndata: d\n\r\n', [event('a\nb'), event('c'), event('d')]],
    types: [
      'event: add\ndata: 1\n\ndata: 2\n\nevent:x\nevent\ndata: 3\n\n',
      [event('1', { type: 'add' }), event('2'), event('3')],
    ],
    'a type without data, which is not kept': ['event: add\n\ndata: 1\n\n', [event('1')]],
    'ids, which are kept': [
      'id: 1\ndata: a\n\ndata: b\n\nid:\ndata: c\n\n',
      [event('a', { lastEventId: '1' }), event('b', { lastEventId: '1' }), event('c')],
    ],
    'an id without data': ['id: 7\n\ndata: a\n\n', [event('a', { lastEventId: '7' })]],
    'an id with NUL, which is ignored': ['id: 1\nid: 2\0\ndata: a\n\n', [event('a', { lastEventId: '1' })]],
    'retry of digits': ['retry: 100\ndata: a\n\ndata: b\n\n', [event('a', { retry: 100 }), event('b', { retry: 100 })]],
    'retry of anything else': [
      'retry: 1.5\nretry: -1\nretry: 1e3\nretry:\nretry: ٣\nretry:  5\ndata: a\n\n',
      [event('a')],
    ],
    'retry without an event': ['retry: 5\n\ndata: a\n\n', [event('a', { retry: 5 })]],
    comments: [':\n: data: x\n:data\ndata: a\n:\n\n', [event('a')]],
    'unknown fields, and those in capitals': ['DATA: x\nfoo: bar\n data: y\ndatax: z\ndata: a\n\n', [event('a')]],
    'colons in a value': ['data: a: b:c\n\n', [event('a: b:c')]],
    'a byte order mark': ['\ufeffdata: a\n\n', [event('a')]],
    'a second mark, which is a part of the name': ['\ufeff\ufeffdata: a\n\ndata: b\n\n', [event('b')]],
    'UTF-8': ['data: grüße 😀\n\n', [event('grüße 😀')]],
    'what is no UTF-8': [Buffer.from('data: \xff\n\n', 'latin1'), [event('\ufffd')]],
    'an event that is not ended': ['data: a\n\ndata: b\n', [event('a')]],
    nothing: ['', []],
    'empty lines': ['\n\r\n\r\n', []],
  };

  it.each(Object.entries(cases))('reads %s, wherever it is cut', (_name, [body, expected]) => {
    for (const pieces of cuts(Buffer.from(body as string))) {
      const { seen, body: send, end } = open();
      pieces.forEach(send);
      end();
      expect(seen).toMatchObject({ values: expected, completed: true });
    }
  });

  it('reads what was written, whatever it is, however lines end and wherever it is cut', () => {
    const line$ = fc.string({ unit: 'binary', maxLength: 8 }).map(line => line.replace(/[\r\n\0\ufeff]/g, ''));
    const event$ = fc.record({ data: fc.array(line$, { minLength: 1, maxLength: 3 }), type: line$, id: line$ });
    fc.assert(
      fc.property(
        fc.array(event$, { maxLength: 5 }),
        fc.constantFrom('\n', '\r', '\r\n'),
        fc.array(fc.nat(200), { maxLength: 5 }),
        (events, lineEnd, at) => {
          const written = events.map(({ data, type, id }) =>
            [`event: ${type}`, ...data.map(line => `data: ${line}`), `id: ${id}`, '', ''].join(lineEnd),
          );
          const bytes = Buffer.from(written.join(''));
          const { seen, body, end } = open();
          const cut = [0, ...at.map(place => Math.min(place, bytes.length)).sort((a, b) => a - b), bytes.length];
          cut.slice(1).forEach((to, i) => body(bytes.subarray(cut[i], to)));
          end();
          expect(seen.values).toEqual(
            events.map(({ data, type, id }) => event(data.join('\n'), { type: type || 'message', lastEventId: id })),
          );
        },
      ),
    );
  });

  it('emits an event as soon as its empty line is there, with a CR as well', () => {
    const { seen, body } = open();
    body('data: a\r');
    expect(seen.values).toEqual([]);
    body('\r');
    expect(seen.values).toEqual([event('a')]);
    body('\ndata: b\n');
    expect(seen.values).toHaveLength(1);
    body('\n');
    expect(seen.values).toEqual([event('a'), event('b')]);
  });

  it('knows a CRLF with nothing in between', () => {
    const body = of('data: a\r', '', '\ndata: b\n\n').pipe(map(piece => Buffer.from(piece)));
    const made = { status: 200, headers: HTTPHeaders.from({ 'Content-Type': 'text/event-stream' }), body };
    const events$ = of(made as unknown as ProtocolResponse).pipe(serverSentEvents());
    expect(record(events$).values).toEqual([event('a\nb')]);
  });

  it('keeps nothing from one response to the next', () => {
    const responses = [1, 2].map(() => {
      const { request, transport } = openConnection();
      const { values } = request();
      transport.respond(answer('id: 1\nretry: 5\ndata: a\n\n', { headers }));
      return values[0];
    });
    expect(record(of(...responses.slice(0, 1)).pipe(serverSentEvents())).values).toEqual([
      event('a', { lastEventId: '1', retry: 5 }),
    ]);
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond(answer('data: b\n\n', { headers }));
    expect(record(of(responses[1], values[0]).pipe(serverSentEvents())).values[1]).toEqual(event('b'));
  });

  it('stops in the middle of a chunk, and lets the connection go, when its subscriber has enough', () => {
    const told: string[] = [];
    const { seen, body, transport } = readWith(
      source$ =>
        source$.pipe(
          serverSentEvents(),
          tap(({ data }) => told.push(data)),
          take(1),
        ),
      { headers },
    );
    body('data: a\n\ndata: b\n\n');
    expect([seen.completed, told, transport.destroyed]).toEqual([true, ['a'], true]);
  });

  it.each(['text/event-stream', 'Text/Event-Stream;charset=utf-8', ' text/event-stream ; x=y'])('takes %j', type => {
    const { seen, body } = readWith(serverSentEvents(), { headers: [`Content-Type: ${type}`] });
    body('data: a\n\n');
    expect(seen.values).toEqual([event('a')]);
  });

  it.each([['text/html'], ['text/event-streams'], ['application/json; text/event-stream'], [null]])(
    'refuses %j, and leaves the body to be read',
    type => {
      const { seen, body, end } = readWith(serverSentEvents(), {
        headers: type === null ? [] : [`Content-Type: ${type}`],
      });
      expect(seen.error).toMatchObject({ code: 'ERR_CONTENT_TYPE', expected: 'text/event-stream', actual: type });
      const response = (seen.error as { response: ProtocolResponse }).response;
      const rest = record(of(response).pipe(text()));
      body('sorry');
      end();
      expect(rest.values).toEqual(['sorry']);
    },
  );

  it.each(['201 Created', '206 Partial Content', '302 Found', '500 Oops'])('refuses %s', status => {
    const { seen } = readWith(serverSentEvents(), { headers, status });
    expect(seen.error).toMatchObject({ code: 'ERR_STATUS', status: Number(status.slice(0, 3)) });
  });

  it('completes on 204', () => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond('HTTP/1.1 204 No Content\r\n\r\n');
    expect(record(of(values[0]).pipe(serverSentEvents()))).toMatchObject({ values: [], completed: true });
  });

  it('tells a failure of the body, after the events that came', () => {
    const { seen, body, transport } = open();
    body('data: a\n\ndata: b');
    transport.reset();
    expect(seen.values).toEqual([event('a')]);
    expect(seen.outcome).toBe('TruncatedBodyError');
  });

  it.each([
    ['one line', 'data: 12345'],
    ['a whole line', 'data: 12345\n\n'],
    ['lines of data', 'data: 1\ndata: 2\ndata: 3\ndata: 4\ndata: 5\ndata: 6\n'],
    ['a comment', ': 12345678901'],
    ['lines of nothing', 'data\n'.repeat(12)],
  ])('lets the connection go before it tells of an event that is too long: %s', (_name, long) => {
    const { seen, body, log, transport } = open({ maxLength: 10 });
    body('data: a\n\n');
    body(long);
    expect(seen.values).toEqual([event('a')]);
    expect(seen.error).toBeInstanceOf(RecordTooLargeError);
    expect(seen.error).toMatchObject({ limit: 10, record: 2 });
    expect(transport.destroyed).toBe(true);
    expect(log.indexOf('disconnected:AbortedError')).toBeLessThan(log.indexOf('seen:error'));
  });

  it('refuses a maxLength that is none', () => {
    expect(() => serverSentEvents({ maxLength: 0 })).toThrow(InvalidOptionError);
  });
});
