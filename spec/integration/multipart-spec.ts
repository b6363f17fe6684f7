import { createHash } from 'node:crypto';
import { openAsBlob, promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { lastValueFrom, tap, toArray } from 'rxjs';
import { Agent, text, type HTTPEvent } from 'rxjs-http-pool';
import { httpServer, turns, until } from '../loopback/index.js';
import { content } from '../loopback/programs/content.js';
import { openAgent, record } from '../support/index.js';

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a form of several MiB', () => {
  it('is told of as it goes, from the first byte to all of them, and arrives as it is', async () => {
    const directory = await fs.mkdtemp(join(tmpdir(), 'multipart-'));
    const [first, second] = [content(1, 3_000_000), content(2, 5_000_000)];
    await fs.writeFile(join(directory, 'second'), second);
    let received = Buffer.alloc(0);
    const server = await httpServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        received = Buffer.concat(chunks);
        response.end(String(received.length));
      });
    });
    const agent = new Agent({ baseURL: `http://${server.host}:${server.port}/` });
    try {
      const form = new FormData();
      form.append('field', 'värde');
      form.append('first', new Blob([first]), 'first.bin');
      form.append('second', await openAsBlob(join(directory, 'second')), 'second.bin'); // read from the disk as it goes
      const observed: (readonly [number, number | undefined])[] = [];
      const observer = { uploadProgress: (loaded: number, total?: number) => void observed.push([loaded, total]) };
      const answers: string[] = [];
      const events: HTTPEvent[] = await lastValueFrom(
        agent.requestEvents({ url: '/', method: 'POST', body: form, observer }).pipe(
          tap(event => {
            if (event.type === 'response') event.response.text().subscribe(body => answers.push(body));
          }),
          toArray(),
        ),
      );
      const progress = events.flatMap(event => (event.type === 'uploadProgress' ? [event] : []));
      const loaded = progress.map(event => event.loaded);
      const total = received.length;
      expect(answers).toEqual([String(total)]);
      expect(new Set(progress.map(event => event.total))).toEqual(new Set([total]));
      // No step is longer than a slice, none goes back, and the last is all.
      const steps = loaded.map((bytes, i) => bytes - (i === 0 ? 0 : loaded[i - 1]));
      expect(Math.min(...steps)).toBeGreaterThan(0);
      expect(Math.max(...steps)).toBeLessThan(1_000_000);
      expect(loaded.at(-1)).toBe(total);
      expect(observed).toEqual(progress.map(event => [event.loaded, event.total]));
      expect(events.filter(({ type }) => type === 'sent')).toHaveLength(1);
      // The files stand in it byte for byte.
      for (const [name, file] of [['first.bin', first] as const, ['second.bin', second] as const]) {
        const at = received.indexOf('\r\n\r\n', received.indexOf(`filename="${name}"`)) + 4;
        expect(sha(received.subarray(at, at + file.length))).toBe(sha(file));
      }
    } finally {
      await lastValueFrom(agent.close({ gracePeriod: 0 }));
      await server.close();
      await fs.rm(directory, { recursive: true });
    }
  });

  /** A form with a file whose bytes are made when they are asked for. */
  function endless(): { form: FormData; made: () => number; ended: () => boolean } {
    const form = new FormData();
    form.append('file', new File(['x'], 'x.bin'));
    let made = 0;
    let ended = false;
    async function* stream(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          made += 65_536;
          yield new Uint8Array(65_536);
        }
      } finally {
        ended = true;
      }
    }
    const size = 2 ** 30;
    Object.defineProperties(form.get('file'), { size: { value: size }, stream: { value: stream } });
    return { form, made: () => made, ended: () => ended };
  }

  it('is read from its files only as fast as the socket takes it', async () => {
    const { form, made } = endless();
    const { agent, transports } = openAgent({ transport: { highWaterMark: 100_000 } });
    const { subscription } = record(agent.post('http://example.test/', form).pipe(text()));
    await turns(20);
    const held = made();
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThanOrEqual(4 * 65_536);
    transports[0].drain();
    await until(() => made() > held, 'more');
    await turns(20);
    expect(made()).toBeLessThanOrEqual(8 * 65_536);
    subscription.unsubscribe();
  });

  it('lets go of its files when it is cancelled', async () => {
    const { form, ended } = endless();
    const { agent } = openAgent({ transport: { highWaterMark: 100_000 } });
    const { subscription } = record(agent.post('http://example.test/', form).pipe(text()));
    await turns(20);
    expect(ended()).toBe(false);
    subscription.unsubscribe();
    await until(ended, 'the stream of the file to end');
  });
});
