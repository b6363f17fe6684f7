import type { SchedulerLike } from 'rxjs';
import { endpointFor, tlsIdentity, type Endpoint } from '../endpoint/index.js';
import { own } from '../errors/index.js';
import type { ConnectOptions } from './AgentOptions.js';
import type { HTTPRequest } from './HTTPRequest.js';
import type { Target } from './Target.js';

const ids = new WeakMap<object, number>();
let lastId = 0;

/**
 * Which connections serve a request, and how they are made: the key holds all that makes two connections to one host
 * and port different, so that a pool can be shared between agents that trust different servers.
 */
export class Route {
  readonly #secure: string;
  readonly #plain: string;
  readonly #endpoints = new Map<string, Endpoint>();

  constructor(
    private readonly options: ConnectOptions,
    /** The clock of `connectTimeout`, if it is not the world's. */
    private readonly scheduler: SchedulerLike | undefined,
  ) {
    this.#plain = socketIdentity(options);
    const plainOnly = Object.keys(options).length === 0;
    this.#secure = plainOnly ? '' : `${this.#plain} tls=${tlsIdentity(options)}`;
  }

  key({ origin, secure }: Target): string {
    return origin + (secure ? this.#secure : this.#plain);
  }

  endpoint({ target, timeouts }: HTTPRequest): Endpoint {
    const name = `${target.origin} ${timeouts.connect}`;
    let endpoint$ = this.#endpoints.get(name);
    if (endpoint$ === undefined) {
      endpoint$ = endpointFor(new URL(target.href), {
        scheduler: this.scheduler,
        ...this.options,
        connectTimeout: timeouts.connect,
      });
      // A crawler sees many hosts; what is here costs less to make anew than to keep for ever.
      if (this.#endpoints.size >= 1_000) this.#endpoints.clear();
      this.#endpoints.set(name, endpoint$);
    }
    return endpoint$;
  }
}

/** What makes one socket to a server different from another; a `lookup` may be there to keep requests from some. */
function socketIdentity(options: ConnectOptions): string {
  const localAddress = own(options, 'localAddress');
  const lookup = own(options, 'lookup');
  const family = own(options, 'family');
  let identity = '';
  if (localAddress !== undefined) identity += ` from=${localAddress}`;
  if (family !== undefined) identity += ` family=${family}`;
  if (lookup !== undefined) {
    let id = ids.get(lookup);
    if (id === undefined) ids.set(lookup, (id = ++lastId));
    identity += ` lookup=${id}`;
  }
  return identity;
}
