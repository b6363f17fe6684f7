import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { NEVER, take } from 'rxjs';
import {
  eventSource,
  InvalidOptionError,
  type EventSourceOptions,
  type HTTPInterceptor,
  type ServerSentEvent,
} from '../../src/index.js';
import { answer, chunk, openAgent, record, type AgentStage, type Recorded } from '../support/index.js';

const url = 'http://example.test/events';
const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const last = '0\r\n\r\n';

describe('eventSource', () => {
  let stage: AgentStage;

  beforeEach(() => {
    stage = openAgent();
  });

  /** Without jitter, so that times are exact. */
  function listen(options: EventSourceOptions = {}): Recorded<ServerSentEvent> {
    return record(eventSource(stage.agent, url, { jitter: 0, scheduler: stage.clock, ...options }));
  }

  /** The requests of all connections, in order of connections. */
  const requests = () => stage.transports.flatMap(transport => transport.requests);
  const header = (request: number, name: string): string | undefined =>
    requests()[request].headers.find(([field]) => field === name)?.[1];
  const latest = () => stage.transports.at(-1)!;
  const data = (seen: Recorded<ServerSentEvent>): string[] => seen.values.map(event => event.data);

  /** Advances to just before `ms` from now, where there must have been no new request, and then to it. */
  function expectRequestAfter(ms: number): void {
    const before = requests().length;
    if (ms > 0) stage.clock.advance(ms - 1);
    expect(requests()).toHaveLength(before);
    stage.clock.advance(1);
    expect(requests()).toHaveLength(before + 1);
  }

  it('is cold, and asks for an event stream', () => {
    const source$ = eventSource(stage.agent, url, { headers: { 'X-Mine': '1' }, query: { a: 1 } });
    expect(requests()).toEqual([]);
    record(source$);
    record(source$);
    expect(requests()).toHaveLength(2);
    expect(requests()[0]).toMatchObject({ method: 'GET', path: '/events?a=1' });
    const sent = ['accept', 'cache-control', 'x-mine', 'last-event-id'].map(name => header(0, name));
    expect(sent).toEqual(['text/event-stream', 'no-store', '1', undefined]);
  });

  it('connects again 3 s after the end, where the last event was', () => {
    const seen = listen();
    latest().respond(head + chunk('id: 7\ndata: a\n\n') + last);
    expect(data(seen)).toEqual(['a']);
    expectRequestAfter(3_000);
    expect(header(1, 'last-event-id')).toBe('7');
    latest().respond(head + chunk('data: b\n\n') + last);
    expectRequestAfter(3_000);
    expect(header(2, 'last-event-id')).toBe('7');
    expect(seen.values[1]).toMatchObject({ data: 'b', lastEventId: '7' });
    expect(seen.terminals).toBe(0);
  });

  it('connects again after as long as the server says, also without an event', () => {
    listen();
    latest().respond(head + chunk('retry: 500\n\n') + last);
    expectRequestAfter(500);
    latest().respond(head + last);
    expectRequestAfter(500);
  });

  it('leaves a server that asks for no pause at all 100 ms of it', () => {
    listen();
    latest().respond(head + chunk('retry: 0\n\n') + last);
    expectRequestAfter(100);
  });

  it('waits for as long as a timer can, if a server asks for more', () => {
    listen();
    latest().respond(head + chunk(`retry: ${'9'.repeat(400)}\n\n`) + last);
    expectRequestAfter(2 ** 31 - 1);
  });

  it('goes on where an earlier source was', () => {
    listen({ lastEventId: 'ä€' });
    // Ids are UTF-8; the wire is read as latin1 here.
    expect(header(0, 'last-event-id')).toBe(Buffer.from('ä€').toString('latin1'));
  });

  it('does not send an id that no header can hold, and goes on', () => {
    listen();
    latest().respond(head + chunk('id: a\x01b\ndata: x\n\n') + last);
    expectRequestAfter(3_000);
    expect(header(1, 'last-event-id')).toBeUndefined();
  });

  it('doubles the pause with each failure up to a limit, and begins anew after an event', () => {
    const seen = listen({ maxReconnectDelay: 20_000 });
    for (const pause of [3_000, 6_000, 12_000, 20_000, 20_000]) {
      latest().reset();
      expectRequestAfter(pause);
    }
    latest().respond(head + chunk('data: a\n\n'));
    latest().reset();
    expectRequestAfter(3_000);
    latest().reset();
    expectRequestAfter(6_000);
    expect([data(seen), seen.terminals]).toEqual([['a'], 0]);
  });

  it('never waits less after a failure than the server asked for', () => {
    listen({ maxReconnectDelay: 1_000 });
    latest().respond(head + chunk('retry: 5000\n\n'));
    latest().reset();
    expectRequestAfter(5_000);
  });

  it('makes every pause longer by up to the jitter', () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.5);
    try {
      listen({ jitter: 0.5 });
      latest().respond(head + last);
      expectRequestAfter(3_750);
      latest().respond(answer('busy', { status: '503 Busy' }));
      expectRequestAfter(3_750);
    } finally {
      random.mockRestore();
    }
  });

  it('tells the last failure after maxFailures of them', () => {
    const seen = listen({ maxFailures: 2, reconnectDelay: 0 });
    for (let i = 0; i < 3; i++) {
      expect(seen.terminals).toBe(0);
      latest().reset();
      stage.clock.advance(1);
    }
    expect(seen.outcome).toBe('ResponseNeverReceivedError');
    stage.clock.advance(100_000);
    expect(requests()).toHaveLength(3);
    expect(stage.clock.waiting).toBe(false);
  });

  it('bears failures for ever with Infinity, without a delay as well', () => {
    const seen = listen({ maxFailures: Infinity, reconnectDelay: 0 });
    for (let i = 0; i < 1_200; i++) {
      latest().reset();
      stage.clock.advance(1);
    }
    expect([requests().length, seen.terminals]).toEqual([1_201, 0]);
  });

  it.each(['408 Request Timeout', '429 Too Many Requests', '500 Oops', '503 Busy'])('tries again after %s', status => {
    const seen = listen();
    latest().respond(answer('busy', { status }));
    expectRequestAfter(3_000);
    latest().respond(answer('data: a\n\n', { headers: ['Content-Type: text/event-stream'] }));
    expect(data(seen)).toEqual(['a']);
  });

  it('does not hold the connection of a status that it tries again after', () => {
    listen();
    latest().respond('HTTP/1.1 503 Busy\r\nContent-Length: 1000000\r\n\r\n');
    expect(stage.transports[0].destroyed).toBe(true);
    expect(stage.agent.pool.stats()).toMatchObject({ leased: 0 });
  });

  it.each([
    ['a status that will stay', answer('no', { status: '404 Not Found' }), 'HTTPStatusError'],
    ['another type', answer('<p>', { headers: ['Content-Type: text/html'] }), 'ContentTypeError'],
    ['too long an event', head + chunk(`data: ${'x'.repeat(50)}`), 'RecordTooLargeError'],
  ])('tells of %s at once', (_name, response, expected) => {
    const seen = listen({ maxLength: 20 });
    latest().respond(response);
    expect(seen.outcome).toBe(expected);
    expect(seen.error).toMatchObject({ request: { method: 'GET', url } });
    stage.clock.advance(100_000);
    expect(requests()).toHaveLength(1);
  });

  it('completes on 204', () => {
    const seen = listen();
    latest().respond(head + last);
    expectRequestAfter(3_000);
    latest().respond('HTTP/1.1 204 No Content\r\n\r\n');
    expect(seen).toMatchObject({ completed: true, terminals: 1 });
    expect(stage.agent.pool.stats()).toMatchObject({ leased: 0 });
    stage.clock.advance(100_000);
    expect(requests()).toHaveLength(2);
  });

  it('connects again to a stream that is silent for bodyIdle', () => {
    listen({ timeouts: { bodyIdle: 1_000 } });
    latest().respond(head + chunk('data: a\n\n'));
    stage.clock.advance(1_100);
    expect(stage.transports[0].destroyed).toBe(true);
    stage.clock.advance(3_000);
    expect(requests()).toHaveLength(2);
  });

  describe('that is unsubscribed from', () => {
    const nothingLeft = (): void => {
      expect(stage.agent.pool.stats()).toMatchObject({ leased: 0, connecting: 0, pending: 0 });
      const count = requests().length;
      stage.clock.advance(1_000_000);
      expect(requests()).toHaveLength(count);
      expect(stage.clock.waiting).toBe(false);
    };

    it('ends the dial', () => {
      let dials = 0;
      const { agent, clock } = openAgent({
        endpoint: () => NEVER,
        interceptors: [(request, next) => (dials++, next(request))] as HTTPInterceptor[],
      });
      const { subscription } = record(eventSource(agent, url, { scheduler: clock }));
      expect(agent.pool.stats()).toMatchObject({ connecting: 1 });
      subscription.unsubscribe();
      expect(agent.pool.stats()).toMatchObject({ connecting: 0, pending: 0 });
      clock.advance(1_000_000);
      expect(dials).toBe(1);
    });

    it('ends the wait for a response', () => {
      listen().subscription.unsubscribe();
      expect(latest().destroyed).toBe(true);
      nothingLeft();
    });

    it('ends the stream', () => {
      const { subscription } = listen();
      latest().respond(head + chunk('data: a\n\n'));
      subscription.unsubscribe();
      expect(latest().destroyed).toBe(true);
      nothingLeft();
    });

    it('ends the stream from inside an event', () => {
      record(eventSource(stage.agent, url, { scheduler: stage.clock }).pipe(take(1)));
      latest().respond(head + chunk('data: a\n\ndata: b\n\n'));
      expect(latest().destroyed).toBe(true);
      nothingLeft();
    });

    it.each(['an end', 'a failure'])('ends the pause after %s', what => {
      const { subscription } = listen();
      if (what === 'an end') latest().respond(head + last);
      else latest().reset();
      expect(stage.clock.waiting).toBe(true);
      subscription.unsubscribe();
      nothingLeft();
    });
  });

  it.each(['connects', 'reads', 'waits'])(
    'ends with AbortedError, once, when its signal is aborted while it %s',
    when => {
      const controller = new AbortController();
      const seen = listen({ signal: controller.signal });
      if (when !== 'connects') latest().respond(head + chunk('data: a\n\n'));
      if (when === 'waits') latest().respond(last);
      controller.abort(new Error('enough'));
      expect(seen.error).toMatchObject({ code: 'ERR_ABORTED', cause: { message: 'enough' } });
      expect(seen).toMatchObject({ terminals: 1 });
      stage.clock.advance(100_000);
      expect(requests()).toHaveLength(1);
      expect(stage.clock.waiting).toBe(false);
    },
  );

  it('reads its options once', () => {
    const options = { jitter: 0, scheduler: stage.clock, headers: { a: '1' } as Record<string, string> };
    record(eventSource(stage.agent, url, options));
    options.headers.a = '2';
    options.headers = {};
    latest().respond(head + last);
    stage.clock.advance(3_000);
    expect(header(1, 'a')).toBe('1');
  });

  it('tells an invalid header as an error, like any request', () => {
    expect(listen({ headers: { 'no name': 'x' } }).outcome).toBe('InvalidRequestError');
  });

  it.each<[string, object]>([
    ['reconnectDelay', { reconnectDelay: Infinity }],
    ['maxReconnectDelay', { maxReconnectDelay: -1 }],
    ['jitter', { jitter: 2 }],
    ['maxFailures', { maxFailures: 1.5 }],
    ['maxLength', { maxLength: 0 }],
  ])('refuses %s of %j', (option, options) => {
    const make = (): unknown => eventSource(stage.agent, url, options);
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(new RegExp(`^${option} must be`));
  });
});
