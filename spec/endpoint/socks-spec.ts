import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom, NEVER, Observable, of } from 'rxjs';
import { socks, tcp, type Endpoint, type SocksOptions, type Transport } from '../../src/endpoint/index.js';
import { ConnectTimeoutError, InvalidOptionError, ProxyError } from '../../src/errors/index.js';
import { failure, rawServer, RecordingSink, SocksServer, turns, type Loopback } from '../loopback/index.js';
import { FakeTransport, record, ticks, VirtualClock, type Recorded } from '../support/index.js';

const noAuth = Buffer.of(5, 0);
const granted = Buffer.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 80);
const hello = Buffer.from('hello');

/** A handshake by a proxy in memory, answered as it asks: the bytes of each step, cut at will. */
function open(
  steps: readonly Uint8Array[] = [],
  { oneByOne = false, ...options }: Partial<SocksOptions> & { readonly oneByOne?: boolean } = {},
): { readonly proxy: FakeTransport; readonly seen: Recorded<Transport>; readonly clock: VirtualClock } {
  const left = [...steps];
  const clock = new VirtualClock();
  const proxy = new FakeTransport({
    onWrite: () => {
      const step = left.shift();
      if (step !== undefined) proxy[oneByOne ? 'respondOneByOne' : 'respond'](step);
    },
  });
  const all = { host: 'example.test', port: 80, scheduler: clock, ...options };
  return { proxy, clock, seen: record(socks(of(proxy), all)) };
}

/** The package is loaded, and its promises are kept. */
const settled = (): Promise<void> => turns(10);

describe('socks', () => {
  it.each([true, false])('has the handshake, and loses no byte behind it (one by one: %s)', async oneByOne => {
    const { proxy, seen, clock } = open([noAuth, Buffer.concat([granted, hello])], { oneByOne });
    await settled();
    expect(Buffer.concat(proxy.writes).toString('latin1')).toBe('\x05\x01\x00\x05\x01\x00\x03\x0cexample.test\x00\x50');
    expect(seen).toMatchObject({ completed: true, terminals: 1, error: undefined });
    expect(clock.waiting).toBe(false);
    const [transport] = seen.values;
    expect(transport.info).toMatchObject({ authority: 'example.test', secure: false });
    const sink = RecordingSink.reading(transport);
    proxy.respond(' world');
    await settled();
    expect(sink.text).toBe('hello world');
    transport.destroy();
  });

  it.each<[string, string, Buffer]>([
    ['a name', 'EXAMPLE.test', Buffer.from('\x03\x0cexample.test')],
    ['an IPv4 address', '127.0.0.1', Buffer.of(1, 127, 0, 0, 1)],
    ['an IPv6 address', '[::1]', Buffer.concat([Buffer.of(4), Buffer.alloc(15), Buffer.of(1)])],
  ])('asks for %s as such', async (_what, host, written) => {
    const { proxy, seen } = open([noAuth, granted], { host });
    await settled();
    expect(proxy.writes[1].subarray(3, -2)).toEqual(written);
    expect(seen.values).toHaveLength(1);
  });

  it('says who asks, if it is asked', async () => {
    const { proxy, seen } = open([Buffer.of(5, 2), Buffer.of(1, 0), granted], { username: 'ü', password: 'p:w' });
    await settled();
    expect(proxy.writes[0]).toEqual(Buffer.of(5, 2, 0, 2));
    expect(proxy.writes[1]).toEqual(Buffer.from('\x01\x02ü\x03p:w'));
    expect(seen.values).toHaveLength(1);
  });

  describe('fails with ProxyError, and the transport is destroyed, when the proxy', () => {
    it.each<[string, readonly Uint8Array[], RegExp]>([
      ['accepts no method', [Buffer.of(5, 255)], /example\.test: .*Authentication/i],
      ['does not accept the credentials', [Buffer.of(5, 2), Buffer.of(1, 1)], /Authentication/i],
      ['speaks SOCKS 4', [Buffer.of(4, 0)], /version/i],
      ['speaks HTTP', [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')], /version/i],
      ['refuses', [noAuth, Buffer.of(5, 2, 0, 1, 0, 0, 0, 0, 0, 0)], /NotAllowed/],
      ['cannot reach the host', [noAuth, Buffer.of(5, 4, 0, 1, 0, 0, 0, 0, 0, 0)], /HostUnreachable/],
      ['answers nonsense', [noAuth, Buffer.of(9, 9, 9, 9, 9, 9)], /rejected/],
      ['says more than it is asked', [Buffer.of(5, 2), Buffer.of(1, 0, 1, 1, 1, 1)], /./],
    ])('%s', async (_what, steps, message) => {
      for (const oneByOne of [true, false]) {
        const stage = open(steps, { oneByOne, username: 'alice', password: 'hunter2' });
        await settled();
        const { seen, proxy, clock } = stage;
        expect(seen).toMatchObject({ values: [], terminals: 1 });
        expect(seen.error).toBeInstanceOf(ProxyError);
        expect((seen.error as Error).message).toMatch(message);
        expect(inspect(seen.error, { depth: Infinity, showHidden: true })).not.toMatch(/hunter2|alice/);
        expect(proxy.destroyed).toBe(true);
        expect(clock.waiting).toBe(false);
      }
    });

    it.each<[string, readonly Uint8Array[]]>([
      ['at once', []],
      ['in the first answer', [Buffer.of(5)]],
      ['after the method', [noAuth]],
      ['in the last answer', [noAuth, granted.subarray(0, 7)]],
    ])('finishes, closes or resets, %s', async (_when, steps) => {
      for (const end of ['fin', 'destroy', 'reset'] as const) {
        const { proxy, seen } = open(steps);
        await settled();
        proxy[end]();
        await settled();
        expect(seen.error).toBeInstanceOf(ProxyError);
        expect(seen.terminals).toBe(1);
        expect(proxy.destroyed).toBe(true);
      }
    });
  });

  it('is bounded, over the dial and the handshake', async () => {
    const { proxy, seen, clock } = open([noAuth], { connectTimeout: 100 });
    await settled();
    clock.advance(99);
    expect(seen.terminals).toBe(0);
    clock.advance(1);
    expect(seen.error).toEqual(new ConnectTimeoutError('example.test', 100));
    expect(proxy.destroyed).toBe(true);
    const dialling = record(socks(NEVER, { host: 'a.test', port: 1080, scheduler: clock }));
    await settled();
    clock.advance(10_000);
    expect(dialling.error).toEqual(new ConnectTimeoutError('a.test:1080', 10_000));
  });

  it.each<[string, readonly Uint8Array[]]>([
    ['the first question', []],
    ['half an answer', [Buffer.of(5)]],
    ['the credentials', [Buffer.of(5, 2)]],
    ['the last question', [noAuth]],
    ['half of the last answer', [noAuth, granted.subarray(0, 5)]],
  ])('is aborted after %s, and all is quiet', async (_what, steps) => {
    const { proxy, seen, clock } = open(steps, { username: 'u' });
    await settled();
    seen.subscription.unsubscribe();
    expect(proxy.destroyed).toBe(true);
    expect(clock.waiting).toBe(false);
    proxy.respond(granted);
    await settled();
    expect(seen).toMatchObject({ values: [], terminals: 0 });
  });

  it('is aborted before the package is loaded, and while the proxy is dialled', async () => {
    let dials = 0;
    let aborts = 0;
    const proxy$: Endpoint = new Observable(() => {
      dials++;
      return () => aborts++;
    });
    record(socks(proxy$, { host: 'a.test', port: 1 })).subscription.unsubscribe();
    await settled();
    expect(dials).toBe(0);
    const { subscription } = record(socks(proxy$, { host: 'a.test', port: 1 }));
    await settled();
    subscription.unsubscribe();
    expect([dials, aborts]).toEqual([1, 1]);
  });

  it('holds up a server that speaks first until it is read', async () => {
    const { proxy, seen } = open([noAuth, granted]);
    await settled();
    proxy.respond('220 ');
    await settled();
    proxy.respond('hello');
    const stream = seen.values[0].toDuplex();
    let heard = '';
    stream.on('data', (bytes: Buffer) => (heard += bytes.toString()));
    await ticks();
    expect(heard).toBe('220 hello');
    stream.destroy();
  });

  it.each<[string, object]>([
    ['host', { host: '' }],
    ['port', { port: 65_536 }],
    ['username', { username: 'x'.repeat(256) }],
    ['password', { password: 1 }],
    ['connectTimeout', { connectTimeout: NaN }],
  ])('refuses a bad %s', (option, bad) => {
    const make = (): Endpoint => socks(NEVER, { host: 'a', port: 1, ...bad });
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(option);
  });

  describe('with a real proxy', () => {
    let server: Loopback;
    let proxy: SocksServer;

    beforeEach(async () => {
      server = await rawServer(socket => socket.write('!') && socket.pipe(socket));
      proxy = await SocksServer.start('al ice:p@ss');
    });

    afterEach(async () => {
      await proxy.close();
      await server.close();
    });

    const at = (options: Partial<SocksOptions> = {}): Endpoint =>
      socks(tcp({ host: '127.0.0.1', port: proxy.server.port }), {
        ...{ host: 'one.test', port: server.port, username: 'al ice', password: 'p@ss' },
        ...options,
      });

    it('carries bytes both ways, and the proxy looks up the name', async () => {
      const transport = await firstValueFrom(at());
      const sink = RecordingSink.reading(transport);
      transport.write('x'.repeat(300_000));
      await sink.received(300_001);
      expect(proxy.seen).toEqual(['al ice:p@ss', `one.test:${server.port}`]);
      expect(transport.info).toMatchObject({ remotePort: proxy.server.port, timings: { tunnel: expect.any(Number) } });
      transport.destroy();
      await server.quiet();
    });

    it('says why it does not', async () => {
      expect((await failure(at({ password: 'wrong' }))).message).toMatch(/Authentication/);
      expect((await failure(at({ username: undefined, password: undefined }))).message).toMatch(/auth/i);
      await server.close();
      expect((await failure(at())).message).toMatch(/ConnectionRefused/);
      await proxy.server.quiet();
    });
  });
});
