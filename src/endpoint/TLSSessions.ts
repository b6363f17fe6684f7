/**
 * TLS sessions to resume, by the full identity of the connection (`host:port` and `tlsIdentity`): Node does not check
 * the certificate's name again when it resumes, so that a session must never meet another host or other options.
 * The least recently used one is dropped first.
 */
export class TLSSessions {
  readonly #max: number;
  /** In order of use: a Map iterates in the order of insertion. */
  readonly #sessions = new Map<string, Buffer>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(key: string): Buffer | undefined {
    const session = this.#sessions.get(key);
    if (session !== undefined) this.set(key, session);
    return session;
  }

  set(key: string, session: Buffer): void {
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    if (this.#sessions.size > this.#max) this.#sessions.delete(this.#sessions.keys().next().value as string);
  }

  delete(key: string): void {
    this.#sessions.delete(key);
  }
}

/** The sessions of all endpoints of the process. */
export const tlsSessions = new TLSSessions(100);
