import { firstValueFrom, lastValueFrom } from 'rxjs';
import { Agent, HTTPConnectionPool, isHTTPClientError, tcp, text } from 'rxjs-http-pool';
import { ca } from './ca.js';

// idleExit CASE PORT: does what the case says, prints `last` at its last statement, and ends by itself, or not.

const [name, portText] = process.argv.slice(2);
const port = Number(portText);
const url = `http://127.0.0.1:${port}/`;
const endpoint$ = tcp({ host: '127.0.0.1', port });

const cases: Record<string, () => Promise<unknown>> = {
  'nothing at all': async () => undefined,
  'an agent': () => lastValueFrom(new Agent().get(url).pipe(text())),
  'an agent over TLS': () =>
    lastValueFrom(
      new Agent({ connect: { ca: ca(), servername: 'localhost' } }).get(url.replace('http:', 'https:')).pipe(text()),
    ),
  'an agent with a deadline and a signal': () =>
    lastValueFrom(
      new Agent({ timeouts: { total: 30_000 } }).get(url, { signal: new AbortController().signal }).pipe(text()),
    ),
  'a pool': async () => {
    const lease = await firstValueFrom(new HTTPConnectionPool().get('key', endpoint$));
    const response = await firstValueFrom(lease.request({ path: '/' }));
    await firstValueFrom(response.discard());
  },
  'a pool whose events are observed': async () => {
    const pool = new HTTPConnectionPool();
    pool.events.subscribe();
    const lease = await firstValueFrom(pool.get('key', endpoint$, { acquireTimeout: 30_000 }));
    await lastValueFrom(lease.request({ path: '/' }).pipe(text()));
  },
  'a lease that was released': async () =>
    (await firstValueFrom(new HTTPConnectionPool().get('key', endpoint$))).release(),
  'a lease that was aborted': async () =>
    (await firstValueFrom(new HTTPConnectionPool().get('key', endpoint$))).abort(),
  'a get that was unsubscribed from': async () =>
    new HTTPConnectionPool().get('key', endpoint$, { acquireTimeout: 30_000 }).subscribe().unsubscribe(),
  'a response of which the status was read': () => firstValueFrom(new Agent().get(url)),
  'many connections': () => {
    const agent = new Agent();
    return Promise.all(Array.from({ length: 20 }, () => lastValueFrom(agent.get(url).pipe(text()))));
  },
  'many requests with one signal': () => {
    const agent = new Agent();
    const { signal } = new AbortController();
    return Promise.all(Array.from({ length: 60 }, () => lastValueFrom(agent.get(url, { signal }).pipe(text()))));
  },
  'a pool that is closed with a grace period': async () => {
    const pool = new HTTPConnectionPool();
    const lease = await firstValueFrom(pool.get('key', endpoint$));
    await lastValueFrom(lease.request({ path: '/' }).pipe(text()));
    pool.close({ gracePeriod: 30_000 });
  },
  // These wait for something: they end with its error, and not before.
  'a get in the queue': async () => {
    const pool = new HTTPConnectionPool({ maxConnectionsPerHost: 1 });
    const lease = await firstValueFrom(pool.get('key', endpoint$));
    await failure(firstValueFrom(pool.get('key', endpoint$, { acquireTimeout: 500 })));
    lease.release();
  },
  'a get that dials': () =>
    failure(firstValueFrom(new HTTPConnectionPool().get('key', endpoint$, { acquireTimeout: 500 }))),
  'a request without an answer': () =>
    failure(firstValueFrom(new Agent({ timeouts: { headers: 500 } }).get(`${url}never`))),
  'a request over a reused connection': async () => {
    const agent = new Agent({ timeouts: { headers: 500 } });
    await lastValueFrom(agent.get(url).pipe(text()));
    // Longer than a turn of the loop: by now the idle connection is unref'd.
    await new Promise(resolve => setTimeout(resolve, 20));
    await failure(firstValueFrom(agent.get(`${url}never`)));
  },
  'a lease that nobody uses': async () => {
    const pool = new HTTPConnectionPool({ leaseTimeout: 500 });
    pool.events.subscribe(({ type }) => {
      if (type === 'leaked') console.log(type);
    });
    await firstValueFrom(pool.get('key', endpoint$));
  },
};

async function failure(promise: Promise<unknown>): Promise<void> {
  console.log(await promise.then(String, (error: unknown) => (isHTTPClientError(error) ? error.code : String(error))));
}

void cases[name]().then(() => console.log('last'));
