import { defer, EMPTY, filter, mergeMap, retry, tap, timeout, type Observable, type Subscription } from 'rxjs';
import {
  isHTTPClientError,
  tcp,
  type HTTPClientError,
  type HTTPResponse,
  type ProtocolResponse,
  type RequestObserver,
} from 'rxjs-http-pool';
import { Outcome } from './messages.js';
import { Check, readWith, read } from './reading.js';
import {
  attemptsPerCall,
  isIdempotent,
  isReplayable,
  moodyPort,
  refusedPort,
  verdictOf,
  type Scenario,
} from './scenario.js';
import { kindOf, uploadOf } from './upload.js';
import type { WatchedAgent } from './WatchedAgent.js';

/** What a run hears of its calls. */
export interface CallHost {
  readonly ports: readonly number[];
  /** A signal that many share and nobody aborts. */
  readonly signal: AbortSignal;
  found(invariant: string, detail: string): void;
  outcome(attempt: number, outcome: Outcome): void;
  /** An answer that nobody had asked for came instead of one's own. `since`: when the request was begun, if no earlier poll can count. */
  raced(unasked: number, attempt: number, since: number | null): void;
  count(what: string): void;
  settled(call: Call): void;
}

const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** ms on CLOCK_MONOTONIC, which is the same in every process of a machine. */
export const monotonic = (): number => offset + performance.now();

/** Codes that say that no byte of the request was sent. */
const notSent = new Set([
  'ERR_ACQUIRE_TIMEOUT',
  'ERR_POOL_QUEUE_FULL',
  'ERR_POOL_CLOSED',
  'ERR_CONNECT',
  'ERR_CONNECT_TIMEOUT',
  'ERR_UNSOLICITED_DATA',
  'ERR_REQUEST_NOT_SENT',
  'ERR_LEASE_USED',
]);

/** A connection that has gone stale costs these to a request that may not be sent again. */
const losses = new Set(['ERR_RESPONSE_NEVER_RECEIVED', 'ERR_REQUEST_TRANSMISSION_FAILED']);

/** One request of the soak: makes it, reads it, cancels it, and judges how it ended. */
export class Call {
  readonly began = monotonic();
  /** What has happened, and when. */
  readonly #trace: (string | number)[] = [];
  #attempts = 0;
  #check: Check | null = null;
  #subscription: Subscription | null = null;
  #ended = false;
  #cancelled = false;
  readonly #abort: AbortController | null;
  /** When the attempt under way was begun, if that was in a timer: the loop polls before anything can come of it. */
  #since: number | null = null;
  #raced = false;

  constructor(
    readonly scenario: Scenario,
    readonly house: WatchedAgent,
    private readonly host: CallHost,
  ) {
    this.#abort =
      scenario.client.cancel?.how === 'signal' && scenario.client.via !== 'use' ? new AbortController() : null;
  }

  /** By when it must have ended, in ms since it began. */
  get limit(): number {
    const { timeouts, via } = this.scenario.client;
    const total = via === 'agent' || via === 'events' ? timeouts.total : undefined;
    // The requests of a pool wait for each other: `acquire` is the longest that any of them is to wait for that.
    return total === undefined ? 120_000 : total + 10_000;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** `inTimer`: it is begun in the timers phase of the event loop, before a poll. */
  start(inTimer: boolean): void {
    const { cancel, timeout: limit, retry: again, via } = this.scenario.client;
    let call$ = defer(() => this.#attempt(inTimer && this.#attempts === 0));
    if (via === 'released' || via === 'forgotten') call$ = this.#lease(via === 'forgotten');
    if (limit !== undefined) call$ = call$.pipe(timeout({ first: limit })); // it emits nothing: this bounds the whole
    if (again === true) call$ = call$.pipe(retry(attemptsPerCall - 1));
    this.#note('subscribe');
    this.#subscription = call$.subscribe({
      next: () => undefined,
      error: (error: unknown) => this.#end(error),
      complete: () => this.#end(undefined),
    });
    if (this.#ended || cancel === undefined) {
      if (this.#cancelled) this.#subscription.unsubscribe();
      return;
    }
    if (this.#cancelled) this.#subscription.unsubscribe();
    else if (cancel.at === 'once') this.#cancel();
    else if (cancel.at === 'ms') setTimeout(() => this.#cancel(), cancel.ms);
  }

  /** The watchdog has had enough. */
  give(): void {
    this.#subscription?.unsubscribe();
    this.#settle();
  }

  /** What a finding prints: how to run it alone, and what has happened. */
  get story(): string {
    const { scenario, house } = this;
    const key = String(this.host.ports[scenario.port]);
    const events = house.history(key).map(event => `    ${event}`);
    const trace = this.#trace.map(step => (typeof step === 'number' ? `${step.toFixed()} ms` : `${step};`)).join(' ');
    return `--only '${JSON.stringify(scenario)}'\n    ${trace}\n  pool ${JSON.stringify(house.options)}\n${events.join('\n')}`;
  }

  // ---- the request ----

  #attempt(inTimer: boolean): Observable<never> {
    const { scenario, house, host } = this;
    const { client, server, port, id } = scenario;
    const attempt = id * attemptsPerCall + this.#attempts++;
    this.#check = null;
    this.#since = inTimer ? monotonic() : null;
    const { upload, method, via, reading, pace } = client;
    const headers: Record<string, string> = { 'X-Id': String(attempt), 'X-Script': JSON.stringify(server) };
    if (client.key === true) headers['Idempotency-Key'] = `"${attempt}"`;
    if (upload !== undefined) {
      headers['X-Upload'] = `${upload.size} ${kindOf(upload)}`;
      if (upload.declared) headers['Content-Length'] = String(upload.size);
    }
    const body = upload === undefined ? null : uploadOf(attempt, upload);
    const observer: RequestObserver = { sent: () => this.#note('sent') };
    const { timeouts } = client;
    const path = `/${attempt}`;
    const headed = (response: ProtocolResponse): void => this.#headed(response, attempt);
    const reader = mergeMap((response: ProtocolResponse) => read(response, reading, pace, this.#check!));
    if (via === 'use') {
      const endpoint$ = tcp({ host: '127.0.0.1', port: host.ports[port], connectTimeout: timeouts.connect });
      const request = { method, path, headers, body, timeouts, observer };
      return house.agent.pool
        .use(String(host.ports[port]), endpoint$, lease => lease.request(request).pipe(tap(headed)), {
          acquireTimeout: timeouts.acquire,
        })
        .pipe(reader);
    }
    const signal = this.#abort?.signal ?? (client.shared === true ? host.signal : undefined);
    const init = {
      method,
      url: `http://127.0.0.1:${host.ports[port]}${path}`,
      headers,
      body,
      timeouts,
      observer,
      signal,
    };
    if (via === 'events') {
      return house.agent.requestEvents(init).pipe(
        mergeMap(event => (event.type === 'response' ? [event.response] : EMPTY)),
        tap(headed),
        reader,
      );
    }
    const response$ = house.agent.request(init).pipe(tap<HTTPResponse>(headed));
    return readWith(reading, () => this.#check!, response$) ?? response$.pipe(reader);
  }

  /** A lease without a request. */
  #lease(forgotten: boolean): Observable<never> {
    const port = this.host.ports[this.scenario.port];
    const { acquire, connect } = this.scenario.client.timeouts;
    return this.house.agent.pool
      .get(String(port), tcp({ host: '127.0.0.1', port, connectTimeout: connect }), { acquireTimeout: acquire })
      .pipe(
        tap(lease => (forgotten ? undefined : lease.release())),
        filter((_): _ is never => false),
      );
  }

  #headed(response: ProtocolResponse, attempt: number): void {
    const { headers, status } = response;
    this.#note(`head ${status} for ${headers.get('x-id')}, sight ${headers.get('x-sight')}`);
    this.#check = new Check(attempt, response, () => {
      if (this.scenario.client.cancel?.at === 'body') this.#cancel();
    });
    const unasked = headers.get('x-unasked');
    if (unasked !== null) {
      this.#raced = true;
      this.host.raced(Number(unasked), attempt, this.#since);
    } else if (this.#check.fault !== null) this.#found('wrong answer', this.#check.fault);
    if (this.scenario.client.cancel?.at === 'head') this.#cancel();
  }

  #cancel(): void {
    if (this.#ended || this.#cancelled) return;
    this.#cancelled = true;
    this.#note('cancel');
    if (this.#abort !== null) {
      // The error that it leads to ends the call.
      this.#abort.abort();
      return;
    }
    const subscription = this.#subscription;
    // From within the subscribe there is none yet: `start` sees to it.
    subscription?.unsubscribe();
    this.host.count('cancelled');
    this.#settle();
  }

  // ---- how it ended ----

  #end(error: unknown): void {
    if (this.#ended) {
      this.#found('one outcome', `${error === undefined ? 'completed' : describe(error)} after its end`);
      return;
    }
    this.#note(error === undefined ? 'complete' : describe(error));
    if (error === undefined) this.#answered();
    else this.#failed(error);
    this.#settle();
  }

  #answered(): void {
    const { scenario } = this;
    const { client, server } = scenario;
    const attempt = scenario.id * attemptsPerCall + this.#attempts - 1;
    const check = this.#check;
    this.host.count('answered');
    if (this.#raced || client.via === 'released' || client.via === 'forgotten') return;
    if (check === null) {
      this.#found('one outcome', 'completed without a response');
      return;
    }
    if (check.fault !== null) this.#found('wrong answer', check.fault);
    this.host.outcome(attempt, Outcome.Answered);
    if (scenario.port === refusedPort) this.#found('faults are errors', 'an answer of nobody');
    if (server.every(answer => verdictOf(answer, scenario) === 'error')) {
      this.#found('faults are errors', 'a fault of the server was taken for an answer');
    }
  }

  #failed(error: unknown): void {
    const { scenario } = this;
    const attempt = scenario.id * attemptsPerCall + this.#attempts - 1;
    if (!isHTTPClientError(error)) {
      // The user's own operator.
      if ((error as Error).name !== 'TimeoutError') this.#found('error family', describe(error));
      this.host.count('timed out by the user');
      return;
    }
    this.host.count(error.code);
    if (typeof error.code !== 'string' || !error.code.startsWith('ERR_'))
      this.#found('error family', `code ${error.code}`);
    if (this.#raced) return;
    // A retry that came to nothing has the failure that led to it among its causes.
    if (this.#attempts > 0 && causes(error).every(cause => notSent.has(cause.code))) {
      this.host.outcome(attempt, Outcome.NotSent);
    }
    const reason = this.#excuse(error.code, error.reused);
    if (reason === null) this.#found('needless failure', describe(error));
    else if (reason === 'raced') this.host.count('lost to a race');
  }

  /** Why it may have failed so; null if there is no reason. */
  #excuse(code: string, reused: boolean): string | null {
    const { scenario, house } = this;
    const { client, server, port } = scenario;
    if (house.closing) return 'the pool was closed';
    // The events of a request end with its body.
    if (client.via === 'events' && client.reading === 'unread' && code === 'ERR_BODY_UNCLAIMED') return 'the caller';
    if (port === refusedPort || port === moodyPort) return 'the port';
    if (client.cancel !== undefined || client.timeout !== undefined) return 'the caller';
    const { acquire, headers, total } = client.timeouts;
    if (total !== undefined || acquire < 1_000 || headers < 1_000) return 'a deadline';
    if (code === 'ERR_POOL_QUEUE_FULL' && house.options.maxPending !== undefined) return 'the queue';
    if (server.some(answer => verdictOf(answer, scenario) !== 'answer')) return 'the server';
    // What is left of a document that was cut is none.
    if (client.reading.startsWith('json') && server.some(({ fault }) => fault?.kind === 'surplus')) return 'the server';
    if (reused && losses.has(code) && !(isIdempotent(client) && isReplayable(client))) return 'a stale connection';
    // Something came on an idle connection just when the request was written: nobody can tell that from an answer.
    if (reused && (code === 'ERR_PARSE' || code === 'ERR_RESPONSE_FAILED')) return 'raced';
    return null;
  }

  #settle(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.host.settled(this);
  }

  #found(invariant: string, detail: string): void {
    this.host.found(invariant, `${detail}\n  ${this.story}`);
  }

  #note(what: string): void {
    this.#trace.push(monotonic() - this.began, what);
  }
}

function describe(error: unknown): string {
  if (!isHTTPClientError(error)) return error instanceof Error ? error.message : typeof error;
  return `${error.code} (${error.phase}${error.reused ? ', reused' : ''}): ${error.message} <- ${describe(error.cause)}`;
}

/** An error and all of our own behind it. */
function causes(error: unknown): HTTPClientError[] {
  const all: HTTPClientError[] = [];
  for (let last: unknown = error; last instanceof Error; last = last.cause) if (isHTTPClientError(last)) all.push(last);
  return all;
}
