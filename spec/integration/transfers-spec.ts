import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { concatMap, defer, EMPTY, from, lastValueFrom, map, mergeMap, type Observable, toArray } from 'rxjs';
import { Agent, type AgentBody, type HTTPResponse, text } from 'rxjs-http-pool';
import { httpServer, type Loopback, turns, until } from '../loopback/index.js';
import { checksum, content } from '../loopback/programs/content.js';

jest.setTimeout(60_000);

const megabyte = 1024 * 1024;
const size = 16 * megabyte;
const piece = 64 * 1024;
const pieces = Array.from({ length: size / piece }, (_, i) => content(i, piece));
const all = Buffer.concat(pieces);
const sum = checksum(all);

describe('16 MiB', () => {
  let server: Loopback;
  let agent: Agent;
  let url: string;
  /** What the server has given to its socket, and the most that lay there. */
  let written: number;
  let mostBuffered: number;

  beforeEach(async () => {
    written = mostBuffered = 0;
    server = await httpServer((request, response) => {
      if (request.method === 'POST') {
        const hash = createHash('sha1');
        // A server that is slow to begin: what it does not take must wait on the other side.
        void (async () => {
          if (request.url === '/slow') await turns(200);
          for await (const chunk of request) hash.update(chunk as Buffer);
          response.end(hash.digest('base64url'));
        })();
        return;
      }
      if (request.url === '/length') response.setHeader('Content-Length', size);
      void (async () => {
        for (const bytes of pieces) {
          if (!response.write(bytes)) {
            mostBuffered = Math.max(mostBuffered, response.writableLength);
            await new Promise(resolve => response.once('drain', resolve));
          }
          written += bytes.length;
        }
        response.end();
      })();
    });
    url = `http://${server.host}:${server.port}`;
    agent = new Agent();
  });

  afterEach(async () => {
    await lastValueFrom(agent.close({ gracePeriod: 0 }));
    await server.close();
  });

  const downloads: Record<string, (response: HTTPResponse) => Observable<Uint8Array[]>> = {
    'bytes()': response => response.bytes().pipe(toArray()),
    body: response => response.body.pipe(toArray()),
    'body.pull()': response => response.body.pull(chunk => [Uint8Array.from(chunk)]).pipe(toArray()),
    'for await': response =>
      from(
        (async () => {
          const chunks: Uint8Array[] = [];
          for await (const chunk of response.body) chunks.push(Uint8Array.from(chunk));
          return chunks;
        })(),
      ),
    'readable()': response => from(response.body.readable().toArray() as Promise<Uint8Array[]>),
  };

  for (const [name, read] of Object.entries(downloads)) {
    for (const framing of ['length', 'chunked']) {
      it(`come down whole, ${framing}: ${name}`, async () => {
        const chunks = await lastValueFrom(agent.get(`${url}/${framing}`).pipe(mergeMap(read)));
        const received = Buffer.concat(chunks);
        expect(received.length).toBe(size);
        expect(checksum(received)).toBe(sum);
        expect(agent.pool.stats()).toMatchObject({ idle: 1, leased: 0 });
      });
    }
  }

  it('go up whole', async () => {
    const bodies: Record<string, () => AgentBody> = {
      bytes: () => all,
      Blob: () => new Blob([all]),
      Readable: () => Readable.from(pieces),
      generator: () =>
        (async function* () {
          yield* pieces;
        })(),
      Observable: () => from(pieces),
    };
    for (const [name, body] of Object.entries(bodies)) {
      expect([name, await lastValueFrom(agent.post(url, body()).pipe(text()))]).toEqual([name, sum]);
    }
    expect(server.connections).toBe(1);
  });

  it('are held back at the server by a slow consumer', async () => {
    // Until the gate opens nothing is taken, and the server must come to a halt long before it has sent it all.
    let open = (): void => undefined;
    const gate = new Promise<void>(resolve => (open = resolve));
    const hash = createHash('sha1');
    let taken = 0;
    const done = lastValueFrom(
      agent.get(`${url}/length`).pipe(
        mergeMap(({ body }) =>
          body.pull(chunk =>
            defer(() => gate).pipe(
              concatMap(() => {
                hash.update(chunk);
                taken += chunk.length;
                return EMPTY;
              }),
            ),
          ),
        ),
      ),
      { defaultValue: undefined },
    );
    let last = -1;
    await until(() => written > 0, 'the server to write');
    while (last !== written) {
      last = written;
      await turns(500);
    }
    const halted = written;
    expect(taken).toBe(0);
    // What is on its way lies in the buffers of the system's sockets (some MB), not in ours.
    expect(halted).toBeLessThan(size - 2 * megabyte);
    expect(mostBuffered).toBeGreaterThan(0);
    console.log(`a slow consumer: the server halted after ${(halted / megabyte).toFixed(1)} MiB of 16`);
    open();
    await done;
    expect(taken).toBe(size);
    expect(hash.digest('base64url')).toBe(sum);
  });

  it('are asked for from a slow server`s client only as they are taken', async () => {
    let asked = 0;
    let mostAhead = 0;
    let sent = 0;
    async function* source(): AsyncGenerator<Buffer> {
      for (const bytes of pieces) {
        asked += bytes.length;
        mostAhead = Math.max(mostAhead, asked - sent);
        yield bytes;
      }
    }
    const observer = { uploadProgress: (loaded: number) => (sent = loaded) };
    const answer$ = agent.post(`${url}/slow`, source(), { observer }).pipe(text());
    expect(await lastValueFrom(answer$.pipe(map(String)))).toBe(sum);
    // One piece is in hand while the last is being written: none is asked for ahead.
    expect(mostAhead).toBeLessThanOrEqual(piece);
  });

  it('cost little memory, up and down, if neither side holds them', async () => {
    const before = process.memoryUsage();
    let most = 0;
    const look = (): void => {
      const { external, arrayBuffers } = process.memoryUsage();
      most = Math.max(most, external - before.external, arrayBuffers - before.arrayBuffers);
    };
    for (let i = 0; i < 4; i++) {
      const hash = createHash('sha1');
      await lastValueFrom(
        agent.get(`${url}/chunked`).pipe(
          mergeMap(({ body }) =>
            body.pull(chunk => {
              hash.update(chunk);
              look();
              return turns(1);
            }),
          ),
        ),
      );
      expect(hash.digest('base64url')).toBe(sum);
    }
    console.log(`4 x 16 MiB pulled: at most ${(most / megabyte).toFixed(1)} MiB more`);
    expect(most).toBeLessThan(size);
  });
});
