import { Observable } from 'rxjs';
import { AbortedError } from '../errors/index.js';
import type { ExchangeConnection, ExchangeHandle } from './ExchangeConnection.js';
import type { ProtocolRequest } from './ProtocolRequest.js';
import type { ProtocolResponse } from './ProtocolResponse.js';

/** `send` as a cold Observable. Unsubscribing before the response aborts the exchange; afterwards it does nothing. */
export function requestOver(
  connection: Pick<ExchangeConnection, 'send'>,
  request: ProtocolRequest,
  started: (exchange: ExchangeHandle) => void = () => undefined,
): Observable<ProtocolResponse> {
  return new Observable(subscriber => {
    let settled = false;
    const exchange = connection.send(request, {
      get closed() {
        return subscriber.closed;
      },
      started,
      next: response => {
        settled = true;
        subscriber.next(response);
      },
      error: error => {
        if (settled) return; // of an exchange that was aborted here
        settled = true;
        subscriber.error(error);
      },
      complete: () => subscriber.complete(),
    });
    return () => {
      if (settled) return;
      settled = true;
      exchange?.abort(new AbortedError('The request was unsubscribed from'));
    };
  });
}
