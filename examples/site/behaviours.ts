import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { SitePage } from './pages.js';

/** How a host answers a request for one of its pages. */
export type Behaviour = (page: SitePage, request: IncomingMessage, response: ServerResponse) => void;

/** The hosts of the site, each with a habit of its own; what they remember is of one run. */
export function behaviours(): Record<string, Behaviour> {
  return {
    www: whole,
    docs: chunked,
    slow: (page, request, response) => setTimeout(() => whole(page, request, response), 20 + ((page.n * 7) % 60)),
    news: closesWhenIdle(),
    shop: closesUnanswered(),
    lost: stalls(),
  };
}

const whole: Behaviour = ({ body }, _request, response) => {
  response.setHeader('content-length', body.length).end(body);
};

const chunked: Behaviour = ({ body }, _request, response) => {
  const pieces = Array.from({ length: 8 }, (_, i) => {
    const size = Math.ceil(body.length / 8);
    return body.subarray(i * size, (i + 1) * size);
  });
  Readable.from(pieces.filter(piece => piece.length > 0)).pipe(response);
};

/** Closes a connection that has been idle for 20 ms, whether or not a request is on its way just then. */
function closesWhenIdle(): Behaviour {
  const timers = new WeakMap<Socket, NodeJS.Timeout>();
  return (page, request, response) => {
    const { socket } = request;
    clearTimeout(timers.get(socket));
    response.on('finish', () =>
      timers.set(
        socket,
        setTimeout(() => socket.end(), 20),
      ),
    );
    whole(page, request, response);
  };
}

/**
 * Of every second connection it takes the second request and closes instead of answering: the worst moment that there
 * is, and, to the client, just what it looks like when a server gives up an idle connection a moment too early.
 */
function closesUnanswered(): Behaviour {
  const requests = new WeakMap<Socket, number>();
  let connections = 0;
  return (page, request, response) => {
    const { socket } = request;
    const count = requests.get(socket) ?? (connections++ % 2 === 0 ? 1 : 3);
    requests.set(socket, count + 1);
    if (count === 2) socket.destroy();
    else whole(page, request, response);
  };
}

/** The first time that it is asked for one of these pages it falls silent: before the head, or in the middle of the body. */
function stalls(): Behaviour {
  const asked = new Set<SitePage>();
  return (page, request, response) => {
    if (page.n % 5 !== 2 || page.n > 40 || asked.has(page)) {
      whole(page, request, response);
      return;
    }
    asked.add(page);
    if (page.n % 2 === 0) return;
    response.setHeader('content-length', page.body.length).write(page.body.subarray(0, page.body.length / 2));
  };
}
