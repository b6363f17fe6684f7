import { channel } from 'node:diagnostics_channel';
import type { Observer } from 'rxjs';
import { AbortedError, type HTTPClientError } from '../errors/index.js';
import { notify, type RequestObserver } from '../protocol/index.js';
import type { HTTPRequest } from './HTTPRequest.js';
import type { HTTPResponse } from './HTTPResponse.js';

/** What the agents of a process tell to whoever listens in that process, such as a tracer. */
const channels = {
  create: channel('rxjs-http-pool:request:create'),
  sent: channel('rxjs-http-pool:request:sent'),
  informational: channel('rxjs-http-pool:request:informational'),
  response: channel('rxjs-http-pool:request:response'),
  done: channel('rxjs-http-pool:request:done'),
  error: channel('rxjs-http-pool:request:error'),
};
const all = Object.values(channels);

/** Somebody listens: requests that begin now are traced. */
export function isTraced(): boolean {
  for (const one of all) if (one.hasSubscribers) return true;
  return false;
}

export interface Traced {
  readonly request: HTTPRequest;
  readonly observer: Observer<HTTPResponse>;
  /** To be called when the response's body is over, or failed. */
  readonly ended: (failure: HTTPClientError | null) => void;
}

/**
 * Tells the channels what becomes of a request. Each message has one `id` object, the same for all of one request.
 *
 * ```
 *   create ── sent ── informational ── response ── done        `sent` once an attempt
 *                                          └────── error
 * ```
 */
export function trace(from: Traced): Traced {
  const id = {};
  const publish = (name: keyof typeof channels, more: object = {}): void => {
    if (channels[name].hasSubscribers) channels[name].publish({ id, request: from.request, ...more });
  };
  const { observer: given } = from.request;
  const observer: RequestObserver = {
    sent: () => {
      publish('sent');
      notify(given, 'sent');
    },
    informational: head => {
      publish('informational', { head });
      notify(given, 'informational', head);
    },
    uploadProgress: (loaded, total) => notify(given, 'uploadProgress', loaded, total),
    downloadProgress: (loaded, total) => notify(given, 'downloadProgress', loaded, total),
  };
  let response: HTTPResponse | null = null;
  let failed = false;
  const fail = (error: unknown): void => {
    if (!failed) publish('error', { error, response });
    failed = true;
  };
  publish('create');
  return {
    request: from.request.with({ observer }),
    observer: {
      next: value => {
        response = value;
        publish('response', { response });
        from.observer.next(value);
      },
      error: error => {
        fail(error);
        from.observer.error(error);
      },
      complete: () => from.observer.complete(),
    },
    ended: failure => {
      if (failure !== null) fail(failure);
      else if (response === null) fail(new AbortedError('The request was unsubscribed from'));
      else if (!failed) publish('done', { response, timings: response.timings });
      from.ended(failure);
    },
  };
}
