import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { tcp, tls, type Transport } from '../../src/endpoint/index.js';
import { giveReadBuffer, sharedReadBuffer, takeReadBuffer } from '../../src/endpoint/ReadBuffers.js';
import { ca, type Loopback, rawServer, RecordingSink, tlsServer, turns, until } from '../loopback/index.js';

describe.each(['tcp', 'tls'])('Read buffers over %s', kind => {
  let server: Loopback;
  const transports: Transport[] = [];
  const peers: Socket[] = [];

  async function open(count: number): Promise<void> {
    server = await (kind === 'tcp' ? rawServer : tlsServer)((socket: Socket) => void peers.push(socket));
    const options = { host: '127.0.0.1', port: server.port, ca };
    for (let i = 0; i < count; i++) {
      transports.push(await firstValueFrom(kind === 'tcp' ? tcp(options) : tls(options)));
      await until(() => peers.length === i + 1);
    }
  }

  afterEach(async () => {
    for (const transport of transports.splice(0)) transport.destroy();
    peers.length = 0;
    await server.close();
  });

  it('gives every socket its own bytes when many read in turn', async () => {
    await open(4);
    const sinks = transports.map(transport => RecordingSink.reading(transport));
    peers.forEach((peer, i) => {
      for (let n = 0; n < 50; n++) peer.write(String(i).repeat(3_000));
    });
    for (const sink of sinks) await sink.received(150_000);
    sinks.forEach((sink, i) => expect(sink.text).toBe(String(i).repeat(150_000)));
  });

  it('reads all sockets into one buffer', async () => {
    await open(2);
    const buffers = new Set<ArrayBufferLike>();
    const sinks = transports.map(transport => RecordingSink.reading(transport, view => buffers.add(view.buffer)));
    for (const peer of peers) peer.write('x');
    for (const sink of sinks) await sink.received(1);
    expect([...buffers]).toEqual([sharedReadBuffer().buffer]);
  });

  // Positive control of the next one: without ownBuffer the same view is overwritten by the other socket.
  it.each([
    [true, 'aaaaa'],
    [false, 'bbbbb'],
  ])('with ownBuffer(%s) a view of a paused transport later holds %s', async (on, expected) => {
    await open(2);
    const [first, second] = transports as [Transport, Transport];
    let view: Uint8Array = new Uint8Array();
    const sink = RecordingSink.reading(first, bytes => {
      view = bytes;
      first.pause();
    });
    first.ownBuffer(on);
    peers[0]?.write('aaaaa');
    await sink.received(5);
    const other = RecordingSink.reading(second);
    peers[1]?.write('bbbbb');
    await other.received(5);
    expect(Buffer.from(view).toString()).toBe(expected);
  });

  it('keeps the view while further bytes arrive on the paused transport itself', async () => {
    await open(1);
    const [transport] = transports as [Transport];
    const views: Uint8Array[] = [];
    const sink = RecordingSink.reading(transport, bytes => {
      views.push(bytes);
      transport.pause();
    });
    transport.ownBuffer(true);
    peers[0]?.cork();
    for (const letter of 'abcd') peers[0]?.write(letter.repeat(16_384));
    peers[0]?.uncork();
    for (let seen = 0; seen < 65_536; seen = sink.size) {
      await until(() => sink.size > seen);
      await turns(5);
      expect(Buffer.from(views.at(-1) as Uint8Array).equals(sink.chunks.at(-1) as Buffer)).toBe(true);
      transport.resume();
    }
    expect(sink.text).toBe([...'abcd'].map(letter => letter.repeat(16_384)).join(''));
  });

  it('takes a buffer when it is needed and gives it back', async () => {
    await open(1);
    const [transport] = transports as [Transport];
    const marked = takeReadBuffer();
    giveReadBuffer(marked);
    const used: ArrayBufferLike[] = [];
    const sink = RecordingSink.reading(transport, view => used.push(view.buffer));
    transport.ownBuffer(true);
    peers[0]?.write('x');
    await sink.received(1);
    expect(used[0] === marked.buffer).toBe(true);
    transport.ownBuffer(false);
    const next = takeReadBuffer();
    expect(next === marked).toBe(true);
    giveReadBuffer(next);
    transport.ownBuffer(true);
    peers[0]?.write('x');
    await sink.received(2);
    transport.destroy();
    await sink.closing();
    // Whoever reads may work on a view of it yet: only the reader can say that it does not.
    const other = takeReadBuffer();
    expect(other === marked).toBe(false);
    transport.ownBuffer(false);
    expect(takeReadBuffer() === marked).toBe(true);
    giveReadBuffer(other);
  });
});
