import type { LookupAddress, LookupOptions } from 'node:dns';
import { type LookupFunction, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { firstValueFrom, NEVER, race, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { tcp, type Endpoint, type TCPOptions } from '../../src/endpoint/index.js';
import { ConnectTimeoutError, InvalidOptionError } from '../../src/errors/index.js';
import {
  blackhole,
  failure,
  type Loopback,
  rawServer,
  RecordingSink,
  refusedPort,
  resources,
  socketResources,
  turns,
  until,
} from '../loopback/index.js';

type Answer = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

const both: LookupAddress[] = [
  { address: '::1', family: 6 },
  { address: '127.0.0.1', family: 4 },
];

const answering =
  (...answers: Parameters<Answer>): LookupFunction =>
  (_hostname, _options, callback) =>
    callback(...answers);

describe('tcp', () => {
  let server: Loopback;
  const before = socketResources();

  beforeEach(async () => {
    server = await rawServer(socket => socket.resume().on('end', () => socket.end()));
  });

  // Whatever a test does, it leaves no socket behind.
  afterEach(async () => {
    await server.close();
    await until(() => socketResources() === before, 'all sockets to be gone');
  });

  const at = (options: Partial<TCPOptions> = {}): Endpoint => tcp({ host: '127.0.0.1', port: server.port, ...options });

  it('dials on subscribe, once for each, emits one transport and completes', async () => {
    const endpoint$ = at();
    await turns();
    expect(server.connections).toBe(0);
    const seen: string[] = [];
    for (let i = 0; i < 2; i++) {
      endpoint$.subscribe({ next: t => seen.push('next') && t.destroy(), complete: () => seen.push('complete') });
    }
    await until(() => seen.length === 4);
    expect(seen).toEqual(['next', 'complete', 'next', 'complete']);
    await until(() => server.connections === 2);
  });

  it('tells how it was dialled', async () => {
    const transport = await firstValueFrom(at({ host: 'LOCALHOST', family: 4 }));
    expect(transport.info).toMatchObject({
      authority: `localhost:${server.port}`,
      secure: false,
      localAddress: '127.0.0.1',
      remoteAddress: '127.0.0.1',
      remotePort: server.port,
      timings: { dns: expect.any(Number), connect: expect.any(Number) },
    });
    expect(transport.info.timings.tls).toBeUndefined();
    expect(transport.info.authorized).toBeUndefined();
    transport.destroy();
  });

  it('does nothing when unsubscribed after the transport was emitted', async () => {
    const transport = await firstValueFrom(at());
    const sink = RecordingSink.reading(transport);
    await turns(5);
    expect(sink.isClosed).toBe(false);
    transport.destroy();
    await sink.closing();
    await server.quiet();
  });

  it('dials an IPv6 address, with or without brackets', async () => {
    const six = await rawServer(undefined, { host: '::1' });
    for (const host of ['::1', '[::1]']) {
      const transport = await firstValueFrom(tcp({ host, port: six.port }));
      expect(transport.info).toMatchObject({ authority: `[::1]:${six.port}`, remoteAddress: '::1' });
      expect(transport.info.timings.dns).toBeUndefined();
      transport.destroy();
    }
    await six.close();
  });

  it('connects from localAddress', async () => {
    const transport = await firstValueFrom(at({ localAddress: '127.0.0.2' }));
    expect(transport.info.localAddress).toBe('127.0.0.2');
    expect([...server.open].map(({ remoteAddress }) => remoteAddress)).toEqual(['127.0.0.2']);
    transport.destroy();
  });

  it('tells of a reset that comes in one read with the last bytes, which libuv takes for an end', async () => {
    await server.close();
    server = await rawServer(socket => {
      socket.once('data', () => socket.write('x'.repeat(1_000), () => socket.resetAndDestroy()));
    });
    for (let i = 0; i < 20; i++) {
      const transport = await firstValueFrom(at());
      const sink = RecordingSink.reading(transport);
      transport.write('?');
      // Two turns after the end: who waits for them before believing it is safe.
      let believed = false;
      sink.end = () => void turns(2).then(() => (believed = !sink.isClosed));
      await sink.closing();
      expect([believed, sink.log.at(-1)]).toEqual([false, 'closed:ECONNRESET']);
    }
  });

  it('sends small writes at once and probes silent connections, unless told not to', async () => {
    const noDelay = jest.spyOn(Socket.prototype, 'setNoDelay');
    const keepAlive = jest.spyOn(Socket.prototype, 'setKeepAlive');
    (await firstValueFrom(at())).destroy();
    expect(noDelay.mock.calls).toEqual([[true]]);
    expect(keepAlive.mock.calls).toEqual([[true, 60_000]]);
    (await firstValueFrom(at({ keepAlive: 5_000, noDelay: false }))).destroy();
    expect(keepAlive.mock.calls[1]).toEqual([true, 5_000]);
    (await firstValueFrom(at({ keepAlive: false, noDelay: false }))).destroy();
    expect([noDelay.mock.calls.length, keepAlive.mock.calls.length]).toEqual([1, 2]);
    jest.restoreAllMocks();
  });

  it('keeps the process alive until unref(), and again after ref()', async () => {
    const transport = await firstValueFrom(at());
    const held = resources('TCPSocketWrap');
    transport.unref();
    expect(resources('TCPSocketWrap')).toBe(held - 1);
    transport.ref();
    expect(resources('TCPSocketWrap')).toBe(held);
    transport.destroy();
  });

  describe('name lookup', () => {
    it('N5: goes on to IPv4 when IPv6 is refused, with one connection', async () => {
      const transport = await firstValueFrom(at({ host: 'both.test', lookup: answering(null, both) }));
      expect(transport.info).toMatchObject({ authority: `both.test:${server.port}`, remoteAddress: '127.0.0.1' });
      await turns();
      expect(server.connections).toBe(1);
      transport.destroy();
      await until(() => socketResources() === before);
    });

    it('N5: goes on to IPv6 when IPv4 is refused', async () => {
      const six = await rawServer(undefined, { host: '::1' });
      const lookup = answering(null, [...both].reverse());
      const transport = await firstValueFrom(tcp({ host: 'both.test', port: six.port, lookup }));
      expect(transport.info.remoteAddress).toBe('::1');
      expect(six.connections).toBe(1);
      transport.destroy();
      await six.close();
    });

    it('lists all addresses that were tried, and keeps the AggregateError as cause', async () => {
      const port = await refusedPort();
      const error = await failure(tcp({ host: 'both.test', port, lookup: answering(null, both) }));
      expect(error.message).toContain(`both.test:${port}: `);
      expect(error.message).toContain(`ECONNREFUSED ::1:${port}`);
      expect(error.message).toContain(`ECONNREFUSED 127.0.0.1:${port}`);
      expect(error.cause).toMatchObject({
        code: 'ECONNREFUSED',
        errors: [{ address: '::1' }, { address: '127.0.0.1' }],
      });
    });

    it.each<[string, LookupFunction]>([
      ['one address where all are asked for', answering(null, '127.0.0.1', 4)],
      ['no family', answering(null, '127.0.0.1')],
      ['a list where one is asked for', answering(null, both.slice(1))],
      ['a list of strings', answering(null, ['127.0.0.1'] as unknown as LookupAddress[])],
    ])('takes a lookup that answers with %s', async (_what, lookup) => {
      for (const autoSelectFamily of [true, false]) {
        const transport = await firstValueFrom(at({ host: 'one.test', lookup, autoSelectFamily }));
        expect(transport.info.remoteAddress).toBe('127.0.0.1');
        transport.destroy();
      }
    });

    it('asks a lookup for the family', async () => {
      const asked: LookupOptions[] = [];
      const lookup: LookupFunction = (_host, options, callback) => {
        asked.push(options);
        callback(null, '127.0.0.1', 4);
      };
      (await firstValueFrom(at({ host: 'one.test', lookup, family: 4 }))).destroy();
      expect(asked).toMatchObject([{ family: 4 }]);
    });

    it.each<[string, LookupFunction, string]>([
      [
        'N1: ENOTFOUND',
        answering(Object.assign(new Error('not there'), { code: 'ENOTFOUND' }), []),
        'ENOTFOUND: not there',
      ],
      ['N2: an empty list', answering(null, []), 'the lookup of no.test returned no address'],
      ['N2: an empty string', answering(null, ''), 'the lookup of no.test returned no address'],
      ...[5, {}, 'nonsense', [null], [5], [{}], ['nonsense'], [{ address: 'nonsense', family: 4 }]].map(
        (nonsense): [string, LookupFunction, string] => [
          `nonsense: ${JSON.stringify(nonsense)}`,
          answering(null, nonsense as LookupAddress[]),
          'the lookup of no.test returned no address',
        ],
      ),
      [
        'a throw',
        () => {
          throw new Error('broken');
        },
        'broken',
      ],
    ])('fails clearly when the lookup answers with %s', async (_what, lookup, text) => {
      for (const autoSelectFamily of [true, false]) {
        const error = await failure(at({ host: 'no.test', lookup, autoSelectFamily }));
        expect(error.message).toContain(`Could not connect to no.test:${server.port}: `);
        expect(error.message).toContain(text);
      }
    });

    it('ignores a second answer', async () => {
      const lookup: LookupFunction = (_host, _options, callback) => {
        callback(null, '127.0.0.1', 4);
        callback(new Error('again'), '');
      };
      (await firstValueFrom(at({ host: 'one.test', lookup }))).destroy();
    });
  });

  describe('failures', () => {
    it('N3: refused, at once, with code and address', async () => {
      const port = await refusedPort();
      const error = await failure(tcp({ host: '127.0.0.1', port }));
      expect(error).toMatchObject({ code: 'ERR_CONNECT', phase: 'connect', cause: { code: 'ECONNREFUSED' } });
      expect(error.message).toBe(`Could not connect to 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`);
    });

    it('N4: a server that answers no SYN runs into connectTimeout, and its socket is gone', async () => {
      const hole = await blackhole();
      const held = socketResources();
      const started = performance.now();
      const error = await failure(tcp({ host: '127.0.0.1', port: hole.port, connectTimeout: 100 }));
      expect(error).toBeInstanceOf(ConnectTimeoutError);
      expect(performance.now() - started).toBeGreaterThan(95);
      await until(() => socketResources() === held);
      await hole.close();
    });
  });

  describe('connectTimeout', () => {
    const never: LookupFunction = () => undefined;
    let scheduler: TestScheduler;

    beforeEach(() => {
      scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    });

    it('N1: counts over a lookup that never answers, exactly', () => {
      scheduler.run(({ expectObservable }) => {
        const error = new ConnectTimeoutError('never.test:81', 250);
        const endpoint$ = tcp({ host: 'never.test', port: 81, lookup: never, connectTimeout: 250 });
        expectObservable(endpoint$).toBe('250ms #', undefined, error);
      });
    });

    it('is 10 s by default, on the scheduler that is given, and none if Infinity', () => {
      const given = { host: 'never.test', port: 80, lookup: never, scheduler };
      const error = new ConnectTimeoutError('never.test', 10_000);
      scheduler.expectObservable(race(tcp(given), NEVER)).toBe('-'.repeat(1_000) + '#', undefined, error);
      const tooLate$ = race(tcp({ ...given, connectTimeout: Infinity }), timer(50_000, scheduler));
      scheduler.expectObservable(tooLate$).toBe('-'.repeat(5_000) + '(a|)', { a: 0 });
      scheduler.maxFrames = Infinity;
      scheduler.flush();
    });

    it('holds the process by one timer while it dials, and by none after', async () => {
      const timers = resources('Timeout');
      const subscription = at({ host: 'never.test', lookup: never }).subscribe();
      expect(resources('Timeout')).toBe(timers + 1);
      subscription.unsubscribe();
      await until(() => resources('Timeout') === timers);
      const transport = await firstValueFrom(at());
      await until(() => resources('Timeout') === timers);
      transport.destroy();
    });
  });

  describe('unsubscribe before the transport', () => {
    it('in the lookup: its late answer is ignored', async () => {
      let answer: (() => void) | undefined;
      const lookup: LookupFunction = (_host, _options, callback) => {
        answer = () => callback(null, '127.0.0.1', 4);
      };
      const seen: unknown[] = [];
      const subscription = at({ host: 'late.test', lookup }).subscribe({
        next: transport => seen.push(transport),
        error: (error: unknown) => seen.push(error),
      });
      await until(() => answer !== undefined);
      subscription.unsubscribe();
      answer?.();
      await turns(5);
      expect(seen).toEqual([]);
      expect(server.connections).toBe(0);
      expect(socketResources()).toBe(before);
    });

    it('in the lookup: its late error is not unhandled', async () => {
      let answer: (() => void) | undefined;
      const lookup: LookupFunction = (_host, _options, callback) => {
        answer = () => callback(new Error('late'), '');
      };
      const subscription = at({ host: 'late.test', lookup }).subscribe();
      await until(() => answer !== undefined);
      subscription.unsubscribe();
      answer?.();
      await turns(5);
      expect(socketResources()).toBe(before);
    });

    it('in the SYN', async () => {
      const hole = await blackhole();
      const held = socketResources();
      const subscription = tcp({ host: '127.0.0.1', port: hole.port }).subscribe();
      await turns(5);
      expect(socketResources()).toBeGreaterThan(held);
      subscription.unsubscribe();
      await until(() => socketResources() === held);
      await hole.close();
    });

    it('in the same turn as the subscribe, a hundred times', async () => {
      for (let i = 0; i < 100; i++) at().subscribe().unsubscribe();
      await until(() => socketResources() === before);
      await server.quiet();
    });
  });

  describe('options', () => {
    it.each<[string, Record<string, unknown>]>([
      ['host', { host: '' }],
      ['host', { host: 'a b' }],
      ['host', { host: 'a\0.example' }],
      ['host', { host: 'a\n' }],
      ['host', { host: '\u00a0' }],
      ['host', { host: '[::1' }],
      ['host', { host: '[localhost]' }],
      ['host', { host: 'a/b' }],
      ['host', { host: 'user@a' }],
      ['host', { host: 'a:80' }],
      // The mapping of Unicode names stops at what ends the host of a URL, drops line ends, and decodes.
      ['host', { host: 'ä/b' }],
      ['host', { host: 'ä?b' }],
      ['host', { host: 'ä#b' }],
      ['host', { host: 'ä\\b' }],
      ['host', { host: 'ä\n.example' }],
      ['host', { host: 'ä\t.example' }],
      ['host', { host: 'ä%2eb' }],
      ['host', { host: undefined }],
      ['port', { port: 0 }],
      ['port', { port: 65_536 }],
      ['port', { port: '80' }],
      ['port', { port: 1.5 }],
      ['connectTimeout', { connectTimeout: 2 ** 31 }],
      ['connectTimeout', { connectTimeout: -1 }],
      ['connectTimeout', { connectTimeout: NaN }],
      ['autoSelectFamily', { autoSelectFamily: 1 }],
      ['autoSelectFamilyAttemptTimeout', { autoSelectFamilyAttemptTimeout: 5 }],
      ['family', { family: 5 }],
      ['localAddress', { localAddress: 'localhost' }],
      ['lookup', { lookup: 'dns' }],
      ['keepAlive', { keepAlive: 5 }],
      ['noDelay', { noDelay: 'no' }],
    ])('refuses a bad %s: %j', (option, bad) => {
      const options = { host: 'localhost', port: 80, ...bad } as TCPOptions;
      let thrown: unknown;
      try {
        tcp(options);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(InvalidOptionError);
      expect(thrown).toMatchObject({ option, value: bad[option] });
    });

    it('dials an international name by its ASCII form', async () => {
      const names: string[] = [];
      const lookup: LookupFunction = (hostname, _options, callback) => {
        names.push(hostname);
        callback(null, '127.0.0.1', 4);
      };
      const transport = await firstValueFrom(at({ host: 'B\u00fccher.example', lookup }));
      expect(names).toEqual(['xn--bcher-kva.example']);
      expect(transport.info.authority).toBe(`xn--bcher-kva.example:${server.port}`);
      transport.destroy();
    });

    it('takes no notice of a polluted Object.prototype, nor of later changes', async () => {
      const polluted = Object.prototype as Record<string, unknown>;
      const options = { host: '127.0.0.1', port: server.port };
      const endpoint$ = tcp(options);
      options.port = 1;
      try {
        polluted['connectTimeout'] = 0;
        polluted['localAddress'] = '127.0.0.9';
        polluted['path'] = '/nowhere';
        const transport = await firstValueFrom(endpoint$);
        const other = await firstValueFrom(at());
        expect([transport.info.localAddress, other.info.localAddress]).toEqual(['127.0.0.1', '127.0.0.1']);
        transport.destroy();
        other.destroy();
      } finally {
        for (const key of ['connectTimeout', 'localAddress', 'path']) delete polluted[key];
      }
    });
  });
});
