import { InvalidOptionError, InvalidRequestError, own, record } from '../errors/index.js';
import type { LeasedProtocol } from '../pool/index.js';
import type { RequestBody, RequestObserver } from '../protocol/index.js';
import { checkMethod, HTTPHeaders, type HTTPHeadersInit } from '../wire/index.js';
import { bodyOf, type HTTPBodyInit } from './bodyOf.js';
import { HTTPContext } from './HTTPContext.js';
import { resolveURL, type QueryInit } from './resolveURL.js';
import { targetOf, type Target } from './Target.js';
import { noTimeouts, timeoutsOf, type AllTimeouts, type Timeouts } from './Timeouts.js';

/** What every request of an agent begins with. */
export interface RequestDefaults {
  readonly baseURL?: URL | undefined;
  readonly headers: HTTPHeaders;
  readonly timeouts: AllTimeouts;
}

export interface RequestOptions extends HTTPBodyInit {
  readonly headers?: HTTPHeadersInit;
  /** Added to the query of the URL. */
  readonly query?: QueryInit;
  readonly timeouts?: Timeouts;
  /** Aborting it aborts the request in every phase, as unsubscribing does, with `AbortedError`. */
  readonly signal?: AbortSignal;
  readonly observer?: RequestObserver;
  readonly context?: HTTPContext;
  /** Says that sending it twice does no harm, whatever its method. */
  readonly idempotent?: boolean;
}

export interface HTTPRequestInit extends RequestOptions {
  readonly url: string | URL;
  /** Default `GET`. */
  readonly method?: string;
}

/** What an interceptor can change of a request. */
export interface HTTPRequestUpdate extends Partial<HTTPRequestInit> {
  /** Names of headers that go, before `headers` are added. */
  readonly without?: readonly string[];
}

/** Keeps track of the leases that a request uses, to be able to end them. */
export interface Tracker {
  /** What is left of `timeouts.total`, in ms. */
  readonly timeLeft: number;
  track(lease: LeasedProtocol): void;
}

/** A request: immutable, checked, complete. `with` makes another of it. */
export class HTTPRequest {
  readonly method: string;
  /** Absolute, normalised, without credentials and fragment. */
  readonly url: string;
  readonly headers: HTTPHeaders;
  readonly body: RequestBody | null;
  readonly timeouts: AllTimeouts;
  readonly signal: AbortSignal | undefined;
  readonly observer: RequestObserver | undefined;
  readonly context: HTTPContext;
  readonly idempotent: boolean | undefined;
  /** The request target: path and query of the URL. */
  readonly path: string;
  // Private for good: what logs a request does not log the credentials of its URL.
  #target: Target;
  #operation: Tracker | null = null;
  #callerStack: string | undefined = undefined;

  /** Throws `InvalidRequestError` or `InvalidOptionError`. */
  constructor(init: HTTPRequestInit);
  /** @internal With what an agent adds to it. */
  constructor(init: HTTPRequestInit, defaults: RequestDefaults);
  constructor(init: HTTPRequestInit, defaults: RequestDefaults = noDefaults) {
    if (typeof init !== 'object' || (init as unknown) === null) {
      throw new InvalidRequestError('url', `A request must be an object with a URL, not a ${typeof init}`);
    }
    this.method = own(init, 'method') ?? 'GET';
    // Now, and again where it is written: from here on it stands in messages.
    checkMethod(this.method);
    this.#target = targetOf(resolveURL(own(init, 'url')!, own(defaults, 'baseURL'), own(init, 'query')));
    this.url = this.#target.href;
    this.path = this.#target.path;
    const { body, headers } = bodyOf(init);
    this.body = body;
    this.headers = merge(defaults.headers, headers, own(init, 'headers'), this.#target.authorization);
    this.timeouts = timeoutsOf(record(init, 'timeouts'), defaults.timeouts);
    this.signal = signalOf(own(init, 'signal') ?? undefined);
    this.observer = own(init, 'observer') ?? undefined;
    this.context = own(init, 'context') ?? noContext;
    this.idempotent = idempotentOf(own(init, 'idempotent') ?? undefined);
  }

  /** @internal Where it goes. */
  get target(): Target {
    return this.#target;
  }

  /** @internal What it is a part of; the requests that interceptors make of it are too. */
  get operation(): Tracker | null {
    return this.#operation;
  }

  /** @internal */
  set operation(operation: Tracker | null) {
    this.#operation = operation;
  }

  /** @internal Where the agent was subscribed to, with the pool's `captureStacks`. */
  get callerStack(): string | undefined {
    return this.#callerStack;
  }

  /** @internal The same request, of this subscription. */
  calledFrom(stack: string | undefined): HTTPRequest {
    if (stack === undefined) return this;
    const copy = this.with({});
    copy.#callerStack = stack;
    return copy;
  }

  /** A copy in which what is given replaces what is here; `headers` are added to, field by field. */
  with(update: HTTPRequestUpdate): HTTPRequest {
    const { url, method, headers, body, timeouts, signal, observer, context, idempotent } = this;
    // What is undefined says nothing.
    const given = Object.fromEntries(Object.entries(update).filter(([, value]) => value !== undefined));
    const hasBody = (['body', 'json', 'form'] as const).some(name => Object.hasOwn(given, name));
    // The length was that of the old body.
    let kept = hasBody ? headers.without('content-length') : headers;
    const without = own(update, 'without');
    if (without !== undefined) kept = kept.without(...namesOf(without));
    // The credentials of the old URL are not for the new one.
    const { authorization } = this.#target;
    if (Object.hasOwn(given, 'url') && authorization !== undefined && kept.get('authorization') === authorization) {
      kept = kept.without('authorization');
    }
    const copy = new HTTPRequest(
      {
        url,
        method,
        signal,
        observer,
        context,
        idempotent,
        ...(hasBody ? {} : { body }),
        ...given,
      },
      { headers: kept, timeouts },
    );
    // A copy of the copy must know as well whose credentials these are.
    if (!Object.hasOwn(given, 'url') && authorization !== undefined) copy.#target = { ...copy.#target, authorization };
    copy.operation = this.operation;
    copy.#callerStack = this.#callerStack;
    return copy;
  }
}

/** Of this realm or another, or what does as one. */
function signalOf(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  const listens = ['addEventListener', 'removeEventListener'] as const;
  if (typeof signal.aborted === 'boolean' && listens.every(name => typeof signal[name] === 'function')) return signal;
  throw new InvalidOptionError('signal', signal, 'an AbortSignal');
}

/** A name alone would be taken letter by letter, and nothing would go. */
function namesOf(names: readonly string[]): readonly string[] {
  if (Array.isArray(names)) return names as readonly string[];
  throw new InvalidOptionError('without', names, 'an array of names');
}

/** A word for it, as in a configuration, is refused: "false" would say yes, and have a request done twice. */
function idempotentOf(value: boolean | undefined): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw new InvalidOptionError('idempotent', value, 'true or false');
}

const noContext = new HTTPContext();
const noDefaults: RequestDefaults = { headers: HTTPHeaders.empty, timeouts: noTimeouts };

/** The later wins, but what a body brings along gives way to what the caller or the agent says. */
function merge(
  defaults: HTTPHeaders,
  ofBody: HTTPHeaders,
  given: HTTPHeadersInit | undefined,
  authorization: string | undefined,
): HTTPHeaders {
  let headers = given === undefined ? defaults : defaults.with(given);
  if (ofBody.size > 0) headers = ofBody.with(headers);
  if (authorization !== undefined && !headers.has('authorization')) headers = headers.with({ authorization });
  return headers;
}
