// The library as its users get it: the build, its defaults but for the number of connections.
import { readFileSync } from 'node:fs';
import { EMPTY, firstValueFrom, mergeMap } from 'rxjs';
import { CookieJar } from 'tough-cookie';
import { library } from '../lib/build.mjs';
import { checkLength, checkText, headers, idleCost } from './common.mjs';

const { Agent, bytes: toBytes, cookies, discard: toNothing, followRedirects, retryFailures, text: toText } = library;

function agent({ connections = 50, pool, ca }) {
  return new Agent({
    headers,
    pool: { maxConnectionsPerHost: connections, ...pool },
    ...(ca === undefined ? {} : { connect: { ca: readFileSync(ca, 'latin1') } }),
  });
}

/** Observes one value, and tells of it when all is complete. */
const observer = (check, done) => {
  let value;
  return { next: next => (value = next), error: done, complete: () => check(value, done) };
};

export function text({ origin, path = '/json', ...options }) {
  const client = agent(options);
  const url = origin + path;
  return { start: done => client.get(url).pipe(toText()).subscribe(observer(checkText, done)) };
}

/** Nothing around the request, not even what the agent does by default. */
export function bare({ origin, path = '/json' }) {
  const client = agent({}).extend({ decompress: false });
  const url = origin + path;
  return { start: done => client.get(url).pipe(toText()).subscribe(observer(checkText, done)) };
}

/** All that one would put around it, with nothing for it to do. */
export function fullStack({ origin, path = '/json' }) {
  const interceptors = [followRedirects(), cookies(new CookieJar()), retryFailures()];
  const client = agent({}).extend({ interceptors });
  const url = origin + path;
  return { start: done => client.get(url).pipe(toText()).subscribe(observer(checkText, done)) };
}

export function promise({ origin, path = '/json', ...options }) {
  const client = agent(options);
  const url = origin + path;
  return { start: done => firstValueFrom(client.get(url).pipe(toText())).then(body => checkText(body, done), done) };
}

// ---- downloads: so many bytes are one operation ----

export function discard({ origin, path, size }) {
  const client = agent({});
  return {
    unit: size,
    start: done =>
      client
        .get(origin + path)
        .pipe(toNothing())
        .subscribe({ error: done, complete: () => done() }),
  };
}

export function bytes({ origin, path, size }) {
  const client = agent({});
  const check = (body, done) => checkLength(body.length, size, done);
  return {
    unit: size,
    start: done =>
      client
        .get(origin + path)
        .pipe(toBytes())
        .subscribe(observer(check, done)),
  };
}

export function pull({ origin, path, size }) {
  const client = agent({});
  const start = done => {
    let length = 0;
    const count = chunk => {
      length += chunk.length;
      return EMPTY;
    };
    client
      .get(origin + path)
      .pipe(mergeMap(response => response.body.pull(count)))
      .subscribe({ error: done, complete: () => checkLength(length, size, done) });
  };
  return { unit: size, start };
}

export function body({ origin, path, size }) {
  const client = agent({});
  const start = done => {
    let length = 0;
    client
      .get(origin + path)
      .pipe(mergeMap(response => response.body))
      .subscribe({
        next: chunk => (length += chunk.length),
        error: done,
        complete: () => checkLength(length, size, done),
      });
  };
  return { unit: size, start };
}

export function upload({ origin, size }) {
  const client = agent({});
  const content = Buffer.alloc(size, 'x');
  const check = (answer, done) => checkLength(Number(answer), size, done);
  return {
    unit: size,
    start: done => client.put(`${origin}/sink`, content).pipe(toText()).subscribe(observer(check, done)),
  };
}

// ---- many connections ----

export function manyHosts({ origins }) {
  const client = agent({
    pool: { maxConnections: Infinity, maxPersistent: Infinity, cachedConnectionTimeout: 600_000 },
  });
  const urls = origins.map(origin => `${origin}/json`);
  let at = 0;
  const start = done => {
    at = (at + 1) % urls.length;
    client.get(urls[at]).pipe(toText()).subscribe(observer(checkText, done));
  };
  return { start };
}

export function idle({ origin }) {
  const limit = 100_000;
  const client = agent({
    connections: limit,
    pool: {
      maxConnections: limit,
      maxPersistent: limit,
      maxPersistentPerHost: limit,
      cachedConnectionTimeout: 600_000,
    },
  });
  const one = () => firstValueFrom(client.get(`${origin}/json`).pipe(toText()));
  const openAll = async count => {
    await Promise.all(Array.from({ length: count }, one));
    // A connection that came back may have served a get whose own dial went on.
    while (client.pool.stats().connecting > 0) await new Promise(resolve => setTimeout(resolve, 10));
    if (client.pool.stats().idle !== count) throw new Error(`${client.pool.stats().idle} connections are idle`);
  };
  return idleCost(openAll, () => firstValueFrom(client.close()));
}
