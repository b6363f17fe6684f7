import type { Subscriber } from 'rxjs';
import { notify, type RequestObserver } from '../protocol/index.js';
import type { HTTPEvent } from './HTTPEvent.js';

/** Tells the steps of an exchange as events, and then to the request's own observer, which may throw. */
export function observerOf(given: RequestObserver | undefined, events: Subscriber<HTTPEvent>): RequestObserver {
  return {
    sent: () => {
      events.next({ type: 'sent' });
      notify(given, 'sent');
    },
    informational: head => {
      events.next({ type: 'informational', status: head.status, headers: head.headers });
      notify(given, 'informational', head);
    },
    uploadProgress: (loaded, total) => {
      events.next({ type: 'uploadProgress', loaded, total });
      notify(given, 'uploadProgress', loaded, total);
    },
    downloadProgress: (loaded, total) => {
      events.next({ type: 'downloadProgress', loaded, total });
      notify(given, 'downloadProgress', loaded, total);
    },
  };
}
