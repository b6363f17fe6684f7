import { afterEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { tcp, tls } from '../../src/endpoint/index.js';
import { ca, RecordingSink, ScriptedServer } from './index.js';

let server: ScriptedServer;
afterEach(() => server.close());

describe.each([
  ['TCP', undefined],
  ['TLS 1.2', { maxVersion: 'TLSv1.2' }],
  ['TLS 1.3', { minVersion: 'TLSv1.3' }],
] as const)('a peer over %s', (_name, options) => {
  it('resets the connection, not only what runs over it', async () => {
    server = await ScriptedServer.start(
      async peer => {
        await peer.send('!');
        await peer.bytes(1);
        peer.reset();
        await peer.closed;
      },
      { tls: options },
    );
    const address = { host: server.host, port: server.port };
    const transport = await firstValueFrom(options === undefined ? tcp(address) : tls({ ...address, ca }));
    const sink = RecordingSink.reading(transport);
    await sink.received(1);
    transport.write('!');
    await sink.closing();
    expect(sink.log).toEqual(['data:!', 'closed:ECONNRESET']);
    await server.peers[0].closed;
    await server.loopback.quiet();
  });
});
