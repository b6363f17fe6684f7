import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { newClientReading, segments, type ClientReading, type Scene } from './Exchange.js';

/** A socket that is none: what is pushed is read, what is written is dropped. */
class FakeSocket extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
  setKeepAlive(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

/** Plays a scene to the whole client of `node:http`, as `playOurs` does. */
export async function playNode(scene: Scene, turn: () => Promise<void>): Promise<() => ClientReading> {
  const seen = newClientReading();
  const socket = new FakeSocket({ allowHalfOpen: false });
  const agent = new Agent({ keepAlive: true });
  agent.createConnection = () => socket;
  const asked = request({
    agent,
    method: scene.method,
    path: scene.method === 'CONNECT' ? 'example.test:443' : '/',
    ...(scene.upgrade ? { headers: { Connection: 'upgrade', Upgrade: 'x' } } : {}),
  });
  listen(asked, seen);
  asked.end();
  await turn();
  for (const segment of segments(scene)) {
    if (socket.destroyed) break;
    socket.push(segment);
    await turn();
  }
  if (scene.end === 'FIN' && !socket.destroyed) socket.push(null);
  if (scene.end === 'RST') socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  return () => {
    const idle = Object.values(agent.freeSockets).some(list => list!.length > 0);
    const result = { ...seen, reusable: idle && !socket.destroyed };
    asked.destroy();
    agent.destroy();
    socket.destroy();
    return result;
  };
}

function listen(asked: ClientRequest, seen: ClientReading): void {
  const headed = (response: IncomingMessage): void => {
    seen.status = response.statusCode!;
    seen.statusText = response.statusMessage!;
    seen.version = response.httpVersion;
    seen.fields = response.rawHeaders;
  };
  const switched = (response: IncomingMessage, socket: Duplex, rest: Buffer): void => {
    headed(response);
    seen.outcome = 'upgrade';
    seen.rest = rest.toString('latin1');
    socket.on('data', (bytes: Buffer) => (seen.rest += bytes.toString('latin1'))).on('error', () => undefined);
  };
  asked.on('upgrade', switched).on('connect', switched);
  asked.on('information', ({ statusCode }) => seen.informational.push(statusCode));
  asked.on('error', error => {
    if (seen.outcome !== 'nothing') return;
    seen.outcome = 'error';
    seen.error = `${(error as NodeJS.ErrnoException).code}: ${error.message}`;
  });
  asked.on('response', response => {
    headed(response);
    seen.outcome = 'response';
    response.setEncoding('latin1');
    response.on('data', (text: string) => (seen.body += text));
    const failed = (): void => {
      if (seen.bodyOutcome === 'open' || !response.complete) seen.bodyOutcome = 'error';
    };
    response.on('end', () => {
      seen.trailers = response.rawTrailers;
      if (seen.bodyOutcome === 'open') seen.bodyOutcome = response.complete ? 'complete' : 'error';
    });
    // A reset behind the head shows as an error, and then as an end.
    response
      .on('error', () => (seen.bodyOutcome = 'error'))
      .on('aborted', failed)
      .on('close', failed);
  });
}
