import { duration, InvalidRequestError, own } from '../errors/index.js';
import {
  declaredLength,
  HTTPHeaders,
  serializeRequestHead,
  wantsClose,
  wantsUpgrade,
  type RequestFraming,
} from '../wire/index.js';
import {
  defaultTimeouts,
  type ExchangeTimeouts,
  type ProtocolRequest,
  type RequestObserver,
} from './ProtocolRequest.js';
import { closeBody, openBody, type OpenBody } from './RequestBody.js';

/** A request as it goes on the wire: every option read once, checked, and with its default. */
export interface Outgoing {
  readonly method: string;
  readonly head: string;
  readonly body: OpenBody | null;
  readonly framing: RequestFraming;
  /** The request allows the connection to be used again. */
  readonly persistent: boolean;
  readonly upgrade: boolean;
  readonly timeouts: Required<ExchangeTimeouts>;
  readonly observer: RequestObserver | undefined;
}

const noBody: RequestFraming = { kind: 'none' };
const chunked: RequestFraming = { kind: 'chunked' };

interface Prepared {
  readonly authority: string;
  readonly mayPersist: boolean;
  readonly message: Outgoing;
}

/** Requests of which their owner promises that they never change, and what came of them the last time. */
const lasting = new WeakMap<ProtocolRequest, Prepared | null>();

/**
 * Promises that `request` never changes and has no body: it is checked and serialised once for as long as it goes to the
 * same server. Services ask for the same few things again and again.
 */
export function keepPrepared(request: ProtocolRequest): void {
  lasting.set(request, null);
}

/** What goes on the wire. Whatever it throws, nothing was sent. */
export function outgoing(request: ProtocolRequest, authority: string, mayPersist: boolean): Outgoing {
  const known = lasting.get(request);
  if (known === undefined) return prepare(request, authority, mayPersist);
  if (known?.authority === authority && known.mayPersist === mayPersist) return known.message;
  const message = prepare(request, authority, mayPersist);
  lasting.set(request, { authority, mayPersist, message });
  return message;
}

/** Closes a body that the caller's function has made for a request that is not sent. */
export function closeMade(request: ProtocolRequest, { body }: Outgoing): void {
  if (body !== null && typeof own(request, 'body') === 'function') closeBody(body);
}

/** Opens the body, decides the framing, and writes the head. */
function prepare(request: ProtocolRequest, authority: string, mayPersist: boolean): Outgoing {
  const method = own(request, 'method') ?? 'GET';
  const headers = HTTPHeaders.from(own(request, 'headers'));
  const persistent = mayPersist && !wantsClose(headers);
  const given = own(request, 'body');
  if (given != null && (method === 'CONNECT' || method === 'TRACE')) {
    throw new InvalidRequestError('body', `A ${method} request has no body (RFC 9110 section 9.3)`);
  }
  const timeouts = checked(own(request, 'timeouts'));
  const upgrade = wantsUpgrade(headers);
  const observer = own(request, 'observer') ?? undefined;
  const body = given == null ? null : openBody(given);
  try {
    const framing = body === null ? noBody : framingOf(body, headers);
    const path: unknown = own(request, 'path');
    const isWhole = typeof path === 'string' && path.charCodeAt(0) !== 0x2f && own(request, 'absoluteForm') === true;
    const head = serializeRequestHead({
      method,
      path: path as string, // which it checks
      host: authority,
      headers,
      persistent,
      framing,
      absoluteForm: isWhole,
    });
    return { method, head, body, framing, persistent, upgrade, timeouts, observer };
  } catch (error) {
    // What the caller's function has opened for a request that is not sent, nobody else would close.
    if (typeof given === 'function' && body !== null) closeBody(body);
    throw error;
  }
}

function framingOf(body: OpenBody, headers: HTTPHeaders): RequestFraming {
  if (body instanceof Uint8Array) return { kind: 'length', length: body.length };
  const length = declaredLength(headers);
  return length === undefined ? chunked : { kind: 'length', length };
}

/** Timeouts that were checked: an object that many requests share is checked once. */
const known = new WeakMap<ExchangeTimeouts, Required<ExchangeTimeouts>>();

function checked(timeouts: ExchangeTimeouts | undefined): Required<ExchangeTimeouts> {
  if (timeouts === undefined) return defaultTimeouts;
  let result = known.get(timeouts);
  if (result === undefined) {
    result = {
      headers: duration(timeouts, 'headers', defaultTimeouts.headers),
      bodyIdle: duration(timeouts, 'bodyIdle', defaultTimeouts.bodyIdle),
      bodyUnclaimed: duration(timeouts, 'bodyUnclaimed', defaultTimeouts.bodyUnclaimed),
    };
    if (Object.isFrozen(timeouts)) known.set(timeouts, result);
  }
  return result;
}
