import { mergeMap, type OperatorFunction } from 'rxjs';
import { count } from '../errors/index.js';
import type { ProtocolResponse } from '../protocol/index.js';
import { eventsOf } from './eventsOf.js';
import type { ServerSentEvent } from './ServerSentEvent.js';

export interface ServerSentEventsOptions {
  /** The most characters of one event; a longer one is a `RecordTooLargeError`. Default 1 MiB. */
  readonly maxLength?: number;
}

/**
 * Reads each response's body as server-sent events (HTML Standard section 9.2), each as soon as its empty line is there.
 *
 * ```
 *   body                 ──data: a⏎──⏎──:comment⏎──data: b|
 *   serverSentEvents()   ────────────a────────────────────|
 * ```
 *
 * An event that was begun and not ended is dropped, as the standard has it. A response of 204 completes. Errors:
 * `HTTPStatusError` for any status but 200, `ContentTypeError` for anything but `text/event-stream`; the body of both can
 * still be read. `RecordTooLargeError`, the connection let go first, for an event longer than `maxLength`.
 *
 * Gotchas: it reads one stream to its end; `eventSource` connects again. A stream that is silent for `bodyIdle` (60 s)
 * is taken for dead: have the server send comments, or set the timeout.
 *
 * @throws InvalidOptionError
 *
 * @example
 * agent.post('/chat', question).pipe(serverSentEvents()).subscribe(event => console.log(event.data));
 */
export function serverSentEvents(
  options: ServerSentEventsOptions = {},
): OperatorFunction<ProtocolResponse, ServerSentEvent> {
  const maxLength = count(options, 'maxLength', 2 ** 20, 1);
  return mergeMap(response => eventsOf(response, maxLength, { lastEventId: '', retry: undefined }));
}
