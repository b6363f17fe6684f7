import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { duplex, tcp, tls, type Endpoint, type Transport } from '../../src/endpoint/index.js';
import { ca, type Loopback, rawServer, RecordingSink, tlsServer, turns, until } from '../loopback/index.js';

// The same contract over each kind of transport: onread over TCP and TLS, 'data' events over a Duplex and TLS in TLS.
const kinds: Record<string, { serve: typeof rawServer; endpoint: (server: Loopback) => Endpoint }> = {
  tcp: { serve: rawServer, endpoint: ({ port }) => tcp({ host: '127.0.0.1', port }) },
  tls: {
    serve: onConnection => tlsServer(socket => onConnection?.(socket)),
    endpoint: ({ port }) => tls({ host: '127.0.0.1', port, ca }),
  },
  duplex: {
    serve: rawServer,
    endpoint: ({ port }) => duplex(() => connect({ port, host: '127.0.0.1', allowHalfOpen: true })),
  },
  'tls over tcp': {
    serve: onConnection => tlsServer(socket => onConnection?.(socket)),
    endpoint: ({ port }) => tls({ host: '127.0.0.1', port, ca, over: tcp({ host: '127.0.0.1', port }) }),
  },
};

describe.each(Object.entries(kinds))('Transport over %s', (_kind, { serve, endpoint }) => {
  let server: Loopback;
  let peer: Socket;
  let transport: Transport;

  async function open(onConnection: (socket: Socket) => void = () => undefined): Promise<void> {
    let connected: Socket | undefined;
    server = await serve(socket => {
      connected = socket;
      onConnection(socket);
    });
    transport = await firstValueFrom(endpoint(server));
    await until(() => connected !== undefined);
    peer = connected as Socket;
  }

  /** Resolves when the peer has seen that our socket is gone. */
  async function gone(): Promise<void> {
    if (peer.readableEnded) peer.destroy();
    else peer.on('end', () => peer.destroy()).resume();
    await server.quiet();
  }

  afterEach(async () => {
    transport.destroy();
    await server.close();
  });

  it('delivers bytes, the end and the close, in order and once', async () => {
    await open();
    const sink = RecordingSink.reading(transport);
    peer.write('one');
    await sink.received(3);
    peer.end('two');
    await sink.ended();
    expect(sink.isClosed).toBe(false);
    transport.end();
    await sink.closing();
    await turns();
    expect(sink.log).toEqual(['data:one', 'data:two', 'end', 'closed']);
  });

  it('leaves our side open after the end of the peer, and closes it by end()', async () => {
    await open();
    let heard = '';
    let ended = false;
    peer.on('data', bytes => (heard += bytes.toString('latin1')));
    peer.on('end', () => (ended = true));
    const sink = RecordingSink.reading(transport);
    peer.end();
    await sink.ended();
    transport.write('still \u00e4');
    await until(() => heard.length === 7);
    expect(ended).toBe(false);
    transport.end();
    await until(() => ended);
    expect(heard).toBe('still \u00e4');
    await sink.closing();
  });

  it('half-closes by end() and reads on', async () => {
    await open(socket => {
      socket.resume();
      socket.on('end', () => socket.end('answer'));
    });
    const sink = RecordingSink.reading(transport);
    transport.write('question');
    transport.end();
    await sink.closing();
    expect(sink.log).toEqual(['data:answer', 'end', 'closed']);
  });

  it('holds bytes that come before anybody reads', async () => {
    await open(socket => socket.write('early'));
    await turns(10);
    const sink = RecordingSink.reading(transport);
    expect(sink.log).toEqual([]);
    await sink.received(5);
    peer.write('later');
    await sink.received(10);
    expect(sink.text).toBe('earlylater');
  });

  it('delivers nothing after pause() inside data, and all of it after resume()', async () => {
    await open();
    const sink = RecordingSink.reading(transport, () => transport.pause());
    peer.cork();
    for (const letter of 'abcd') peer.write(letter.repeat(20_000));
    peer.uncork();
    peer.end();
    let seen = 0;
    while (seen < 80_000) {
      await until(() => sink.size > seen);
      seen = sink.size;
      const entries = sink.log.length;
      await turns(5);
      expect(sink.log).toHaveLength(entries);
      transport.resume();
    }
    await sink.ended();
    expect(sink.text).toBe([...'abcd'].map(letter => letter.repeat(20_000)).join(''));
    expect(sink.log.at(-1)).toBe('end');
  });

  it('lets the peer feel that it is paused', async () => {
    await open();
    const sink = RecordingSink.reading(transport, () => transport.pause());
    const block = Buffer.alloc(1 << 20, 'x');
    let taken = 0;
    const pump = (): void => {
      taken++;
      if (taken < 64) peer.write(block, pump);
    };
    pump();
    await sink.received(1);
    let before = -1;
    await until(() => {
      const still = taken === before;
      before = taken;
      return still && taken > 1;
    });
    await turns(20);
    expect(taken).toBeLessThan(40);
    const held = sink.size;
    expect(held).toBeLessThan(200_000);
    sink.onData = undefined;
    transport.resume();
    await sink.received(63 << 20);
  });

  it('resumes when resume() follows pause() inside the same data', async () => {
    await open();
    const sink = RecordingSink.reading(transport, () => {
      transport.pause();
      transport.resume();
    });
    peer.write('one');
    await sink.received(3);
    peer.write('two');
    await sink.received(6);
    expect(sink.text).toBe('onetwo');
  });

  it('stays paused when pause() follows resume()', async () => {
    await open();
    const sink = RecordingSink.reading(transport);
    transport.pause();
    transport.resume();
    transport.pause();
    peer.write('one');
    await turns(10);
    expect(sink.log).toEqual([]);
    transport.resume();
    await sink.received(3);
  });

  it('gives later bytes to a sink that replaced another inside data', async () => {
    await open();
    const second = new RecordingSink();
    const first = RecordingSink.reading(transport, () => transport.read(second));
    peer.write('one');
    await first.received(3);
    peer.end('two');
    await second.ended();
    transport.end();
    await second.closing();
    expect(first.log).toEqual(['data:one']);
    expect(second.log).toEqual(['data:two', 'end', 'closed']);
  });

  it('gives unshifted bytes to the next sink, first and never synchronously', async () => {
    await open();
    const second = new RecordingSink();
    const bytes = Buffer.from('put back,');
    const first = RecordingSink.reading(transport, () => {
      transport.unshift(bytes);
      bytes.fill('!');
    });
    peer.write('one');
    await first.received(3);
    peer.write('two');
    await turns(10);
    expect(first.text).toBe('one');
    transport.read(second);
    expect(second.log).toEqual([]);
    await second.received(12);
    expect(second.text).toBe('put back,two');
    expect(first.text).toBe('one');
  });

  it('gives unshifted bytes to the same sink on resume()', async () => {
    await open();
    const sink = RecordingSink.reading(transport);
    transport.unshift(Buffer.from('b'));
    transport.unshift(Buffer.from('a'));
    transport.resume();
    peer.write('c');
    await sink.received(3);
    expect(sink.text).toBe('abc');
  });

  it('closes once after destroy(), never inside data, and drops what came', async () => {
    await open();
    let inside = false;
    const sink = RecordingSink.reading(transport, () => {
      inside = true;
      transport.destroy();
      transport.destroy();
      expect(sink.isClosed).toBe(false);
      inside = false;
    });
    const closed = sink.closed.bind(sink);
    sink.closed = error => {
      expect(inside).toBe(false);
      closed(error);
    };
    peer.cork();
    for (let i = 0; i < 4; i++) peer.write('x'.repeat(16_384));
    peer.uncork();
    await sink.closing();
    await turns();
    expect(sink.log).toHaveLength(2);
    expect(sink.log[1]).toBe('closed');
    await gone();
  });

  it('hands the error of destroy(error) on', async () => {
    await open();
    const sink = RecordingSink.reading(transport);
    transport.destroy(new Error('enough'));
    await sink.closing();
    expect(sink.log).toEqual(['closed:enough']);
  });

  it('tells of a close while paused', async () => {
    await open();
    const sink = RecordingSink.reading(transport);
    transport.pause();
    transport.destroy();
    await sink.closing();
    expect(sink.log).toEqual(['closed']);
  });

  it('drops what it holds when it is destroyed, and closes all the same', async () => {
    await open();
    const sink = RecordingSink.reading(transport);
    transport.unshift(Buffer.from('held'));
    transport.destroy();
    await sink.closing();
    expect(sink.log).toEqual(['closed']);
  });

  it('tells a sink of a close that came before it', async () => {
    await open();
    transport.destroy();
    await gone();
    await turns();
    const sink = RecordingSink.reading(transport);
    expect(sink.log).toEqual([]);
    await sink.closing();
    expect(sink.log).toEqual(['closed']);
  });

  it('ignores writes after the close and after end(), and answers true', async () => {
    await open();
    const sink = RecordingSink.reading(transport);
    transport.end();
    expect(transport.write('late')).toBe(true);
    transport.destroy();
    await sink.closing();
    expect(transport.write('later')).toBe(true);
    transport.end();
    transport.drained(() => sink.log.push('drained'));
    await turns();
    expect(sink.log).toEqual(['closed']);
  });

  it('calls drained back once after a write that returned false, and never after the close', async () => {
    await open();
    const sink = RecordingSink.reading(transport);
    let drained = 0;
    const block = Buffer.alloc(32 << 20);
    expect(transport.write(block)).toBe(false);
    transport.drained(() => drained++);
    await turns();
    expect(drained).toBe(0);
    peer.resume();
    await until(() => drained === 1);
    expect(transport.write('small')).toBe(true);
    peer.pause();
    while (transport.write(block));
    transport.drained(() => drained++);
    transport.destroy();
    await sink.closing();
    expect(drained).toBe(1);
  });

  it('calls drained back also when it is asked late', async () => {
    await open(socket => socket.resume());
    let drained = 0;
    transport.write('x');
    transport.drained(() => drained++);
    await until(() => drained === 1);
  });

  it('ignores an empty write', async () => {
    await open(socket => socket.resume());
    expect(transport.write('')).toBe(true);
    expect(transport.write(new Uint8Array(0))).toBe(true);
  });

  it('reports a reset by the peer with its code', async () => {
    await open();
    const sink = RecordingSink.reading(transport);
    // Alone: what comes in one read with the last bytes, libuv reports as a regular end.
    peer.write('x');
    await sink.received(1);
    for (const socket of server.open) socket.resetAndDestroy();
    await sink.closing();
    await turns();
    expect(sink.log).toEqual(['data:x', 'closed:ECONNRESET']);
  });

  it('attaches no listener per sink', async () => {
    await open(socket => socket.resume());
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on('warning', onWarning);
    for (let i = 0; i < 50; i++) {
      transport.read(new RecordingSink());
      transport.drained(() => undefined);
      transport.pause();
      transport.resume();
    }
    await turns();
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  describe('toDuplex', () => {
    let stream: Duplex;

    it('hands over unread bytes first, then both directions and both ends', async () => {
      await open(socket => {
        socket.on('data', bytes => socket.write(`<${bytes.toString('latin1')}>`));
        socket.on('end', () => socket.end('bye'));
      });
      transport.unshift(Buffer.from('first '));
      stream = transport.toDuplex();
      stream.write('hello');
      let text = '';
      for await (const chunk of stream) {
        text += (chunk as Buffer).toString('latin1');
        if (text.endsWith('>')) stream.end();
      }
      expect(text).toBe('first <hello>bye');
      await until(() => stream.destroyed);
      await gone();
    });

    it('holds the peer back while nobody reads, and loses nothing', async () => {
      await open(socket => socket.end(Buffer.alloc(8 << 20, 'y')));
      stream = transport.toDuplex();
      await turns(20);
      expect(stream.readableLength).toBeLessThan(200_000);
      let size = 0;
      for await (const chunk of stream) size += (chunk as Buffer).length;
      expect(size).toBe(8 << 20);
      stream.end();
      await gone();
    });

    it('flushes what was written when the peer has ended first', async () => {
      await open();
      stream = transport.toDuplex();
      stream.resume();
      peer.end();
      await until(() => stream.readableEnded);
      let size = 0;
      stream.end(Buffer.alloc(8 << 20));
      await turns(5);
      peer.on('data', bytes => (size += bytes.length));
      await until(() => size === 8 << 20);
      await gone();
    });

    it('destroys the transport with it', async () => {
      await open();
      stream = transport.toDuplex();
      stream.destroy();
      await gone();
    });

    it('is destroyed with the transport, and passes its error on', async () => {
      await open();
      stream = transport.toDuplex();
      const errors: Error[] = [];
      stream.on('error', error => errors.push(error));
      let size = 0;
      stream.on('data', (chunk: Buffer) => (size += chunk.length));
      peer.write('x');
      await until(() => size === 1);
      for (const socket of server.open) socket.resetAndDestroy();
      await until(() => stream.destroyed);
      await turns();
      expect(errors).toMatchObject([{ code: 'ECONNRESET' }]);
    });

    it('may be called once', async () => {
      await open();
      transport.toDuplex();
      expect(() => transport.toDuplex()).toThrow('handed over already');
    });
  });
});
