import { afterEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom, lastValueFrom, type Observable } from 'rxjs';
import { Agent, RequestTransmissionFailedError, ResponseNeverReceivedError, text } from '../../src/index.js';
import { ca, ScriptedServer, type Peer } from '../loopback/index.js';

const refusal = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno';

let server: ScriptedServer;
afterEach(() => server.close());

/**
 * A server that answers an upload early, without a poll of the loop in between closes its connection, and resets what
 * still comes: the client's next writes fail while the answer lies in its socket, unread.
 */
async function upload(answer: string, tls: boolean): Promise<Observable<string>> {
  let refused = (): void => undefined;
  const closed = new Promise<void>(resolve => (refused = resolve));
  const refuse = async (peer: Peer): Promise<void> => {
    await peer.head();
    await peer.bytes(3);
    if (answer !== '') peer.socket.write(answer);
    peer.close();
    refused();
  };
  const answers = async (peer: Peer): Promise<void> => {
    await peer.request();
    await peer.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine');
  };
  server = await ScriptedServer.start((peer, at) => (at === 0 ? refuse(peer) : answers(peer)), {
    tls: tls ? {} : undefined,
  });
  async function* body(): AsyncGenerator<string> {
    yield 'one';
    await closed;
    for (let i = 0; i < 10; i++) yield 'more';
  }
  const agent = new Agent({ baseURL: server.origin, connect: { ca } });
  return agent.post('/', body).pipe(text());
}

describe.each([
  ['TCP', false],
  ['TLS', true],
])('an upload over %s that the server refuses and resets', (_name, tls) => {
  it('the answer that came before the reset is delivered', async () => {
    const response$ = await upload(refusal, tls);
    expect(await lastValueFrom(response$)).toBe('no');
    expect(await firstValueFrom(response$)).toBe('fine');
  });

  it('without an answer it fails, as before', async () => {
    const response$ = await upload('', tls);
    const error: unknown = await lastValueFrom(response$).catch((reason: unknown) => reason);
    // TLS takes the whole of a short body before it knows.
    expect(error).toBeInstanceOf(tls ? ResponseNeverReceivedError : RequestTransmissionFailedError);
  });
});
