import { Observable } from 'rxjs';
import { Agent, HTTPConnectionPool, type AgentOptions, type HTTPRequest, type Transport } from '../index.js';
import { FakeTransport } from './FakeTransport.js';
import { TestRequest } from './TestRequest.js';

/** Which requests are meant: a URL, or a path with its query; one of those with a method; or whatever a function says. */
export type RequestMatch =
  string | { readonly method?: string; readonly url?: string } | ((request: HTTPRequest) => boolean);

/**
 * Stands where the servers would, and lets a test say what was asked and what comes back: as Angular's controller of that
 * name, but below the pool, so that interceptors, timeouts and bodies are the real ones.
 *
 * @example
 * const controller = new HTTPTestingController();
 * const users = new UserService(controller.agent);
 * users.load(1).subscribe(user => (loaded = user));
 * controller.expectOne('/users/1').flush({ name: 'Ada' });
 * expect(loaded).toEqual({ name: 'Ada' });
 * controller.verify();
 *
 * Gotcha: a request is there as soon as it is subscribed to, all in the same turn, unless an interceptor takes its time.
 */
export class HTTPTestingController {
  /** For an agent with other options: `new Agent({ ...controller.options, interceptors })`. */
  readonly options: Pick<Required<AgentOptions>, 'pool' | 'key' | 'endpoint'>;
  /** An agent that is answered from here. */
  readonly agent: Agent;
  #open: TestRequest[] = [];
  #requests = 0;

  /** `options`: those of `agent`, with the options of its pool, such as a `scheduler`. */
  constructor({ pool, ...options }: Omit<AgentOptions, 'key' | 'endpoint'> = {}) {
    const given = pool instanceof HTTPConnectionPool ? {} : pool;
    this.options = {
      // Each request has a connection of its own, at once.
      pool: new HTTPConnectionPool({
        persistent: false,
        validateIdle: false,
        maxConnections: Infinity,
        maxConnectionsPerHost: Infinity,
        ...given,
      }),
      key: () => `request ${++this.#requests}`,
      endpoint: request => new Observable<Transport>(subscriber => subscriber.next(this.#received(request))),
    };
    this.agent = new Agent({ baseURL: 'http://test.invalid', ...options, ...this.options });
  }

  /** The one request that is meant; it is not open any more. Throws if there is none, or more than one. */
  expectOne(match: RequestMatch, description = describe(match)): TestRequest {
    const found = this.match(match);
    if (found.length === 1) return found[0];
    this.#open.unshift(...found);
    if (found.length > 1)
      throw new Error(`Expected one request for ${description}, but found ${found.length}:${list(found)}`);
    const all = this.#open.length === 0 ? ' No request is open.' : ` Open are:${list(this.#open)}`;
    throw new Error(`Expected one request for ${description}, but found none.${all}`);
  }

  /** Throws if such a request is open. */
  expectNone(match: RequestMatch, description = describe(match)): void {
    const found = this.#open.filter(({ request }) => matches(match, request));
    if (found.length > 0)
      throw new Error(`Expected no request for ${description}, but found ${found.length}:${list(found)}`);
  }

  /** All open requests that are meant; they are not open any more. */
  match(match: RequestMatch): TestRequest[] {
    const found = this.#open.filter(({ request }) => matches(match, request));
    this.#open = this.#open.filter(request => !found.includes(request));
    return found;
  }

  /** Throws if a request is open: nobody has expected it. Call it at the end of each test. */
  verify({ ignoreCancelled = false }: { readonly ignoreCancelled?: boolean } = {}): void {
    const open = this.#open.filter(({ cancelled }) => !(ignoreCancelled && cancelled));
    if (open.length > 0) throw new Error(`Expected no open requests, but found ${open.length}:${list(open)}`);
  }

  #received(request: HTTPRequest): FakeTransport {
    const transport = new FakeTransport({ authority: new URL(request.url).host });
    this.#open.push(new TestRequest(request, transport));
    return transport;
  }
}

function matches(match: RequestMatch, request: HTTPRequest): boolean {
  if (typeof match === 'function') return match(request);
  const { method, url } = typeof match === 'string' ? { method: undefined, url: match } : match;
  const isURL = url === undefined || url === request.url || url === request.path;
  return isURL && (method === undefined || method === request.method);
}

function describe(match: RequestMatch): string {
  if (typeof match === 'function') return `a function${match.name && ` (${match.name})`}`;
  if (typeof match === 'string') return JSON.stringify(match);
  return `${match.method ?? 'any method'} ${match.url ?? 'any URL'}`;
}

function list(requests: readonly TestRequest[]): string {
  return requests
    .map(({ request: { method, url }, cancelled }) => `\n  ${method} ${url}${cancelled ? ' (cancelled)' : ''}`)
    .join('');
}
