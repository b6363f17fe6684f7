import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { KeysResult } from '../loopback/programs/keys.js';
import { blackhole, httpServer, httpsServer, type Loopback, Program } from '../loopback/index.js';

jest.setTimeout(60_000);

/** How long after its last statement a program may live, over what an empty one takes to end, in ms. */
const atOnce = 1_000;

describe('the process of a script', () => {
  let server: Loopback;
  let secure: Loopback;
  /** From the last statement to the end, of a program that uses nothing of the library. */
  let empty: number;

  beforeAll(async () => {
    // Keeps idle connections open, for ever: whoever ends first, it is not the server.
    server = await httpServer((request, response) => {
      if (!request.url!.startsWith('/never')) response.end('hello');
    });
    secure = await httpsServer((_, response) => response.end('hello'));
    empty = (await run('nothing at all', server.port)).lived;
  });

  afterAll(() => Promise.all([server.close(), secure.close()]));

  async function run(name: string, port: number): Promise<{ readonly output: string[]; readonly lived: number }> {
    const program = new Program('idleExit', [name, port]);
    const output = (await program.done(20_000)).trim().split('\n');
    expect(program.errors).toBe(''); // no warning of a leak, or of anything else
    return { output, lived: program.exitedAt - program.lastLineAt };
  }

  for (const name of [
    'an agent',
    'an agent over TLS',
    'an agent with a deadline and a signal',
    'a pool',
    'a pool whose events are observed',
    'a lease that was released',
    'a lease that was aborted',
    'a get that was unsubscribed from',
    'a response of which the status was read',
    'many connections',
    'many requests with one signal',
    'a pool that is closed with a grace period',
  ]) {
    it(`ends at once after ${name}`, async () => {
      const { output, lived } = await run(name, name === 'an agent over TLS' ? secure.port : server.port);
      expect(output).toEqual(['last']);
      expect(lived).toBeLessThan(empty + atOnce);
    });
  }

  for (const [name, error] of [
    ['a get in the queue', 'ERR_ACQUIRE_TIMEOUT'],
    ['a request without an answer', 'ERR_HEADERS_TIMEOUT'],
    ['a request over a reused connection', 'ERR_HEADERS_TIMEOUT'],
  ]) {
    it(`is kept alive by ${name}`, async () => {
      expect((await run(name, server.port)).output).toEqual([error, 'last']);
    });
  }

  it('is kept alive by a get that dials', async () => {
    const { port, close } = await blackhole();
    expect((await run('a get that dials', port)).output).toEqual(['ERR_ACQUIRE_TIMEOUT', 'last']);
    await close();
  });

  it('is kept alive by a lease that nobody uses, for leaseTimeout', async () => {
    expect((await run('a lease that nobody uses', server.port)).output).toEqual(['last', 'leaked']);
  });
});

describe('10 000 keys, each used once', () => {
  let server: Loopback;

  beforeAll(async () => {
    server = await httpServer((request, response) => response.end(request.url));
  });

  afterAll(() => server.close());

  for (const kind of ['pool', 'agent']) {
    it(`leave no memory behind: ${kind}`, async () => {
      const program = new Program('keys', [kind, 5_000, server.port], { flags: ['--expose-gc'] });
      const { before, after, external, stats, keys, ms } = await program.result<KeysResult>(60_000);
      const perKey = (after - before) / keys;
      console.log(
        `${kind}: heap ${before} -> ${after}, ${perKey.toFixed(1)} bytes a key, external ${external}, ${Math.round(ms)} ms`,
      );
      expect(stats).toMatchObject({ leased: 0, idle: 0, connecting: 0, validating: 0, pending: 0 });
      expect(stats.leases).toBeGreaterThanOrEqual(5_000);
      // What is there is some 0.2 to 1 MB of compiled code, and of URLs and endpoints remembered (1 000 at most), for 2 000
      // keys and for 24 000; a key kept costs 500 bytes and more.
      expect(perKey).toBeLessThan(250);
      expect(external).toBeLessThan(1_000_000);
    });
  }
});
