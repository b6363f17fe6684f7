import { EMPTY, throwError, type Observable } from 'rxjs';
import { ContentTypeError, HTTPStatusError, type HTTPClientError } from '../errors/index.js';
import { essenceOf, type ProtocolResponse } from '../protocol/index.js';
import { EventStreamReader, type StreamMemory } from './EventStreamReader.js';
import { explained } from './explained.js';
import { readChunks } from './readChunks.js';
import type { ServerSentEvent } from './ServerSentEvent.js';

export const eventStream = 'text/event-stream';

/** The events of a response that is an event stream, none of one that says that there is nothing more to come (204). */
export function eventsOf(
  response: ProtocolResponse,
  maxLength: number,
  memory: StreamMemory,
): Observable<ServerSentEvent> {
  if (response.status === 204) return EMPTY;
  const refused = refusal(response);
  if (refused !== null) return throwError(() => explained(response, refused));
  return readChunks(
    response.body,
    subscriber => new EventStreamReader(memory, maxLength, subscriber),
    error => explained(response, error),
  );
}

function refusal(response: ProtocolResponse): HTTPClientError | null {
  const { status, statusText, headers } = response;
  if (status !== 200) return new HTTPStatusError(status, response, statusText);
  const type = headers.get('content-type');
  if (essenceOf(type) === eventStream) return null;
  const error = new ContentTypeError(eventStream, type);
  error.response = response;
  return error;
}
