import { Observable } from 'rxjs';
import { Agent, AgentResponse, HTTPRequest, type AgentOptions, type HTTPResponse } from '../../src/agent/index.js';
import type { HTTPConnectionPoolOptions } from '../../src/pool/index.js';
import { IncomingResponse, incomingOf, type BodySource } from '../../src/protocol/index.js';
import { HTTPHeaders, type HTTPHeadersInit } from '../../src/wire/index.js';
import { FakeTransport, microtasks, record, VirtualClock, type SeenRequest } from '../support/index.js';

/** A request as a server sees it. */
export interface Asked extends Omit<SeenRequest, 'headers'> {
  readonly origin: string;
  /** `GET http://a.test/path` */
  readonly line: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface SiteOptions extends Omit<AgentOptions, 'pool' | 'endpoint'> {
  readonly pool?: HTTPConnectionPoolOptions;
  readonly clock?: VirtualClock;
}

export interface Site {
  readonly agent: Agent;
  readonly clock: VirtualClock;
  /** All that was asked, of all servers, in order. */
  readonly asked: Asked[];
  /** One for each connection, in order. */
  readonly transports: FakeTransport[];
  /** Subscribes, and lets the servers answer. */
  run<T>(source: Observable<T>): Promise<ReturnType<typeof record<T>>>;
}

/** An agent in virtual time, and servers for every origin that answer by `answer`; undefined is no answer. */
export function site(
  answer: (asked: Asked) => string | Uint8Array | undefined,
  { pool, clock = new VirtualClock(), ...options }: SiteOptions = {},
): Site {
  const transports: FakeTransport[] = [];
  const asked: Asked[] = [];
  const agent = new Agent({
    pool: { scheduler: clock, validateIdle: false, ...pool },
    endpoint: request =>
      new Observable(subscriber => {
        const { origin, host } = new URL(request.url);
        let seen = 0;
        const transport = new FakeTransport({ authority: host });
        const look = (): void => {
          const requests = transport.requests;
          for (const { headers, ...rest } of requests.slice(seen)) {
            if (!rest.complete) return;
            seen++;
            const one: Asked = {
              ...rest,
              origin,
              line: `${rest.method} ${origin}${rest.path}`,
              headers: Object.fromEntries(headers),
            };
            asked.push(one);
            const bytes = answer(one);
            if (bytes !== undefined) transport.respond(bytes);
          }
        };
        transport.onWrite = () => queueMicrotask(look);
        transports.push(transport);
        subscriber.next(transport);
        subscriber.complete();
      }),
    ...options,
  });
  return {
    agent,
    clock,
    asked,
    transports,
    run: async source => {
      const seen = record(source);
      for (let i = 0; i < 20; i++) await microtasks();
      return seen;
    },
  };
}

/** A response that comes from no connection. */
export function made(
  request: HTTPRequest,
  { status = 200, headers = {}, body = '' }: { status?: number; headers?: HTTPHeadersInit; body?: BodySource } = {},
): HTTPResponse {
  const head = { status, statusText: '', httpVersion: '1.1' as const, headers: HTTPHeaders.from(headers) };
  const timings = { send: 0, wait: 0, receive: 0 };
  return new AgentResponse(new IncomingResponse(head, incomingOf(body), { timings }, undefined), request, {
    acquire: 0,
  });
}

export function requestTo(url = 'http://a.test/', options: object = {}): HTTPRequest {
  return new HTTPRequest({ url, ...options });
}

/** A body that says when it is read, and when that ends; it emits nothing by itself. */
export function endless(log: string[], name = 'body'): Observable<Uint8Array> {
  return new Observable(() => {
    log.push(`${name} read`);
    return () => log.push(`${name} let go`);
  });
}
