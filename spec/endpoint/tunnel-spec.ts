import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { EMPTY, NEVER, Observable, of, throwError, type Subscriber } from 'rxjs';
import { tls, tunnel, type Endpoint, type Transport, type TunnelOptions } from '../../src/endpoint/index.js';
import { ConnectError, ConnectTimeoutError, InvalidOptionError, ProxyError } from '../../src/errors/index.js';
import { RecordingSink } from '../loopback/index.js';
import { FakeTransport, microtasks, record, ticks, VirtualClock, type Recorded } from '../support/index.js';

const agreed = 'HTTP/1.1 200 Connection established\r\n\r\n';

interface Stage {
  readonly proxy: FakeTransport;
  readonly seen: Recorded<Transport>;
  readonly clock: VirtualClock;
}

/** A tunnel whose proxy is dialled, and was asked. */
function open(options: Partial<TunnelOptions> = {}, proxy = new FakeTransport()): Stage {
  const clock = new VirtualClock();
  const all = { host: 'example.test', port: 443, scheduler: clock, ...options };
  return { proxy, clock, seen: record(tunnel(of(proxy), all)) };
}

/** The one error, after which nothing is left. */
async function failed({ seen, proxy, clock }: Stage): Promise<ProxyError> {
  expect(seen).toMatchObject({ values: [], terminals: 1, completed: false });
  await microtasks();
  expect(proxy.destroyed).toBe(true);
  expect(clock.waiting).toBe(false);
  expect(seen.error).toBeInstanceOf(ConnectError);
  return seen.error as ProxyError;
}

describe('tunnel', () => {
  it('asks for the server by CONNECT, and emits the transport when the proxy agrees', async () => {
    const { proxy, seen, clock } = open({ authorization: 'Basic dTpw', headers: { 'User-Agent': 'x' } });
    expect(proxy.written).toBe(
      'CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\n' +
        'User-Agent: x\r\nProxy-Authorization: Basic dTpw\r\n\r\n',
    );
    expect(seen.values).toEqual([]);
    proxy.respond(agreed);
    expect(seen).toMatchObject({ completed: true, terminals: 1 });
    expect(clock.waiting).toBe(false);
    const [transport] = seen.values;
    expect(transport.info).toMatchObject({ authority: 'example.test:443', secure: false });
    expect(transport.info.timings.tunnel).toBeGreaterThanOrEqual(0);
    const sink = RecordingSink.reading(transport);
    transport.write('ping');
    proxy.respond('pong');
    await microtasks();
    expect(sink.text).toBe('pong');
    expect(proxy.requests).toHaveLength(1);
    expect(proxy.written.endsWith('\r\n\r\nping')).toBe(true);
  });

  it.each([
    ['EXAMPLE.test', 80, 'example.test:80', 'example.test'],
    ['::1', 8443, '[::1]:8443', '[::1]:8443'],
    ['[fe80::1%eth0]', 1, '[fe80::1]:1', '[fe80::1]:1'],
    ['127.0.0.1', 443, '127.0.0.1:443', '127.0.0.1:443'],
  ])('names %s, port %i, as %s', (host, port, target, authority) => {
    const { proxy, seen } = open({ host, port });
    expect(proxy.written).toBe(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
    proxy.respond(agreed);
    expect(seen.values[0].info.authority).toBe(authority);
  });

  it.each([
    agreed,
    'HTTP/1.0 200 OK\r\n\r\n',
    'HTTP/1.1 299 \r\nVia: x\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    // RFC 9110 section 9.3.6: both fields are to be ignored in a 2xx to CONNECT.
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n',
  ])('takes %j, cut at every byte, and gives back what is behind it', async answer => {
    const all = `${answer}hello`;
    for (let cut = 1; cut <= all.length; cut++) {
      const { proxy, seen } = open();
      proxy.respond(all.slice(0, cut));
      if (cut < answer.length) expect(seen.terminals).toBe(0);
      proxy.respond(all.slice(cut));
      const sink = RecordingSink.reading(seen.values[0]);
      await microtasks();
      expect(sink.text).toBe('hello');
    }
    const { proxy, seen } = open();
    proxy.respondOneByOne(all);
    const sink = RecordingSink.reading(seen.values[0]);
    await microtasks();
    expect(sink.text).toBe('hello');
  });

  it('takes an answer from inside the write, and from a proxy that was faster than the question', () => {
    const quick = open({}, new FakeTransport({ onWrite: (_, proxy) => proxy.respond(agreed) }));
    expect(quick.seen.values).toHaveLength(1);
    const early = new FakeTransport();
    early.respond(agreed.slice(0, 20));
    const { seen, proxy } = open({}, early);
    proxy.respond(agreed.slice(20));
    expect(seen.values).toHaveLength(1);
  });

  it('loses nothing that comes before the transport is read', async () => {
    const { proxy, seen } = open();
    proxy.respond(`${agreed}one`);
    proxy.respond('two');
    await microtasks();
    proxy.respond('three');
    const sink = RecordingSink.reading(seen.values[0]);
    proxy.fin();
    await microtasks();
    expect(sink.text).toBe('onetwothree');
    expect(sink.log.at(-1)).toBe('end');
  });

  it('keeps to pause and resume before it is read, and when it is read by another', async () => {
    const { proxy, seen } = open();
    proxy.respond(`${agreed}one`);
    const [transport] = seen.values;
    transport.resume();
    transport.pause();
    const first = RecordingSink.reading(transport);
    await microtasks();
    const second = RecordingSink.reading(transport);
    await microtasks();
    expect(first.text + second.text).toBe('');
    transport.resume();
    await microtasks();
    expect(first.text + second.text).toBe('one');
    expect(second.text).toBe('one');
  });

  it('tells whoever reads late that it was lost', async () => {
    const { proxy, seen } = open();
    proxy.respond(agreed);
    proxy.reset();
    const sink = RecordingSink.reading(seen.values[0]);
    await microtasks();
    expect(sink.log).toEqual(['closed:ECONNRESET']);
  });

  it('is a stream as well, for TLS inside', async () => {
    const { proxy, seen } = open();
    proxy.respond(`${agreed}one`);
    const stream = seen.values[0].toDuplex();
    let heard = '';
    stream.on('data', (bytes: Buffer) => (heard += bytes.toString()));
    await ticks();
    proxy.respond('two');
    await ticks();
    expect(heard).toBe('onetwo');
    stream.destroy();
    await ticks();
    expect(proxy.destroyed).toBe(true);
  });

  describe('fails with ProxyError, and the transport is destroyed, when the proxy', () => {
    it.each<[number, string | undefined, RegExp]>([
      [407, undefined, /with 407 \(it wants credentials\)$/],
      [407, 'Basic dTpw', /with 407 \(it does not accept the credentials\)$/],
      [502, undefined, /^The proxy answered CONNECT example.test:443 with 502$/],
      [403, 'Basic dTpw', /with 403$/],
      [302, undefined, /with 302$/],
      [304, undefined, /with 304$/],
      [500, undefined, /with 500$/],
    ])('answers %i (authorization: %s), at any byte', async (status, authorization, message) => {
      const answer = `HTTP/1.1 ${status} Basic dTpw\r\nContent-Length: 5\r\nLocation: /\r\n\r\nhello`;
      for (let cut = 0; cut < answer.length; cut++) {
        const stage = open({ authorization });
        stage.proxy.respond(answer.slice(0, cut));
        stage.proxy.respond(answer.slice(cut));
        const error = await failed(stage);
        expect(error).toBeInstanceOf(ProxyError);
        expect(error).toMatchObject({ status, code: 'ERR_PROXY', phase: 'connect' });
        expect(error.message).toMatch(message);
        // Not even if the proxy says it aloud.
        expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('dTpw');
      }
    });

    it.each([
      ['speaks another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 'ParseError'],
      ['speaks another version', 'HTTP/2.0 200 OK\r\n\r\n', 'ParseError'],
      ['switches to what nobody asked for', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n', 'ParseError'],
      ['folds a line', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n', 'ParseError'],
      ['ends lines by LF', 'HTTP/1.1 200 OK\n\n', 'ParseError'],
      ['floods the head', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(4_000)}`, 'HeadersOverflowError'],
      ['floods one line', `HTTP/1.1 200 ${'x'.repeat(20_000)}`, 'HeadersOverflowError'],
      ['goes on for ever', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(17), 'HeadersOverflowError'],
    ])('%s', async (_what, answer, cause) => {
      for (const way of ['respond', 'respondOneByOne'] as const) {
        const stage = open();
        stage.proxy[way](answer);
        const error = await failed(stage);
        expect(error).toBeInstanceOf(ProxyError);
        expect(error.status).toBeUndefined();
        expect((error.cause as Error).constructor.name).toBe(cause);
        expect(error.message).toContain('answer to CONNECT example.test:443 is not understood: ');
      }
    });

    it.each(['', 'HTTP/1.1 200 Conn', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 100 Continue\r\n\r\n'])(
      'finishes, closes or resets after %j',
      async begun => {
        for (const end of [
          (proxy: FakeTransport) => proxy.fin(),
          (proxy: FakeTransport) => proxy.destroy(),
          (proxy: FakeTransport) => proxy.reset(),
        ]) {
          const stage = open();
          stage.proxy.respond(begun);
          end(stage.proxy);
          await microtasks();
          const error = await failed(stage);
          expect(error).toBeInstanceOf(ProxyError);
          expect(error.message).toContain('closed the connection before there was one to example.test:443');
        }
      },
    );
  });

  describe('time', () => {
    it.each(['', 'HTTP/1.1 200 Conn', 'HTTP/1.1 100 Continue\r\n\r\n'])(
      'is bounded when the proxy stalls after %j',
      async begun => {
        const stage = open({ connectTimeout: 100 });
        stage.clock.advance(60);
        stage.proxy.respond(begun);
        stage.clock.advance(39);
        expect(stage.seen.terminals).toBe(0);
        stage.clock.advance(1);
        expect(await failed(stage)).toEqual(new ConnectTimeoutError('example.test:443', 100));
      },
    );

    it('counts the dial of the proxy, and is 10 s', () => {
      const clock = new VirtualClock();
      const seen = record(tunnel(NEVER, { host: 'a.test', port: 80, scheduler: clock }));
      clock.advance(9_999);
      expect(seen.terminals).toBe(0);
      clock.advance(1);
      expect(seen.error).toEqual(new ConnectTimeoutError('a.test', 10_000));
    });

    it('is not measured with Infinity', () => {
      const { clock } = open({ connectTimeout: Infinity });
      expect(clock.waiting).toBe(false);
    });
  });

  describe('unsubscribed', () => {
    it('while the proxy is dialled, it aborts that', () => {
      let aborted = 0;
      const proxy$: Endpoint = new Observable(() => () => aborted++);
      record(tunnel(proxy$, { host: 'a.test', port: 1 })).subscription.unsubscribe();
      expect(aborted).toBe(1);
    });

    it.each(['', 'HTTP/1.1 200 Conn', 'HTTP/1.1 100 Continue\r\n\r\n'])(
      'after the question and %j, it destroys the connection at once, and all is quiet',
      async begun => {
        const { proxy, seen, clock } = open();
        proxy.respond(begun);
        seen.subscription.unsubscribe();
        expect(proxy.destroyed).toBe(true);
        expect(clock.waiting).toBe(false);
        proxy.respond(agreed);
        await microtasks();
        expect(seen).toMatchObject({ values: [], terminals: 0 });
      },
    );

    it('after it was emitted, nothing', () => {
      const { proxy, seen } = open();
      proxy.respond(agreed);
      seen.subscription.unsubscribe();
      expect(proxy.destroyed).toBe(false);
    });

    it('from inside the dial, it destroys what comes', async () => {
      const proxy = new FakeTransport();
      let subscriber!: Subscriber<Transport>;
      const proxy$: Endpoint = new Observable(dial => {
        subscriber.unsubscribe();
        dial.next(proxy);
      });
      const tunnel$ = tunnel(proxy$, { host: 'a.test', port: 1 });
      const { values } = record(
        new Observable<Transport>(outer => {
          subscriber = outer;
          return tunnel$.subscribe(outer);
        }),
      );
      await microtasks();
      expect(values).toEqual([]);
      expect(proxy.destroyed).toBe(true);
    });
  });

  describe('the endpoint of the proxy', () => {
    const to = (proxy$: Endpoint): Recorded<Transport> => record(tunnel(proxy$, { host: 'a.test', port: 1 }));

    it('fails: the error comes through', () => {
      const refused = new ConnectError('Could not connect to proxy.test: ECONNREFUSED');
      expect(to(throwError(() => refused)).error).toBe(refused);
      expect(to(throwError(() => new Error('broken'))).error).toMatchObject({
        message: 'Could not connect to a.test:1: broken',
      });
    });

    it('is none, or emits none', () => {
      expect(to(EMPTY).error).toMatchObject({ message: expect.stringContaining('emitted no transport') });
      expect(to(undefined as never).error).toBeInstanceOf(ConnectError);
    });

    it('emits a second one: it is not taken', () => {
      const [one, two] = [new FakeTransport(), new FakeTransport()];
      const { values } = to(of(one, two));
      one.respond(agreed);
      expect(values).toHaveLength(1);
      expect(two.written).toBe('');
    });

    it('may be another tunnel', async () => {
      const proxy = new FakeTransport();
      const { values } = to(tunnel(of(proxy), { host: 'second.test', port: 3128 }));
      proxy.respond(agreed);
      await microtasks();
      expect(values).toEqual([]);
      proxy.respond(`${agreed}hello`);
      expect(proxy.written.match(/CONNECT \S+/g)).toEqual(['CONNECT second.test:3128', 'CONNECT a.test:1']);
      const sink = RecordingSink.reading(values[0]);
      await microtasks();
      expect(sink.text).toBe('hello');
    });
  });

  it('is aborted with the TLS inside', async () => {
    const proxy = new FakeTransport({ onWrite: (bytes, at) => bytes[0] === 0x43 && at.respond(agreed) });
    const over = tunnel(of(proxy), { host: 'example.test', port: 443 });
    const { subscription, values } = record(tls({ host: 'example.test', port: 443, over }));
    await ticks(20);
    expect(proxy.writes.length).toBeGreaterThan(1); // the client's hello
    subscription.unsubscribe();
    await ticks();
    expect(proxy.destroyed).toBe(true);
    expect(values).toEqual([]);
  });

  it.each<[string, object]>([
    ['host', { host: 'a b' }],
    ['host', { host: 'a\r\nEvil: 1' }],
    ['port', { port: 0 }],
    ['authorization', { authorization: 1 }],
    ['connectTimeout', { connectTimeout: -1 }],
  ])('refuses a bad %s', (option, bad) => {
    const make = (): Endpoint => tunnel(EMPTY, { host: 'a', port: 1, ...bad });
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(option);
  });

  it('refuses headers that would be others', () => {
    const make = (headers: Record<string, string>) => () => tunnel(EMPTY, { host: 'a', port: 1, headers });
    expect(make({ 'a b': '' })).toThrow();
    expect(make({ a: 'b\r\nEvil: 1' })).toThrow();
    expect(make({ 'transfer-encoding': 'chunked' })).toThrow();
    expect(() => tunnel(EMPTY, { host: 'a', port: 1, authorization: 'x\r\nEvil: 1' })).toThrow();
  });
});
