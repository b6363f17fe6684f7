import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { concatMap, firstValueFrom, from, lastValueFrom, map, toArray } from 'rxjs';
import { Agent, type AgentOptions, type HTTPResponse } from '../../src/agent/index.js';
import { decompress } from '../../src/interceptors/index.js';
import { bytes, json, text } from '../../src/operators/index.js';
import { httpServer, type Loopback, turns, until } from '../loopback/index.js';
import { answer, openAgent, record } from '../support/index.js';

/** Node 22 has it too, but does not see that a body is truncated. */
const hasZstd = Number.parseInt(process.versions.node) >= 24;
const { zstdCompressSync } = zlib as typeof zlib & { zstdCompressSync?: (data: Uint8Array) => Buffer };

const encoders: Readonly<Record<string, (data: Uint8Array) => Buffer>> = {
  gzip: data => zlib.gzipSync(data),
  'x-gzip': data => zlib.gzipSync(data),
  deflate: data => zlib.deflateSync(data),
  'deflate, raw': data => zlib.deflateRawSync(data),
  br: data => zlib.brotliCompressSync(data, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }),
  ...(hasZstd && { zstd: zstdCompressSync! }),
};
const codingOf = (name: string): string => name.replace(', raw', '');

/** Text that compresses as text does. */
const textOf = (length: number): string =>
  Array.from({ length: Math.ceil(length / 8) }, (_, i) => ((i * 2654435761) % 2 ** 32).toString(16).padStart(8))
    .join('')
    .slice(0, length);

interface Served {
  readonly body: Buffer;
  readonly encoding: string;
  readonly status?: number;
  /** Ends the connection after so many bytes. */
  readonly cut?: number;
  /** Sends in pieces of so many bytes. */
  readonly pieces?: number;
}

let server: Loopback;
let agent: Agent;
const served = new Map<string, Served>();
const asked: (string | undefined)[] = [];
let sent = 0;

beforeAll(async () => {
  server = await httpServer((request, response) => {
    asked.push(request.headers['accept-encoding']);
    const { body, encoding, status = 200, cut = Infinity, pieces = 65_536 } = served.get(request.url!)!;
    response.writeHead(status, { 'Content-Encoding': encoding, 'Content-Length': body.length, 'X-Other': 'kept' });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    let at = 0;
    const next = (): void => {
      if (at >= cut) return void response.destroy();
      if (at >= body.length) return void response.end();
      const piece = body.subarray(at, Math.min(at + pieces, cut));
      at += piece.length;
      sent = at;
      response.write(piece, () => void turns(1).then(next));
    };
    next();
  });
  agent = new Agent();
});
afterAll(async () => {
  await lastValueFrom(agent.close());
  await server.close();
});

const urlOf = (name: string, what: Served): string => {
  served.set(`/${encodeURIComponent(name)}`, what);
  return `http://127.0.0.1:${server.port}/${encodeURIComponent(name)}`;
};
const get = (what: Served, options: AgentOptions = {}): Promise<HTTPResponse> =>
  firstValueFrom(agent.extend(options).get(urlOf('it', what)));
const failureOf = (response: HTTPResponse): Promise<unknown> =>
  lastValueFrom(response.bytes()).then(
    body => `${body.length} bytes`,
    (error: unknown) => error,
  );

describe.each(Object.keys(encoders))('a body in %s', name => {
  const encode = encoders[name];
  const encoding = codingOf(name);

  it.each([1, 300, 60_000, 1_000_000])('of %i bytes, read in every way', async length => {
    const plain = textOf(length);
    const url = urlOf(name, { body: encode(Buffer.from(plain)), encoding });
    expect(await lastValueFrom(agent.get(url).pipe(text()))).toBe(plain);
    const response = await firstValueFrom(agent.get(url));
    await turns(3); // what fits is read ahead
    expect(await lastValueFrom(response.text())).toBe(plain);
    const pulled = agent.get(url).pipe(
      concatMap(({ body }) => body.pull(chunk => [chunk.slice()])),
      toArray(),
      map(chunks => Buffer.concat(chunks).toString()),
    );
    expect(await lastValueFrom(pulled)).toBe(plain);
    let iterated = '';
    for await (const chunk of (await firstValueFrom(agent.get(url))).body) iterated += Buffer.from(chunk).toString();
    expect(iterated).toBe(plain);
    expect(server.open.size).toBe(1);
  });

  it('byte by byte', async () => {
    const plain = textOf(300);
    const url = urlOf(name, { body: encode(Buffer.from(plain)), encoding, pieces: 1 });
    expect(await lastValueFrom(agent.get(url).pipe(text()))).toBe(plain);
  });

  it('truncated: an error, not a shorter body', async () => {
    for (const length of [300, 200_000]) {
      const body = encode(Buffer.from(textOf(length)));
      const response = await get({ body: body.subarray(0, body.length - 9), encoding });
      expect(await failureOf(response)).toMatchObject({ code: 'ERR_CONTENT_DECODING', phase: 'receive' });
    }
  });

  it('cut off with the connection: that error', async () => {
    const body = encode(Buffer.from(textOf(200_000)));
    const response = await get({ body, encoding, cut: 20_000 });
    expect(await failureOf(response)).toMatchObject({ code: 'ERR_TRUNCATED_BODY' });
  });

  it('unsubscribed from in the middle: nothing is left', async () => {
    const url = urlOf(name, { body: encode(Buffer.from(textOf(1_000_000))), encoding });
    await new Promise<void>(resolve => {
      const reading = agent.get(url).pipe(concatMap(({ body }) => body.pull(() => [1])));
      const subscription = reading.subscribe(() => {
        subscription.unsubscribe();
        resolve();
      });
    });
    await until(() => agent.pool.stats().leased === 0, 'the lease ends');
    expect(
      await lastValueFrom(agent.get(urlOf('after', { body: encode(Buffer.from('ok')), encoding })).pipe(text())),
    ).toBe('ok');
  });
});

describe('an encoded body', () => {
  const gzip = (plain: string): Buffer => zlib.gzipSync(plain);

  it('says what is left of its encoding, and no length that it has not', async () => {
    const { headers, body } = await get({ body: gzip('plain'), encoding: 'gzip' });
    expect([headers.get('content-encoding'), headers.get('content-length'), headers.get('x-other')]).toEqual([
      null,
      null,
      'kept',
    ]);
    expect(body.length).toBeNull();
    await lastValueFrom(body);
  });

  it.each([['gzip'], ['GZip'], ['identity, gzip'], [' gzip ,'], ['x-GZIP']])('by any spelling: %s', async encoding => {
    expect(await lastValueFrom((await get({ body: gzip('plain'), encoding })).text())).toBe('plain');
  });

  it('in several codings, the last one first', async () => {
    const body = zlib.deflateRawSync(zlib.brotliCompressSync(gzip(textOf(1_000))));
    const response = await get({ body, encoding: 'gzip, br, deflate' });
    expect(await lastValueFrom(response.text())).toBe(textOf(1_000));
  });

  it('in a coding that is unknown: stays so, and says so', async () => {
    const response = await get({ body: zlib.gzipSync('secret'), encoding: 'gzip, lzma, gzip' });
    expect(response.headers.get('content-encoding')).toBe('gzip, lzma');
    expect(await lastValueFrom(response.text())).toBe('secret');
    expect((await get({ body: Buffer.from('raw'), encoding: 'lzma' })).headers.get('content-encoding')).toBe('lzma');
  });

  it('in more than five codings: refused (CVE-2026-22036), and its connection let go', async () => {
    const five = await get({ body: Buffer.alloc(0), encoding: Array(5).fill('gzip').join() });
    expect(await failureOf(five)).toBe('0 bytes');
    const body = Buffer.alloc(1_000_000);
    const request = get({ body, encoding: Array(6).fill('gzip').join(', ') });
    await expect(request).rejects.toMatchObject({ code: 'ERR_CONTENT_DECODING', request: { method: 'GET' } });
    await until(() => agent.pool.stats().leased === 0, 'the lease ends');
  });

  it('that is a bomb: cut off by its ratio, before it is all there', async () => {
    const bomb = zlib.gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const seen: number[] = [];
    const { body } = await get({ body: bomb, encoding: 'gzip' });
    const outcome = await lastValueFrom(body.pull(chunk => [seen.push(chunk.length)])).catch((error: unknown) => error);
    expect(outcome).toMatchObject({ code: 'ERR_CONTENT_DECODING', message: expect.stringContaining('maxRatio') });
    expect(seen.reduce((sum, length) => sum + length, 0)).toBeLessThan(17 * 1024 * 1024);
    const all = await get({ body: bomb, encoding: 'gzip' }, { decompress: { maxRatio: Infinity } });
    expect((await lastValueFrom(all.bytes())).length).toBe(64 * 1024 * 1024);
  });

  it.each([
    ['short', 1_000],
    ['long', 300_000],
  ])('that passes maxBytes, %s', async (_, length) => {
    const what = { body: gzip(textOf(length)), encoding: 'gzip' };
    expect(await failureOf(await get(what, { decompress: { maxBytes: length } }))).toBe(`${length} bytes`);
    expect(await failureOf(await get(what, { decompress: { maxBytes: length - 1 } }))).toMatchObject({
      code: 'ERR_CONTENT_DECODING',
      message: expect.stringContaining('maxBytes'),
    });
  });

  it('that is none: an error with the cause, and the pool goes on', async () => {
    const error = await failureOf(await get({ body: Buffer.from('not gzip at all'), encoding: 'gzip' }));
    expect(error).toMatchObject({
      code: 'ERR_CONTENT_DECODING',
      cause: { code: 'Z_DATA_ERROR' },
      request: { method: 'GET' },
    });
    expect(await lastValueFrom((await get({ body: gzip('fine'), encoding: 'gzip' })).text())).toBe('fine');
  });

  it('of several gzip members is all of them; what follows them is an error', async () => {
    const members = Buffer.concat([gzip('one, '), gzip(textOf(100_000)), gzip('three')]);
    const response = await get({ body: members, encoding: 'gzip' });
    expect(await lastValueFrom(response.text())).toBe(`one, ${textOf(100_000)}three`);
    const junk = await get({ body: Buffer.concat([members, Buffer.from('junk')]), encoding: 'gzip' });
    expect(await failureOf(junk)).toMatchObject({ code: 'ERR_CONTENT_DECODING' });
  });

  it('is held back by a slow reader, through the decoder', async () => {
    const body = zlib.gzipSync(randomBytes(24 * 1024 * 1024), { level: 0 });
    const response = await get({ body, encoding: 'gzip' });
    let chunks = 0;
    const reading = response.body.pull(() => (++chunks < 3 ? [1] : new Promise(() => undefined))).subscribe();
    await until(() => chunks === 3, 'three chunks are there');
    for (let before = -1; before !== sent; await turns(50)) before = sent;
    expect(sent).toBeLessThan(12 * 1024 * 1024); // what the kernels hold
    reading.unsubscribe();
    await until(() => agent.pool.stats().leased === 0, 'the lease ends');
  });

  it('to HEAD, with 206 and with 304 is left as it is', async () => {
    const what = { body: gzip('plain'), encoding: 'gzip' };
    const head = await firstValueFrom(agent.head(urlOf('head', what)));
    expect(head.headers.get('content-encoding')).toBe('gzip');
    expect(head.headers.get('content-length')).toBe(String(what.body.length));
    const part = await get({ ...what, status: 206 });
    expect(part.headers.get('content-encoding')).toBe('gzip');
    expect(Buffer.compare(await lastValueFrom(part.bytes()), what.body)).toBe(0);
  });

  it('is asked for, unless a part is, or the caller says what', async () => {
    asked.length = 0;
    const url = urlOf('asked', { body: gzip('plain'), encoding: 'gzip' });
    const all = hasZstd ? 'gzip, deflate, br, zstd' : 'gzip, deflate, br';
    await lastValueFrom(agent.get(url).pipe(text()));
    await lastValueFrom(agent.get(url, { headers: { Range: 'bytes=0-' } }).pipe(bytes()));
    await lastValueFrom(agent.get(url, { headers: { 'accept-encoding': 'br' } }).pipe(text()));
    await lastValueFrom(
      agent
        .extend({ headers: { 'Accept-Encoding': 'gzip' } })
        .get(url)
        .pipe(text()),
    );
    await lastValueFrom(agent.extend({ decompress: false }).get(url).pipe(bytes()));
    await lastValueFrom(agent.extend({ decompress: false }).extend({ decompress: true }).get(url).pipe(bytes()));
    expect(asked).toEqual([all, 'identity', 'br', 'gzip', undefined, all]);
  });

  it('stays encoded with decompress: false, and is decoded by the interceptor wherever it stands', async () => {
    const url = urlOf('interceptor', { body: gzip('{"a":1}'), encoding: 'gzip' });
    const raw = agent.extend({ decompress: false });
    expect(zlib.gunzipSync(await lastValueFrom(raw.get(url).pipe(bytes()))).toString()).toBe('{"a":1}');
    asked.length = 0;
    const outside = raw.extend({ interceptors: [decompress()] });
    expect(await lastValueFrom(outside.get(url).pipe(json()))).toEqual({ a: 1 });
    const twice = agent.extend({ interceptors: [decompress(), decompress()] });
    expect(await lastValueFrom(twice.get(url).pipe(json()))).toEqual({ a: 1 });
    expect(asked[0]).toMatch(/^gzip/);
  });

  it('whose response nobody reads gives its connection back', async () => {
    const { transports, agent: virtual } = openAgent();
    const seen = record(virtual.get('http://example.test/'));
    transports[0].respond(answer(gzip('x').toString('latin1'), { headers: ['Content-Encoding: gzip'] }));
    expect([seen.values.length, virtual.pool.stats().idle]).toEqual([1, 1]);
  });

  it('that is short is decoded where it lies, in the same turn', () => {
    const { transports, agent: virtual } = openAgent();
    const seen = record(virtual.get('http://example.test/').pipe(text()));
    transports[0].respond(answer(gzip('plain').toString('latin1'), { headers: ['Content-Encoding: gzip'] }));
    expect([seen.values, seen.completed]).toEqual([['plain'], true]);
  });

  it('options that make no sense are refused', () => {
    for (const wrong of [1, 'yes', { maxRatio: 0 }, { maxRatio: '9' }, { maxBytes: -1 }]) {
      expect(() => new Agent({ decompress: wrong as unknown as boolean })).toThrow(/decompress|maxRatio|maxBytes/);
    }
  });

  it('many bodies at once come out whole', async () => {
    const bodies = Array.from({ length: 40 }, (_, i) => textOf(i * 7_000 + 1));
    const urls = bodies.map((plain, i) => urlOf(`many ${i}`, { body: gzip(plain), encoding: 'gzip' }));
    const seen = from(urls).pipe(
      concatMap(url => agent.get(url).pipe(text())),
      toArray(),
    );
    expect(await lastValueFrom(seen)).toEqual(bodies);
  });
});
