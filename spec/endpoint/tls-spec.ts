import { createServer as createTLSServer, rootCertificates, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { LookupFunction, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EMPTY, firstValueFrom, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { tcp, tls, type Endpoint, type TLSOptions, type Transport } from '../../src/endpoint/index.js';
import { tlsSessions } from '../../src/endpoint/TLSSessions.js';
import { ConnectTimeoutError, InvalidOptionError } from '../../src/errors/index.js';
import {
  ca,
  certificate,
  failure,
  type Loopback,
  rawServer,
  RecordingSink,
  resources,
  socketResources,
  tlsServer,
  turns,
  until,
} from '../loopback/index.js';

const before = socketResources();
let server: Loopback;
const opened: Transport[] = [];

/** Dials, and lets one byte come, so that the session tickets behind the handshake have come as well. */
async function connected(endpoint$: Endpoint): Promise<Transport> {
  const transport = await firstValueFrom(endpoint$);
  opened.push(transport);
  await RecordingSink.reading(transport).received(1);
  return transport;
}

const greet = (socket: TLSSocket): void => void socket.write('!');

const at = (options: Partial<TLSOptions> = {}): Endpoint =>
  tls({ host: 'localhost', family: 4, port: server.port, ca, ...options });

const local: LookupFunction = (_hostname, _options, callback) => callback(null, '127.0.0.1', 4);

// Whatever a test does, it leaves no socket behind.
afterEach(async () => {
  for (const transport of opened.splice(0)) transport.destroy();
  await server.close();
  await until(() => socketResources() === before, 'all sockets to be gone');
});

describe('tls', () => {
  it('is ready after the handshake, and tells how it was dialled', async () => {
    server = await tlsServer(greet, { ALPNProtocols: ['http/1.1'] });
    const { info } = await connected(at());
    expect(info).toMatchObject({
      authority: `localhost:${server.port}`,
      secure: true,
      authorized: true,
      resumed: false,
      alpn: 'http/1.1',
      remoteAddress: '127.0.0.1',
      timings: { dns: expect.any(Number), connect: expect.any(Number), tls: expect.any(Number) },
    });
  });

  it('goes on to the next address when one is refused', async () => {
    server = await tlsServer(greet);
    const lookup: LookupFunction = (_hostname, _options, callback) =>
      callback(null, [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ]);
    for (const resumed of [false, true]) {
      const { info } = await connected(at({ family: 0, lookup }));
      expect(info).toMatchObject({ remoteAddress: '127.0.0.1', authorized: true, resumed });
    }
    expect(server.connections).toBe(2);
  });

  describe('names', () => {
    const seen: unknown[] = [];

    beforeEach(async () => {
      seen.length = 0;
      server = await tlsServer(socket => {
        seen.push((socket as TLSSocket & { servername?: unknown }).servername);
        greet(socket);
      });
    });

    it('sends the host as SNI, lower-case and without its last dot', async () => {
      await connected(at({ host: 'One.TEST.', lookup: local }));
      expect(seen).toEqual(['one.test']);
    });

    it('sends servername instead, and verifies it', async () => {
      await connected(at({ servername: 'TWO.test' }));
      expect(seen).toEqual(['two.test']);
      const error = await failure(at({ servername: 'three.test' }));
      expect(error.cause).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    });

    it.each(['127.0.0.1', '::1'])('sends no SNI for %s, and verifies the address', async host => {
      await server.close();
      server = await tlsServer(
        socket => {
          seen.push((socket as TLSSocket & { servername?: unknown }).servername);
          greet(socket);
        },
        { host },
      );
      const { info } = await connected(at({ host, family: 0 }));
      expect(info.authorized).toBe(true);
      expect(seen).toEqual([false]);
      const other = host === '::1' ? '::2' : '127.0.0.2';
      expect((await failure(at({ host, family: 0, servername: other }))).cause).toMatchObject({
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      });
    });

    it('verifies an IP address as servername, and sends none', async () => {
      await connected(at({ servername: '127.0.0.1' }));
      expect(seen).toEqual([false]);
      const error = await failure(at({ servername: '127.0.0.9' }));
      expect(error.cause).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    });

    it('asks checkServerIdentity about that name, also if it throws', async () => {
      const asked: string[] = [];
      const checkServerIdentity = (name: string, { subject }: PeerCertificate): Error | undefined => {
        asked.push(name, String(subject.CN));
        return undefined;
      };
      await connected(at({ host: 'Nobody.test', lookup: local, checkServerIdentity }));
      expect(asked).toEqual(['nobody.test', 'localhost']);
      const error = await failure(
        at({
          checkServerIdentity: () => {
            throw new Error('not pinned');
          },
        }),
      );
      expect(error.message).toContain('not pinned');
    });
  });

  describe('verification', () => {
    it.each([
      ['T2', 'wrong-host', 'ERR_TLS_CERT_ALTNAME_INVALID'],
      ['T3', 'expired', 'CERT_HAS_EXPIRED'],
      ['T4', 'self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ] as const)('%s: refuses the certificate %s with %s, and writes nothing', async (_id, name, code) => {
      const heard: unknown[] = [];
      server = await tlsServer(
        socket => {
          socket.on('data', bytes => heard.push(bytes)).on('end', () => socket.end());
        },
        { ...certificate(name), allowHalfOpen: false },
      );
      const error = await failure(at());
      expect(error).toMatchObject({ code: 'ERR_CONNECT', cause: { code } });
      expect(error.message).toContain(`localhost:${server.port}`);
      expect(error.message).toContain(code);
      await server.quiet();
      expect(heard).toEqual([]);
    });

    it('refuses a certificate of a CA that is not the pinned one', async () => {
      server = await tlsServer();
      const error = await failure(at({ ca: certificate('self-signed').cert }));
      expect(error.cause).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
      expect(rootCertificates.length).toBeGreaterThan(0);
      expect((await failure(at({ ca: undefined }))).cause).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    });

    it.each([undefined, null, 0, '', 'false', true])('stays on with rejectUnauthorized: %j', async value => {
      server = await tlsServer(undefined, certificate('self-signed'));
      const error = await failure(at({ rejectUnauthorized: value as boolean }));
      expect(error.cause).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    });

    it('is off with rejectUnauthorized: false, and says so', async () => {
      server = await tlsServer(greet, certificate('self-signed'));
      const { info } = await connected(at({ rejectUnauthorized: false }));
      expect(info).toMatchObject({ secure: true, authorized: false });
    });

    it('takes no notice of a polluted Object.prototype or the environment', async () => {
      server = await tlsServer(undefined, certificate('self-signed'));
      const polluted = Object.prototype as Record<string, unknown>;
      jest.replaceProperty(process, 'env', { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' });
      try {
        polluted['rejectUnauthorized'] = false;
        polluted['checkServerIdentity'] = () => undefined;
        polluted['ca'] = certificate('self-signed').cert;
        const error = await failure(tls({ host: '127.0.0.1', port: server.port }));
        expect(error.cause).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
      } finally {
        for (const key of ['rejectUnauthorized', 'checkServerIdentity', 'ca']) delete polluted[key];
        jest.restoreAllMocks();
      }
    });
  });

  describe('client certificates', () => {
    const mutual = { requestCert: true, rejectUnauthorized: true, ca };

    it.each(['TLSv1.2', 'TLSv1.3'] as const)('are sent, %s', async version => {
      const names: unknown[] = [];
      server = await tlsServer(
        socket => {
          names.push(socket.getPeerCertificate().subject.CN);
          greet(socket);
        },
        { ...mutual, maxVersion: version },
      );
      await connected(at(certificate('client')));
      expect(names).toEqual(['test client']);
    });

    it('T5: TLS 1.2 refuses in the handshake, with the code of the alert', async () => {
      server = await tlsServer(undefined, { ...mutual, maxVersion: 'TLSv1.2' });
      const { cause } = await failure(at());
      expect(cause).toMatchObject({ code: expect.stringMatching(/^ERR_SSL_.*_ALERT_HANDSHAKE_FAILURE$/) });
    });

    it('T5: TLS 1.3 refuses after it, and the alert is what the transport is closed with', async () => {
      server = await tlsServer(undefined, mutual);
      const transport = await firstValueFrom(at());
      const sink = RecordingSink.reading(transport);
      await sink.closing();
      expect(sink.log).toEqual(['closed:ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED']);
    });

    it('that cannot be read fail the dial, and the error shows no secret', async () => {
      server = await tlsServer();
      const error = await failure(at({ cert: 'no certificate', key: 'my secret' }));
      expect(error.message).not.toContain('my secret');
      expect(server.connections).toBe(0);
    });
  });

  describe('handshakes that fail', () => {
    it('T6: no common version', async () => {
      server = await tlsServer(undefined, { minVersion: 'TLSv1.3' });
      const error = await failure(at({ maxVersion: 'TLSv1.2' }));
      expect(error.message).toMatch(/EPROTO|ERR_SSL/);
      expect(error.cause).toMatchObject({ code: expect.stringMatching(/EPROTO|ERR_SSL/) });
    });

    it('T7: a server that does not speak TLS', async () => {
      server = await rawServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      expect((await failure(at())).cause).toMatchObject({ code: expect.stringMatching(/EPROTO|ERR_SSL/) });
    });

    it.each<[string, (socket: Socket) => void]>([
      ['T8: FIN', socket => socket.resume().end()],
      ['T9: RST', socket => socket.once('data', () => socket.resetAndDestroy())],
    ])('%s in the handshake', async (_what, act) => {
      server = await rawServer(act);
      expect((await failure(at())).cause).toMatchObject({ code: 'ECONNRESET' });
    });

    it('T10: a stall runs into connectTimeout, and the socket is gone', async () => {
      server = await rawServer(socket => socket.resume().on('end', () => socket.end()));
      expect(await failure(at({ connectTimeout: 60 }))).toBeInstanceOf(ConnectTimeoutError);
      expect(server.connections).toBe(1);
      await server.quiet();
    });

    it('T10: unsubscribing in the handshake destroys the socket, and its timer', async () => {
      server = await rawServer(socket => socket.on('end', () => socket.end()));
      const timers = resources('Timeout');
      const subscription = at().subscribe();
      let hello = false;
      await until(() => server.open.size === 1);
      for (const socket of server.open) socket.once('data', () => (hello = true));
      await until(() => hello);
      subscription.unsubscribe();
      await server.quiet();
      await until(() => resources('Timeout') <= timers);
    });

    it('leave no socket and no session, a thousand times', async () => {
      const size = tlsSessions.size;
      server = await rawServer(socket => socket.resume().end('no TLS'));
      const endpoint$ = at({ host: '127.0.0.1' });
      for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 50 }, () => failure(endpoint$)));
      await server.quiet();
      await until(() => socketResources() === before);
      expect(server.connections).toBe(1_000);
      expect(tlsSessions.size).toBe(size);
    });

    it.each(['TLSv1.2', 'TLSv1.3'] as const)(
      'keep no session of a server that was not verified, %s',
      async maxVersion => {
        const size = tlsSessions.size;
        server = await tlsServer(greet, { ...certificate('expired'), maxVersion });
        await failure(at());
        await turns();
        expect(tlsSessions.size).toBe(size);
      },
    );
  });

  describe('the end', () => {
    it('T11: a close_notify is an end', async () => {
      server = await tlsServer(socket => socket.end('all'));
      const transport = await firstValueFrom(at());
      const sink = RecordingSink.reading(transport);
      await sink.ended();
      transport.end();
      await sink.closing();
      expect(sink.log).toEqual(['data:all', 'end', 'closed']);
    });

    it('T12: so is a FIN without one (Node does not tell them apart)', async () => {
      server = await tlsServer(greet);
      const transport = await firstValueFrom(at());
      const sink = RecordingSink.reading(transport);
      await sink.received(1);
      for (const socket of server.open) socket.end();
      await sink.ended();
      transport.destroy();
    });

    it('T13: a reset is an error', async () => {
      server = await tlsServer(greet);
      const transport = await firstValueFrom(at());
      const sink = RecordingSink.reading(transport);
      await sink.received(1);
      for (const socket of server.open) socket.resetAndDestroy();
      await sink.closing();
      expect(sink.log).toEqual(['data:!', 'closed:ECONNRESET']);
    });

    it('T16: plain HTTP to a TLS port is ended by the server', async () => {
      server = await tlsServer();
      const transport = await firstValueFrom(tcp({ host: '127.0.0.1', port: server.port }));
      const sink = RecordingSink.reading(transport);
      transport.write('GET / HTTP/1.1\r\n\r\n');
      await until(() => sink.log.includes('end') || sink.isClosed);
      expect(sink.text).not.toContain('HTTP');
      transport.destroy();
    });
  });

  describe('sessions', () => {
    it.each(['TLSv1.2', 'TLSv1.3'] as const)('are resumed by the same identity, %s', async maxVersion => {
      server = await tlsServer(greet, { maxVersion });
      const endpoint$ = at();
      expect((await connected(endpoint$)).info.resumed).toBe(false);
      expect((await connected(endpoint$)).info).toMatchObject({ resumed: true, authorized: true });
      // Another endpoint with equal options shares them.
      expect((await connected(at())).info.resumed).toBe(true);
    });

    it.each<[string, Partial<TLSOptions>]>([
      ['host', { host: 'one.test', lookup: local }],
      ['servername', { servername: 'two.test' }],
      ['ca', { ca: [ca] }],
      ['cert', certificate('client')],
      ['rejectUnauthorized', { rejectUnauthorized: false }],
      ['ciphers', { ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384' }],
      ['minVersion', { minVersion: 'TLSv1.3' }],
      ['ALPNProtocols', { ALPNProtocols: ['http/1.0', 'http/1.1'] }],
      ['checkServerIdentity', { checkServerIdentity: () => undefined }],
    ])('are not resumed by another %s (CVE-2026-48930)', async (_option, other) => {
      server = await tlsServer(greet);
      expect((await connected(at())).info.resumed).toBe(false);
      expect((await connected(at(other))).info.resumed).toBe(false);
      // Positive control: each of the two has its own by now.
      expect((await connected(at())).info.resumed).toBe(true);
      expect((await connected(at(other))).info.resumed).toBe(true);
    });

    it('made without verification do not open the door to a verified dial', async () => {
      server = await tlsServer(greet, certificate('self-signed'));
      const off = { rejectUnauthorized: false };
      await connected(at(off));
      expect((await connected(at(off))).info).toMatchObject({ resumed: true, authorized: false });
      expect((await failure(at())).cause).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    });

    it('are not kept with sessionCache: false', async () => {
      server = await tlsServer(greet);
      const endpoint$ = at({ sessionCache: false });
      await connected(endpoint$);
      expect((await connected(endpoint$)).info.resumed).toBe(false);
    });
  });

  describe('over', () => {
    const inside = (options: Partial<TLSOptions> = {}): Endpoint =>
      at({ over: tcp({ host: '127.0.0.1', port: server.port }), ...options });

    it('speaks TLS inside another transport, and resumes sessions', async () => {
      server = await tlsServer(socket => socket.on('data', bytes => socket.write(bytes)));
      for (const resumed of [false, true]) {
        const transport = await firstValueFrom(inside());
        opened.push(transport);
        expect(transport.info).toMatchObject({
          authority: `localhost:${server.port}`,
          secure: true,
          authorized: true,
          resumed,
          remoteAddress: '127.0.0.1',
          timings: { connect: expect.any(Number), tls: expect.any(Number) },
        });
        const sink = RecordingSink.reading(transport);
        transport.write('x'.repeat(300_000));
        await sink.received(300_000);
      }
    });

    it('speaks TLS inside TLS', async () => {
      const pipe = (plain: Socket): void => {
        const inner = createTLSServer({ ...certificate('server') }, greet);
        inner.emit('connection', plain);
      };
      server = await tlsServer(pipe);
      const { info } = await connected(at({ servername: 'one.test', over: at() }));
      expect(info).toMatchObject({ secure: true, authorized: true });
    });

    it('verifies', async () => {
      server = await tlsServer(undefined, { ...certificate('wrong-host'), allowHalfOpen: false });
      expect((await failure(inside())).cause).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
      await server.quiet();
    });

    it.each<[string, (socket: Socket) => void]>([
      ['FIN', socket => socket.resume().end()],
      ['RST', socket => socket.once('data', () => socket.resetAndDestroy())],
    ])('fails on %s in the handshake', async (_what, act) => {
      server = await rawServer(act);
      expect((await failure(inside())).message).toMatch(/ECONNRESET|closed/);
    });

    it('counts the other dial and the handshake against one deadline', async () => {
      server = await rawServer(socket => socket.resume().on('end', () => socket.end()));
      expect(await failure(inside({ connectTimeout: 80 }))).toBeInstanceOf(ConnectTimeoutError);
      await server.quiet();
    });

    it('is aborted in either phase', async () => {
      server = await rawServer(socket => socket.resume().on('end', () => socket.end()));
      inside().subscribe().unsubscribe();
      const subscription = inside().subscribe();
      await until(() => server.open.size === 1);
      await turns(10);
      subscription.unsubscribe();
      await server.quiet();
    });

    it('passes the failure of the other endpoint on', async () => {
      server = await rawServer();
      const broken = new Error('broken');
      expect((await failure(inside({ over: throwError(() => broken) }))).cause).toBe(broken);
      expect((await failure(inside({ over: EMPTY }))).message).toContain('emitted no transport');
    });
  });

  it('counts a lookup that never answers against connectTimeout, in virtual time', async () => {
    server = await rawServer();
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    scheduler.run(({ expectObservable }) => {
      const endpoint$ = tls({ host: 'never.test', port: 443, lookup: () => undefined });
      expectObservable(endpoint$).toBe('10s #', undefined, new ConnectTimeoutError('never.test', 10_000));
    });
  });

  it.each<[string, Partial<Record<keyof TLSOptions, unknown>>]>([
    ['host', { host: '' }],
    ['servername', { servername: 'a\0b' }],
    ['servername', { servername: '' }],
    ['ALPNProtocols', { ALPNProtocols: 'http/1.1' }],
    ['ALPNProtocols', { ALPNProtocols: [''] }],
    ['checkServerIdentity', { checkServerIdentity: true }],
    ['sessionCache', { sessionCache: 1 }],
  ])('refuses a bad %s', async (option, bad) => {
    server = await rawServer();
    const make = (): Endpoint => tls({ host: 'localhost', port: 443, ...(bad as Partial<TLSOptions>) });
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(option);
  });
});
