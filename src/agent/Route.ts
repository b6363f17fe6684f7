import type { SchedulerLike } from 'rxjs';
import { endpointFor, tlsIdentity, type Endpoint } from '../endpoint/index.js';
import { socketIdentity, type ConnectOptions } from './ConnectOptions.js';
import type { HTTPRequest } from './HTTPRequest.js';
import type { Target } from './Target.js';

/**
 * Which connections serve a request, and how they are made: the key holds all that makes two connections to one host
 * and port different, so that a pool can be shared between agents that trust different servers.
 */
export class Route {
  readonly #secure: string;
  readonly #plain: string;
  /** By origin, the one with the `connectTimeout` that was asked for last: mostly there is only one. */
  readonly #endpoints = new Map<string, { readonly connectTimeout: number; readonly endpoint: Endpoint }>();

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
    const { connect: connectTimeout } = timeouts;
    const known = this.#endpoints.get(target.origin);
    if (known?.connectTimeout === connectTimeout) return known.endpoint;
    const endpoint$ = endpointFor(new URL(target.href), {
      scheduler: this.scheduler,
      ...this.options,
      connectTimeout,
    });
    // A crawler sees many hosts; what is here costs less to make anew than to keep for ever.
    if (this.#endpoints.size >= 1_000) this.#endpoints.clear();
    this.#endpoints.set(target.origin, { connectTimeout, endpoint: endpoint$ });
    return endpoint$;
  }
}
