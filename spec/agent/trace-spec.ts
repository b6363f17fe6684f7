import { channel } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { HTTPRequest, HTTPResponse } from '../../src/agent/index.js';
import { discard, text } from '../../src/operators/index.js';
import { answer, chunk, chunkedHead, openAgent, record } from '../support/index.js';

interface Message {
  readonly id: object;
  readonly request: HTTPRequest;
  readonly response?: HTTPResponse;
  readonly error?: unknown;
}

const url = 'http://example.test/path';
const names = ['create', 'sent', 'informational', 'response', 'done', 'error'];
const poolNames = ['connecting', 'connected', 'connect-failed', 'leased', 'quiescent', 'evicted', 'retried', 'closed'];

describe('the diagnostics channels of requests', () => {
  let log: string[];
  let messages: Message[];
  const listeners = names.map(name => (message: unknown) => {
    log.push(name);
    messages.push(message as Message);
  });

  beforeEach(() => {
    log = [];
    messages = [];
    names.forEach((name, at) => channel(`rxjs-http-pool:request:${name}`).subscribe(listeners[at]));
  });
  afterEach(() => {
    names.forEach((name, at) => channel(`rxjs-http-pool:request:${name}`).unsubscribe(listeners[at]));
  });

  it('tell what becomes of a request, up to the end of its body, with one id', () => {
    const { agent, transports } = openAgent();
    const { values } = record(agent.get(url));
    transports[0].respond('HTTP/1.1 103 Early Hints\r\n\r\n');
    transports[0].respond(chunkedHead + chunk('a'));
    expect(log).toEqual(['create', 'sent', 'informational', 'response']);
    record(values[0].text());
    transports[0].respond(chunk(''));
    expect(log.slice(4)).toEqual(['done']);
    expect(new Set(messages.map(({ id }) => id)).size).toBe(1);
    expect(messages.map(({ request }) => request.url)).toEqual(Array(5).fill(url));
    expect(messages[4]).toMatchObject({ response: { status: 200 }, timings: { queue: 0, acquire: 0 } });
  });

  it('tell a failure once, before the response and in its body', () => {
    const { agent, transports } = openAgent();
    record(agent.get(url));
    transports[0].reset();
    expect(log).toEqual(['create', 'sent', 'error']);
    expect(messages[2]).toMatchObject({ error: { code: 'ERR_RESPONSE_NEVER_RECEIVED' }, response: null });
    record(agent.get(url).pipe(text()));
    transports[1].respond(chunkedHead);
    transports[1].reset();
    expect(log.slice(3)).toEqual(['create', 'sent', 'response', 'error']);
    expect(messages[6]).toMatchObject({ error: { code: 'ERR_TRUNCATED_BODY' }, response: { status: 200 } });
  });

  it('tell of a request that was unsubscribed from', () => {
    const { agent } = openAgent();
    record(agent.get(url)).subscription.unsubscribe();
    expect(log).toEqual(['create', 'sent', 'error']);
    expect(messages[2]).toMatchObject({ error: { code: 'ERR_ABORTED' } });
  });

  it('change nothing for who asks: events, observers and signals are told as well', () => {
    const { agent, transports } = openAgent();
    let sent = 0;
    const seen = record(agent.requestEvents({ url, observer: { sent: () => sent++ } }));
    transports[0].respond(answer('hello'));
    expect(seen.values.map(({ type }) => type)).toEqual(['sent', 'response', 'downloadProgress', 'done']);
    expect([sent, log]).toEqual([1, ['create', 'sent', 'response', 'done']]);
    const controller = new AbortController();
    const aborted = record(agent.get(url, { signal: controller.signal }));
    controller.abort();
    expect([aborted.error, log.at(-1)]).toMatchObject([{ code: 'ERR_ABORTED' }, 'error']);
  });
});

describe('without a listener', () => {
  it('a request is the one that was given', () => {
    const seen: HTTPRequest[] = [];
    const { agent, transports } = openAgent({
      interceptors: [(request, next) => (seen.push(request), next(request))],
    });
    const response = record(agent.get(url));
    record(agent.get(url));
    transports[0].respond(answer());
    expect([seen[0] === seen[1], response.values[0].request === seen[0]]).toEqual([true, true]);
  });
});

describe('the diagnostics channels of pools', () => {
  it('tell what a pool does, with or without observers of its own', () => {
    const log: string[] = [];
    const listeners = poolNames.map(name => (message: unknown) => {
      const { type, key } = message as { type: string; key: string };
      expect([type, key]).toEqual([name, name === 'closed' ? '' : 'http://example.test:80']);
      log.push(name);
    });
    poolNames.forEach((name, at) => channel(`rxjs-http-pool:pool:${name}`).subscribe(listeners[at]));
    const { agent, transports } = openAgent();
    record(agent.get(url).pipe(discard()));
    transports[0].respond(answer());
    const own: string[] = [];
    agent.pool.events.subscribe(({ type }) => own.push(type));
    record(agent.get(url).pipe(discard()));
    transports[0].reset();
    record(agent.close());
    poolNames.forEach((name, at) => channel(`rxjs-http-pool:pool:${name}`).unsubscribe(listeners[at]));
    expect(log.slice(0, 4)).toEqual(['connecting', 'connected', 'leased', 'quiescent']);
    expect(log.slice(4)).toEqual(own);
    record(agent.get(url));
    expect(log.length).toBe(4 + own.length);
  });
});
