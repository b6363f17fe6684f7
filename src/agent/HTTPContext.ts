/** A name for something that an interceptor wants to know about a request, with what it is if nobody said. */
export class HTTPContextToken<T> {
  constructor(readonly defaultValue: () => T) {}
}

/**
 * What callers tell interceptors about one request. Immutable.
 *
 * @example
 * const cacheable = new HTTPContextToken(() => false);
 * agent.get(url, { context: new HTTPContext().with(cacheable, true) });
 */
export class HTTPContext {
  readonly #values: ReadonlyMap<HTTPContextToken<unknown>, unknown>;

  constructor(values: Iterable<readonly [HTTPContextToken<unknown>, unknown]> = []) {
    this.#values = new Map(values);
  }

  get<T>(token: HTTPContextToken<T>): T {
    return this.#values.has(token) ? (this.#values.get(token) as T) : token.defaultValue();
  }

  has(token: HTTPContextToken<unknown>): boolean {
    return this.#values.has(token);
  }

  /** A copy in which `token` has this value. */
  with<T>(token: HTTPContextToken<T>, value: T): HTTPContext {
    return new HTTPContext([...this.#values, [token, value]]);
  }
}
