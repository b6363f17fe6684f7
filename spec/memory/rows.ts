import { Readable } from 'node:stream';
import { firstValueFrom, from, ignoreElements, lastValueFrom, map, mergeMap, range, takeWhile, tap, timer } from 'rxjs';
import { isHTTPClientError, text, type HTTPBody, type RequestBody } from 'rxjs-http-pool';
import { GiB, KiB, MiB, type LoadClient } from './LoadClient.js';

/** One kind of load, as the client sees it. */
export interface Row {
  readonly name: string;
  /** How much more memory may be resident, in MiB, if it is not what all others may have. */
  readonly bound?: number;
  /** Throws where something else than memory is not as it should be; returns a remark. `small`: to warm up. */
  run(client: LoadClient, small: boolean): Promise<string | void>;
}

/** What may be sent and not taken: the buffers of the kernel, on both sides. */
const inKernels = 8 * MiB;
/** The same where the client was fast before, for which the kernel takes more room. */
const inFastKernels = 64 * MiB;

const pause = (ms: number): Promise<unknown> => lastValueFrom(timer(ms));

function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

/** The server has sent no more than what was taken and what the kernels hold, and has waited for so many ms. */
async function checkHeldUp(client: LoadClient, taken: number, ms: number): Promise<string> {
  const { sent, heldUp } = await client.seen();
  check(sent - taken < inKernels, `the server has sent ${sent} bytes, of which ${taken} were taken`);
  check(heldUp > ms, `the server was held up for no more than ${heldUp} ms`);
  return `${(sent / MiB).toFixed(1)} MiB sent, ${(taken / MiB).toFixed(1)} taken`;
}

/** Nobody asks for the body. */
function unread(name: string, path: string): Row {
  return {
    name: `unread: ${name}`,
    async run(client, small) {
      const { body } = await firstValueFrom(client.get(path));
      await pause(small ? 100 : 1_000);
      if (!small) await checkHeldUp(client, 0, 500);
      body.subscribe().unsubscribe();
    },
  };
}

/**
 * Counts bytes, and has garbage collected now and then: chunks that are the consumer's to keep, or the source's to make,
 * are garbage soon, and Node lets up to 64 MiB of such buffers lie. What is measured is what is held.
 */
class Counter {
  taken = 0;

  take({ length }: Uint8Array): void {
    const before = this.taken;
    this.taken += length;
    if (Math.floor(before / (16 * MiB)) < Math.floor(this.taken / (16 * MiB))) globalThis.gc!();
  }
}

type Take = (chunk: Uint8Array) => Promise<unknown>;

/** Takes a chunk a second, for two seconds, and the rest as fast as it comes. */
function slowly(name: string, read: (body: HTTPBody, take: Take) => Promise<unknown>): Row {
  return {
    name: `1 GiB, a chunk a second, then all: ${name}`,
    async run(client, small) {
      const size = small ? 256 * MiB : GiB;
      const { body } = await firstValueFrom(client.get(`length/${size}`));
      const counter = new Counter();
      let chunks = 0;
      let remark = '';
      await read(body, async chunk => {
        counter.take(chunk);
        if (small || ++chunks > 2) return;
        await pause(1_000);
        remark = `after ${chunks} s: ${await checkHeldUp(client, counter.taken, 500)}`;
      });
      check(counter.taken === size, `${counter.taken} bytes came of ${size}`);
      return remark;
    },
  };
}

async function iterate(chunks: AsyncIterable<Uint8Array>, take: Take): Promise<void> {
  for await (const chunk of chunks) await take(chunk);
}

/** Subscribes, and unsubscribes after so many bytes, if they come. */
async function subscribe(client: LoadClient, path: string, enough: number): Promise<number> {
  const counter = new Counter();
  await lastValueFrom(
    client.get(path).pipe(
      mergeMap(({ body }) => body),
      tap(chunk => counter.take(chunk)),
      takeWhile(() => counter.taken < enough),
      ignoreElements(),
    ),
    { defaultValue: undefined },
  );
  return counter.taken;
}

/** A source of so many bytes that is as fast as it is asked. */
class Source {
  given = 0;
  closed = false;

  constructor(private readonly size: number) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const counter = new Counter();
    try {
      while (this.given < this.size) {
        // Else one that nobody holds up would never let the loop run.
        if (this.given % (4 * MiB) === 0) await pause(0);
        // New memory, all of it in use: a piece that is held shows.
        const piece = new Uint8Array(64 * KiB).fill(1);
        counter.take(piece);
        this.given += piece.length;
        yield piece;
      }
    } finally {
      this.closed = true;
    }
  }
}

async function upload(client: LoadClient, size: number, bodyOf: (source: Source) => RequestBody): Promise<void> {
  await lastValueFrom(client.post(`take/${size}`, bodyOf(new Source(size)), size).pipe(text()));
  const { received } = await client.seen();
  check(received >= size, `the server got ${received} bytes of ${size}`);
}

/** 1 GiB goes to a server that takes 16 MiB and then nothing. */
function stopped(name: string, bodyOf: (source: Source) => RequestBody): Row {
  return {
    name: `upload, the server stops reading: ${name}`,
    async run(client, small) {
      if (small) return upload(client, 64 * MiB, bodyOf);
      const source = new Source(GiB);
      const uploading = client.post(`stop/${16 * MiB}`, bodyOf(source), GiB).subscribe({ error: () => undefined });
      await pause(1_500);
      const { received } = await client.seen();
      check(received >= 16 * MiB, `the server got ${received} bytes`);
      check(
        source.given - received < inFastKernels,
        `the source gave ${source.given} bytes, the server got ${received}`,
      );
      uploading.unsubscribe();
      await pause(50);
      check(source.closed, 'the source was not closed');
    },
  };
}

/** On 64 connections, what never ends and is no body. */
function flood(path: string): Row {
  return {
    name: `flood: ${path}`,
    async run(client, small) {
      const connections = small ? 8 : 64;
      const codes = await Promise.all(
        Array.from({ length: connections }, () =>
          lastValueFrom(client.get(path).pipe(text())).then(
            () => 'no error',
            (error: unknown) => (isHTTPClientError(error) ? error.code : String(error)),
          ),
        ),
      );
      check(
        codes.every(code => code === 'ERR_HEADERS_OVERFLOW'),
        `the requests ended with ${[...new Set(codes)].join(', ')}`,
      );
      const { sent } = await client.seen();
      check(sent < connections * inKernels, `the server has sent ${sent} bytes`);
    },
  };
}

export const rows: readonly Row[] = [
  unread('Content-Length', `length/${GiB}`),
  unread('chunked', `chunked/${GiB}`),
  unread('until close', `close/${GiB}`),
  unread('a chunk for every byte', 'ones'),
  slowly('pull', (body, take) => lastValueFrom(body.pull(take), { defaultValue: undefined })),
  slowly('for await', iterate),
  slowly('readable()', (body, take) => iterate(body.readable(), take)),
  {
    name: '1 GiB: subscribe',
    async run(client, small) {
      const size = small ? 64 * MiB : GiB;
      const taken = await subscribe(client, `length/${size}`, Infinity);
      check(taken === size, `${taken} bytes came of ${size}`);
    },
  },
  {
    name: '1 GiB: unsubscribe in the middle',
    async run(client, small) {
      const size = small ? 64 * MiB : GiB;
      const taken = await subscribe(client, `length/${size}`, size / 2);
      await pause(50);
      const { sent, open } = await client.seen();
      check(small || sent - taken < inFastKernels, `the server has sent ${sent} bytes, ${taken} were taken`);
      check(open === 1, `${open} connections are open`);
    },
  },
  {
    name: 'a chunk for every byte: subscribe',
    async run(client, small) {
      await subscribe(client, 'ones', small ? MiB : 8 * MiB);
    },
  },
  {
    name: 'a chunk for every byte: pull',
    async run(client, small) {
      let taken = 0;
      const pulled$ = client.get('ones').pipe(
        mergeMap(({ body }) => body.pull(chunk => from(Promise.resolve((taken += chunk.length))))),
        takeWhile(() => taken < (small ? 128 * KiB : MiB)),
        ignoreElements(),
      );
      await lastValueFrom(pulled$, { defaultValue: undefined });
    },
  },
  {
    name: 'a segment for every byte, 1 MiB: text()',
    async run(client, small) {
      const size = small ? 64 * KiB : MiB;
      const before = process.cpuUsage();
      const { length } = await lastValueFrom(client.get(`bytes/${size}`).pipe(text()));
      const { user, system } = process.cpuUsage(before);
      check(length === size, `${length} bytes came of ${size}`);
      const perByte = (user + system) / size;
      check(small || perByte < 20, `a byte took ${perByte.toFixed(1)} µs of the processor`);
      return `${perByte.toFixed(1)} µs of the processor a byte`;
    },
  },
  {
    name: '1 000 responses of 64 KiB, only the status read',
    async run(client, small) {
      const count = small ? 200 : 1_000;
      const statuses$ = range(0, count).pipe(
        mergeMap(() => client.get(`length/${64 * KiB}`), 50),
        map(({ status }) => check(status === 200, `status ${status}`)),
        ignoreElements(),
      );
      await lastValueFrom(statuses$, { defaultValue: undefined });
      await pause(100); // the last bodies are still on their way
      const { leased, opened } = client.agent.pool.stats();
      check(leased === 0 && opened <= 51, `${leased} of ${opened} connections are leased`);
    },
  },
  {
    name: 'upload, 1 GiB: AsyncIterable',
    run: (client, small) => upload(client, small ? 64 * MiB : GiB, source => source),
  },
  {
    name: 'upload, the source waits',
    async run(client, small) {
      const waiting = async function* (): AsyncGenerator<Uint8Array> {
        yield new Uint8Array(MiB);
        await pause(small ? 10 : 1_000);
        yield new Uint8Array(MiB);
      };
      const { status } = await firstValueFrom(client.post(`take/${2 * MiB}`, waiting(), 2 * MiB));
      check(status === 200, `status ${status}`);
    },
  },
  stopped('AsyncIterable', source => source),
  stopped('Readable', source => Readable.from(source, { objectMode: false })),
  stopped('factory', source => () => source),
  ...['head', 'field', 'informational', 'extensions', 'extension', 'trailers'].map(flood),
  {
    name: '5 000 idle connections',
    // A socket of Node takes some 5 KiB by itself, an idle connection of `http.Agent` 15.
    bound: 96,
    async run(client, small) {
      const connections = small ? 200 : 5_000;
      await client.idle(connections);
      await pause(500);
      const { idle } = client.agent.pool.stats();
      check(idle >= connections, `${idle} connections are idle`);
    },
  },
];
