import { connect, type LookupFunction } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { connect as connectTLS } from 'node:tls';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { duplex, type DuplexOptions } from '../../src/endpoint/index.js';
import { ConnectTimeoutError, InvalidOptionError } from '../../src/errors/index.js';
import {
  ca,
  failure,
  type Loopback,
  rawServer,
  RecordingSink,
  refusedPort,
  tlsServer,
  turns,
} from '../loopback/index.js';

describe('duplex', () => {
  let server: Loopback | undefined;

  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  it('is ready at once, makes a stream for each dial, and has an authority', async () => {
    let made = 0;
    const endpoint$ = duplex(() => {
      made++;
      return new PassThrough();
    });
    expect(made).toBe(0);
    const infos: object[] = [];
    endpoint$.subscribe(({ info }) => infos.push(info));
    endpoint$.subscribe(({ info }) => infos.push(info));
    expect(made).toBe(2);
    expect(infos).toMatchObject(Array(2).fill({ authority: 'localhost', secure: false, timings: {} }));
    const other = await firstValueFrom(duplex(() => new PassThrough(), { authority: 'db.test:81' }));
    expect(other.info.authority).toBe('db.test:81');
  });

  it('carries bytes and ends', async () => {
    const transport = await firstValueFrom(duplex(() => new PassThrough()));
    const sink = RecordingSink.reading(transport);
    transport.write('\u00e4b');
    transport.write(Buffer.from('c'));
    await sink.received(3);
    transport.end();
    await sink.closing();
    expect(sink.log.slice(-2)).toEqual(['end', 'closed']);
    expect(sink.text).toBe('\u00e4bc');
  });

  it('takes a stream that emits strings, or its data synchronously from a write', async () => {
    const echo = new Duplex({
      encoding: 'utf8',
      read: () => undefined,
      write(chunk: Buffer, _encoding, callback) {
        this.push(chunk);
        callback();
      },
    });
    const transport = await firstValueFrom(duplex(() => echo));
    const depths: number[] = [];
    let depth = 0;
    const sink = RecordingSink.reading(transport, () => {
      depths.push(++depth);
      if (sink.size < 3) transport.write('y');
      depth--;
    });
    await turns();
    transport.write('x');
    await sink.received(3);
    expect(sink.text).toBe('xyy');
    expect(depths).toEqual([1, 1, 1]);
    transport.destroy();
    await sink.closing();
  });

  it('keeps empty writes from the stream: on TLS they would read, and call data inside data', async () => {
    const stream = new PassThrough();
    const write = jest.spyOn(stream, 'write');
    const transport = await firstValueFrom(duplex(() => stream));
    expect(transport.write('')).toBe(true);
    expect(transport.write(new Uint8Array(0))).toBe(true);
    expect(write).not.toHaveBeenCalled();
    transport.destroy();
  });

  it('waits for a socket that is still connecting', async () => {
    server = await rawServer(socket => socket.end('hello'));
    const { port } = server;
    const transport = await firstValueFrom(duplex(() => connect({ port, host: '127.0.0.1', allowHalfOpen: true })));
    expect(transport.info).toMatchObject({ remotePort: port, timings: { connect: expect.any(Number) } });
    const sink = RecordingSink.reading(transport);
    await sink.ended();
    expect(sink.text).toBe('hello');
    transport.destroy();
    await sink.closing();
  });

  it('waits for the handshake of a TLS socket', async () => {
    server = await tlsServer(socket => socket.end('hello'));
    const { port } = server;
    const transport = await firstValueFrom(
      duplex(() => connectTLS({ port, host: '127.0.0.1', ca, servername: 'localhost' })),
    );
    expect(transport.info).toMatchObject({ secure: true, authorized: true });
    const sink = RecordingSink.reading(transport);
    await sink.ended();
    expect(sink.text).toBe('hello');
    transport.destroy();
  });

  it('fails with what the factory threw, and with the error of a socket that cannot connect', async () => {
    const broken = new Error('broken');
    const thrown = await failure(
      duplex(() => {
        throw broken;
      }),
    );
    expect(thrown.cause).toBe(broken);
    const port = await refusedPort();
    const refused = await failure(duplex(() => connect({ port, host: '127.0.0.1' })));
    expect(refused.cause).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('fails with a stream that is destroyed already', async () => {
    expect((await failure(duplex(() => new PassThrough().destroy()))).message).toContain('the stream is closed');
  });

  it('destroys a socket that is unsubscribed or timed out while it connects', () => {
    const lookup: LookupFunction = () => undefined;
    const sockets: Duplex[] = [];
    const pending$ = duplex(() => {
      const socket = connect({ port: 80, host: 'never.test', lookup });
      sockets.push(socket);
      return socket;
    });
    pending$.subscribe().unsubscribe();
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true]);
    new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(({ expectObservable }) => {
      expectObservable(pending$).toBe('10s #', undefined, new ConnectTimeoutError('localhost', 10_000));
    });
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, true]);
  });

  it('tells of a stream that was closed between the emission and the reading', async () => {
    const stream = new PassThrough();
    const transport = await firstValueFrom(duplex(() => stream));
    stream.destroy(new Error('gone'));
    await turns();
    const sink = RecordingSink.reading(transport);
    await sink.closing();
    expect(sink.log).toEqual(['closed:gone']);
    transport.ref();
    transport.unref();
  });

  it.each<[string, unknown, DuplexOptions]>([
    ['factory', new PassThrough(), {}],
    ['authority', () => new PassThrough(), { authority: 'a\r\nb' }],
    ['authority', () => new PassThrough(), { authority: '' }],
    ['connectTimeout', () => new PassThrough(), { connectTimeout: -1 }],
  ])('refuses a bad %s', (option, factory, options) => {
    expect(() => duplex(factory as () => Duplex, options)).toThrow(InvalidOptionError);
    expect(() => duplex(factory as () => Duplex, options)).toThrow(option);
  });
});
