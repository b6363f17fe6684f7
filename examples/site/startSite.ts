import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { behaviours } from './behaviours.js';
import { makePages } from './pages.js';

export interface Site {
  readonly start: string;
  readonly hosts: ReadonlySet<string>;
  /** The URLs of all pages, and the sha256 of each. */
  readonly pages: ReadonlyMap<string, string>;
  /** Its names are in no DNS: they are all this machine. */
  readonly lookup: LookupFunction;
  close(): Promise<void>;
}

export interface SiteOptions {
  /** How many pages there are. */
  readonly pages: number;
  /** Serves one page with a wrong byte. */
  readonly corrupt?: boolean;
}

/** Serves a site of several hosts on the loopback interface. */
export async function startSite({ pages: count, corrupt = false }: SiteOptions): Promise<Site> {
  const server = createServer({ keepAliveTimeout: 0 }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const answers = new Map(Object.entries(behaviours()).map(([name, answer]) => [`${name}.site.test:${port}`, answer]));
  const hosts = [...answers.keys()];
  const pages = makePages(hosts, count);
  const byURL = new Map(pages.map(page => [page.url, page]));
  const checksums = new Map(pages.map(page => [page.url, page.checksum]));
  if (corrupt) pages[1].body[pages[1].body.length - 7] ^= 1;

  server.on('request', (request, response) => {
    const { host = '' } = request.headers;
    const path = request.url ?? '/';
    const page = byURL.get(`http://${host}${path}`);
    const moved = pages[Number(/^\/moved\/(\d+)$/.exec(path)?.[1])];
    response.setHeader('content-type', 'text/html; charset=utf-8');
    if (page !== undefined) answers.get(host)!(page, request, response);
    else if (moved !== undefined) {
      const { host: target, pathname } = new URL(moved.url);
      const location = target === host ? pathname : moved.url;
      response.writeHead(moved.n % 2 === 0 ? 301 : 302, { location }).end('It is elsewhere.\n');
    } else response.writeHead(404).end('There is no such page.\n');
  });

  return {
    start: pages[0].url,
    hosts: new Set(hosts),
    pages: checksums,
    lookup: (_hostname, _options, callback) => callback(null, '127.0.0.1', 4),
    close: async () => {
      server.close().closeAllConnections();
      await once(server, 'close');
    },
  };
}
