import { describe, expect, it } from '@jest/globals';
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as path from 'node:path';
import ts from 'typescript';
import { turns } from '../loopback/index.js';
import * as library from '../../src/index.js';

const { resolve } = path;
const root = resolve(__dirname, '../..');
const pages = ['README.md', ...fs.readdirSync(resolve(root, 'docs')).map(file => `docs/${file}`)];

interface Example {
  readonly page: string;
  readonly line: number;
  readonly code: string;
}

/** The TypeScript blocks of a page, as they stand. */
function examplesOf(page: string): Example[] {
  const text = fs.readFileSync(resolve(root, page), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(match => ({
    page,
    line: text.slice(0, match.index).split('\n').length,
    code: match[1],
  }));
}

/** Runs a block as a module, with the site at the address that it names. Resolves with what it printed. */
async function run(code: string, port: number): Promise<{ logged: unknown[][]; errors: unknown[][] }> {
  const { outputText } = ts.transpileModule(code.replaceAll('8080', String(port)), {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true },
  });
  const logged: unknown[][] = [];
  const errors: unknown[][] = [];
  const console = { log: (...args: unknown[]) => logged.push(args), error: (...args: unknown[]) => errors.push(args) };
  const agents: library.Agent[] = [];
  const pools: library.HTTPConnectionPool[] = [];
  // The block's own agents and pools, to know when it is done.
  const watched = {
    ...library,
    Agent: class extends library.Agent {
      constructor(options?: library.AgentOptions) {
        super(options);
        agents.push(this);
      }
    },
    HTTPConnectionPool: class extends library.HTTPConnectionPool {
      constructor(options?: library.HTTPConnectionPoolOptions) {
        super(options);
        pools.push(this);
      }
    },
  };
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a block imports what it likes, by name
  const load = (name: string): unknown => (name === 'rxjs-http-pool' ? watched : require(name));
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the blocks are our own pages', and run as modules
  new Function('require', 'exports', 'console', outputText)(load, {}, console);
  const busy = (): boolean =>
    [...agents.map(agent => agent.pool), ...pools].some(pool => {
      const { leased, connecting, pending } = pool.stats();
      return leased + connecting + pending > 0;
    });
  await settled(() => !busy() && (logged.length > 0 || errors.length > 0));
  return { logged, errors };
}

/** Polls by turns of the event loop, as fast as they come; what is waited for is on the loopback. */
async function settled(done: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  for (let calm = 0; calm < 20 && performance.now() < deadline;) {
    await turns();
    calm = done() ? calm + 1 : 0;
  }
}

function site(): http.Server {
  let busy = true;
  return http.createServer((request, response) => {
    const url = request.url ?? '';
    if (url === '/moved') response.writeHead(302, { Location: '/hello', 'Set-Cookie': 'sid=1' });
    if (url === '/busy' && busy) {
      busy = false;
      response.statusCode = 503;
    }
    if (url === '/echo') request.pipe(response);
    else if (url === '/events') response.setHeader('Content-Type', 'text/event-stream').end('id: 1\ndata: hello\n\n');
    else if (url.startsWith('/json')) response.end('{"ok":true}');
    else response.end('hello');
  });
}

describe('the code in the pages', () => {
  const examples = pages.flatMap(examplesOf);

  it('is there', () => {
    expect(examples.length).toBeGreaterThanOrEqual(10);
  });

  for (const { page, line, code } of examples) {
    it(`runs: ${page}:${line}`, async () => {
      const own = code.includes('createServer');
      const server = site();
      await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
      const { port } = server.address() as AddressInfo;
      if (own) await new Promise(closed => server.close(closed));
      try {
        const { logged, errors } = await run(code.replaceAll('localhost', '127.0.0.1'), port);
        expect(errors).toEqual([]);
        expect(logged.length).toBeGreaterThan(0);
        if (page === 'README.md') expect(logged).toEqual([['100 pages, 8 connections']]);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });
  }
});
