/**
 * A crawler: the example of how the library is used.
 *
 *   npm start                    crawls a site of its own, on the loopback interface
 *   npm start -- --quick         the same, but smaller; for CI
 *   npm start -- https://host/   crawls a real site: politely, within its origin, 200 requests at most
 *
 * Ctrl-C ends it with the table, a second one at once.
 */
import { createHash } from 'node:crypto';
import {
  catchError,
  defer,
  EMPTY,
  endWith,
  expand,
  filter,
  from,
  fromEvent,
  ignoreElements,
  lastValueFrom,
  map,
  mergeMap,
  NEVER,
  type Observable,
  retry,
  take,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { Agent, type AgentOptions, type HTTPInterceptor, type HTTPResponse, isHTTPClientError } from 'rxjs-http-pool';
import { checks } from './checks.js';
import { Report } from './report.js';
import { type Site, startSite } from './site/startSite.js';

/** What came of one URL. A redirect is a page too: its one link leads to where it points. */
export interface Page {
  readonly url: string;
  readonly status: number;
  readonly links: readonly string[];
  readonly bytes: number;
  readonly checksum: string;
  /** From the request's first byte to the response's last. */
  readonly ms: number;
  /** How often the server fell silent before it came. */
  readonly stalls: number;
}

type Wanted = (url: string, page: Page) => boolean;

// ---- the crawler -----------------------------------------------------------------------------------------------------

/**
 * Everything that can be reached from `start` over links that are wanted. Whatever is found is asked for at once: the
 * limits of the pool decide how much of that is under way, the rest waits in its queue. Unsubscribing cancels it all.
 */
export function crawl(agent: Agent, start: string, wanted: Wanted, failed: (error: unknown) => void): Observable<Page> {
  const seen = new Set([start]);
  const visit = (url: string): Observable<Page> =>
    fetchPage(agent, url).pipe(
      catchError((error: unknown) => {
        failed(error);
        return EMPTY; // a page less, and the crawl goes on
      }),
    );
  return visit(start).pipe(
    expand(page =>
      from(page.links).pipe(
        filter(url => !seen.has(url) && wanted(url, page)),
        tap(url => seen.add(url)),
        mergeMap(visit),
      ),
    ),
  );
}

/** If the server stalls, the timeout destroys the connection, and the page is asked for again, over another. */
function fetchPage(agent: Agent, url: string): Observable<Page> {
  return defer(() => {
    let stalls = 0;
    return agent.get(url).pipe(
      mergeMap(readPage),
      retry({ count: 3, delay: error => (isStall(error) ? timer(50 * ++stalls) : throwError(() => error)) }),
      map(page => ({ ...page, stalls })),
    );
  });
}

const isStall = (error: unknown): boolean =>
  isHTTPClientError(error, 'ERR_HEADERS_TIMEOUT') || isHTTPClientError(error, 'ERR_BODY_TIMEOUT');

function readPage(response: HTTPResponse): Observable<Page> {
  const { url, status, headers, ok } = response;
  const isHTML = headers.get('content-type')?.startsWith('text/html') ?? false;
  const location = headers.get('location');
  const body$ =
    ok && isHTML
      ? response.bytes()
      : // Not wanted. Unsubscribing gives the connection back if the rest of the body is short, and closes it if not.
        response.body.pipe(take(1), ignoreElements(), endWith(new Uint8Array()));
  return body$.pipe(
    map(body => {
      const { send, wait, receive = 0 } = response.timings;
      const links = linksOf(location === null ? hrefsOf(body) : [location], url);
      const checksum = createHash('sha256').update(body).digest('hex');
      return { url, status, links, bytes: body.length, checksum, ms: send + wait + receive, stalls: 0 };
    }),
  );
}

const anchor = /<a\s[^>]*?href\s*=\s*["']?([^"'\s>#]+)/gi;

const hrefsOf = (html: Uint8Array): string[] =>
  Array.from(Buffer.from(html).toString().matchAll(anchor), ([, href]) => href);

function linksOf(hrefs: readonly string[], base: string): string[] {
  const urls = hrefs.filter(href => URL.canParse(href, base)).map(href => new URL(href, base));
  for (const url of urls) url.hash = '';
  return urls.filter(({ protocol }) => /^https?:$/.test(protocol)).map(url => url.href);
}

/** An interceptor: lets requests out no less than `delay` ms apart. */
function paced(delay: number): HTTPInterceptor {
  let free = 0;
  return (request, next) =>
    defer(() => {
      const start = Math.max(free, Date.now());
      free = start + delay;
      return timer(new Date(start)).pipe(mergeMap(() => next(request)));
    });
}

// ---- the program -----------------------------------------------------------------------------------------------------

interface Job {
  readonly start: string;
  readonly wanted: Wanted;
  readonly options: AgentOptions;
}

/** Our own site: all of its hosts. It answers within a second or not at all. */
export function siteJob({ start, hosts, lookup }: Site): Job {
  const timeouts = { headers: 1_000, bodyIdle: 1_000 };
  return { start, wanted: url => hosts.has(new URL(url).host), options: { timeouts, connect: { lookup } } };
}

/** A real site: its own origin, or the one that it redirects us to before it shows any page. */
function realJob(start: string, limit = 200, delay = 100): Job {
  const origins = new Set([new URL(start).origin]);
  let arrived = false;
  let requests = 1;
  const wanted: Wanted = (url, page) => {
    arrived ||= page.status < 300;
    if (!arrived) origins.add(new URL(url).origin);
    return origins.has(new URL(url).origin) && requests++ < limit;
  };
  const timeouts = { headers: 10_000, bodyIdle: 10_000 };
  return { start: new URL(start).href, wanted, options: { timeouts, interceptors: [paced(delay)] } };
}

/** Does a job until it is done or told to stop. Everything is closed when it returns. */
export async function run({ start, wanted, options }: Job, stop$: Observable<unknown> = NEVER, show = false) {
  // Less in all than six hosts would take, so that both limits are felt.
  const caps = { maxConnections: 22, maxConnectionsPerHost: 4 };
  const agent = new Agent({ pool: caps, key: ({ url }) => new URL(url).origin, ...options });
  const report = new Report(agent.pool, caps);
  const progress = show ? report.showProgress() : undefined;
  const pages$ = crawl(agent, start, wanted, error => report.failures.push(error)).pipe(
    filter(page => page.status === 200),
    tap(page => report.page(page)),
    takeUntil(stop$),
  );
  await lastValueFrom(pages$, { defaultValue: null });
  progress?.unsubscribe();
  await lastValueFrom(agent.close({ gracePeriod: 0 }));
  return report;
}

async function main(args: readonly string[]): Promise<void> {
  const url = args.find(arg => !arg.startsWith('-'));
  const site = url === undefined ? await startSite({ pages: args.includes('--quick') ? 120 : 600 }) : undefined;
  // `take(1)` takes the listener off again: the second Ctrl-C does what it does by default.
  const interrupted$ = fromEvent(process, 'SIGINT').pipe(
    take(1),
    tap(() => (process.exitCode = 130)),
  );
  console.log(`crawling ${url ?? `${site?.start} and what it links to, a site of our own`} (Ctrl-C stops)`);
  const report = await run(site ? siteJob(site) : realJob(url!), interrupted$, true);
  await site?.close();
  console.log(report.table());
  if (process.exitCode === 130) console.log('interrupted');
  if (process.exitCode !== undefined) return;
  const results = site ? checks(site, report) : [{ ok: report.pages.length > 0, what: 'pages were found' }];
  for (const { ok, what } of results) console.log(`${ok ? 'ok    ' : 'FAILED'}  ${what}`);
  if (results.some(({ ok }) => !ok)) process.exitCode = 1;
}

// No process.exit: when all is closed there is nothing that keeps the process alive.
if (require.main === module) void main(process.argv.slice(2));
