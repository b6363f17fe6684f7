import { readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { Agent, fetch as undiciFetch, Pool, request as undiciRequest } from 'undici';
import { checkBytes, checkLength, checkText, headers, idleCost } from './common.mjs';

function pool({ origin, connections = 50, ca }) {
  const connect = ca === undefined ? undefined : { ca: readFileSync(ca, 'latin1') };
  return new Pool(origin, { connections, pipelining: 1, allowH2: false, connect });
}

export function request({ path = '/json', ...options }) {
  const client = pool(options);
  const init = { path, method: 'GET', headers };
  return {
    start: done =>
      client
        .request(init)
        .then(({ body }) => body.text())
        .then(text => checkText(text, done), done),
  };
}

/** The lowest level that undici documents: no response object, no promise, no text. */
export function dispatch({ path = '/json', ...options }) {
  const client = pool(options);
  const init = { path, method: 'GET', headers };
  const start = done => {
    const chunks = [];
    client.dispatch(init, {
      onRequestStart: () => undefined,
      onResponseStart: () => undefined,
      onResponseData: (_controller, chunk) => chunks.push(chunk),
      onResponseEnd: () => checkBytes(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks), done),
      onResponseError: (_controller, error) => done(error),
    });
  };
  return { start };
}

export function fetch({ origin, path = '/json', ...options }) {
  const dispatcher = new Agent({ connections: 50, pipelining: 1, allowH2: false, ...options });
  const init = { headers, dispatcher };
  return {
    start: done =>
      undiciFetch(origin + path, init)
        .then(response => response.text())
        .then(text => checkText(text, done), done),
  };
}

export function stream({ path, size, ...options }) {
  const client = pool(options);
  const start = done => {
    let length = 0;
    const sink = () =>
      new Writable({
        write(chunk, _encoding, callback) {
          length += chunk.length;
          callback();
        },
      });
    client.stream({ path, method: 'GET', headers }, sink).then(() => checkLength(length, size, done), done);
  };
  return { unit: size, start };
}

export function upload({ size, ...options }) {
  const client = pool(options);
  const content = Buffer.alloc(size, 'x');
  return {
    unit: size,
    start: done =>
      client
        .request({ path: '/sink', method: 'PUT', headers, body: content })
        .then(({ body }) => body.text())
        .then(text => checkLength(Number(text), size, done), done),
  };
}

export function manyHosts({ origins }) {
  const dispatcher = new Agent({ connections: 1, pipelining: 1, allowH2: false, keepAliveTimeout: 600_000 });
  const urls = origins.map(origin => `${origin}/json`);
  let at = 0;
  const start = done => {
    at = (at + 1) % urls.length;
    undiciRequest(urls[at], { dispatcher, headers })
      .then(({ body }) => body.text())
      .then(text => checkText(text, done), done);
  };
  return { start };
}

export function idle({ origin }) {
  const limit = 100_000;
  const client = new Pool(origin, { connections: limit, pipelining: 1, allowH2: false, keepAliveTimeout: 600_000 });
  const one = () => client.request({ path: '/json', method: 'GET', headers }).then(({ body }) => body.text());
  const openAll = async count => {
    await Promise.all(Array.from({ length: count }, one));
    if (client.stats.connected !== count) throw new Error(`${client.stats.connected} connections are open`);
  };
  return idleCost(openAll, () => client.close());
}
