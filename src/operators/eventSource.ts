import {
  asyncScheduler,
  defer,
  EMPTY,
  fromEvent,
  merge,
  mergeMap,
  repeat,
  retry,
  take,
  tap,
  throwError,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import type { Agent, RequestOptions } from '../agent/index.js';
import { count, finiteDuration, fraction, HTTPStatusError, maxDuration, own } from '../errors/index.js';
import { dropBody, type ProtocolResponse } from '../protocol/index.js';
import { HTTPHeaders } from '../wire/index.js';
import { eventsOf, eventStream } from './eventsOf.js';
import { isTransient } from './isTransient.js';
import type { ServerSentEvent } from './ServerSentEvent.js';
import type { ServerSentEventsOptions } from './serverSentEvents.js';

export interface EventSourceOptions extends Omit<RequestOptions, 'body' | 'json' | 'form'>, ServerSentEventsOptions {
  /** Where to go on, if an earlier source had got somewhere. */
  readonly lastEventId?: string;
  /** ms from the end of a connection to the next, unless the server says otherwise (`retry:`). Default 3 000. */
  readonly reconnectDelay?: number;
  /** The most ms that back-off makes of that after failures. Default 60 000. */
  readonly maxReconnectDelay?: number;
  /** By how much of itself a delay is made longer at most, at random, for a server that comes back. Default 0.25. */
  readonly jitter?: number;
  /** How many failures without an event in between are borne; the next is the error. Default 10; `Infinity` for all. */
  readonly maxFailures?: number;
  /** Of the delays. Default `asyncScheduler`: while it waits it keeps the process alive, as somebody waits for it. */
  readonly scheduler?: SchedulerLike;
}

/** Back-off doubles so often at most: far beyond any `maxReconnectDelay`. */
const maxDoublings = 31;

/** What a server may ask for at least, in ms: with 0 it would be asked again and again without a pause. */
const leastRetry = 100;

/**
 * The events of a URL for as long as somebody wants them: connects, and connects again where the last event was when the
 * connection ends or fails, as `EventSource` does in browsers. Cold: each subscription has connections of its own.
 *
 * ```
 *   connection 1   ^──a──b──|                        ends: again after `retry:`, default 3 s
 *   connection 2              ···^──#                fails: again after that, twice that, four times that …
 *   connection 3                     ······^──c──    Last-Event-ID: that of b
 *   eventSource    ───a──b───────────────────c──
 * ```
 *
 * What a new connection could mend is tried again: a failure to connect, to get a response or all of it, and the
 * statuses 408, 429 and 5xx; the last error is told after `maxFailures` of them in a row. All else is told at once: other
 * statuses, another type than `text/event-stream`, an event that is too long, an abort. 204 completes it.
 *
 * Unsubscribing, or aborting the `signal`, ends it while it connects, while it reads and while it waits.
 *
 * Gotchas: it never completes by itself but for 204. `timeouts.total` is for each connection. A stream that is silent for
 * `timeouts.bodyIdle` (60 s) is taken for dead and connected to again.
 *
 * @throws InvalidOptionError
 *
 * @example
 * eventSource(agent, '/notifications').subscribe({
 *   next: event => console.log(event.type, event.data),
 *   error: error => console.error(error),
 * });
 */
export function eventSource(
  agent: Agent,
  url: string | URL,
  options: EventSourceOptions = {},
): Observable<ServerSentEvent> {
  const maxLength = count(options, 'maxLength', 2 ** 20, 1);
  const reconnectDelay = finiteDuration(own(options, 'reconnectDelay') ?? 3_000, 'reconnectDelay');
  const maxReconnectDelay = finiteDuration(own(options, 'maxReconnectDelay') ?? 60_000, 'maxReconnectDelay');
  const jitter = fraction(options, 'jitter', 0.25);
  const maxFailures = count(options, 'maxFailures', 10);
  const scheduler = own(options, 'scheduler') ?? asyncScheduler;
  const lastEventId = own(options, 'lastEventId') ?? '';
  const signal = own(options, 'signal') ?? undefined;
  // Read once: what is done to the options later has no effect on a later connection.
  const request: RequestOptions = { ...options };
  let headers: HTTPHeaders;
  try {
    headers = HTTPHeaders.from({ Accept: eventStream, 'Cache-Control': 'no-store' }).with(request.headers ?? {});
  } catch (error) {
    return throwError(() => error); // an invalid request is told like any other
  }

  return defer(() => {
    const memory = { lastEventId, retry: undefined as number | undefined };
    let failures = 0;
    let isOver = false;

    const connection$ = defer(() =>
      agent.get(url, { ...request, headers: resumed(headers, memory.lastEventId) }).pipe(
        mergeMap(response => {
          isOver = response.status === 204;
          return eventsOf(response, maxLength, memory);
        }),
        tap(() => (failures = 0)),
      ),
    );
    const pause = (factor: number): Observable<unknown> => {
      const asked = memory.retry === undefined ? reconnectDelay : Math.max(memory.retry, leastRetry);
      // Back-off never goes below what the server asked for.
      const delay = Math.max(asked, Math.min(asked * factor, maxReconnectDelay)) * (1 + jitter * Math.random());
      const wait$ = timer(Math.min(delay, maxDuration), scheduler);
      // An abort ends the wait, and the request that follows says what it means.
      return signal === undefined ? wait$ : merge(wait$, fromEvent(signal, 'abort')).pipe(take(1));
    };
    return connection$.pipe(
      retry({
        delay: error => {
          if (!isTransient(error) || failures >= maxFailures) return throwError(() => error as unknown);
          letGo(error);
          return pause(2 ** Math.min(failures++, maxDoublings));
        },
      }),
      repeat({ delay: () => (isOver ? EMPTY : pause(1)) }),
    );
  });
}

/** Header values are octets, ids are UTF-8. One with control characters cannot be sent. */
function resumed(headers: HTTPHeaders, lastEventId: string): HTTPHeaders {
  if (lastEventId === '' || /[\0-\x08\n-\x1f\x7f]/.test(lastEventId)) return headers;
  return headers.with({ 'Last-Event-ID': Buffer.from(lastEventId).toString('latin1') });
}

/** Nobody will read what a server said with a status that is tried again: its connection is not to wait for that. */
function letGo(error: unknown): void {
  if (error instanceof HTTPStatusError) dropBody(error.response as ProtocolResponse);
}
