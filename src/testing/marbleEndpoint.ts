import type { TestScheduler } from 'rxjs/testing';
import { FakeEndpoint } from './FakeEndpoint.js';

export interface MarbleEndpointOptions {
  /** When a connection is ready: one that is never, `#` a dial that fails. Default at once: `(c|)`. */
  readonly dial?: string;
  /**
   * What the server sends, from the frame on in which a request was written whole; `|` closes its side, `#` resets. Of
   * one connection that serves several requests it is each one's answer. Default: nothing, ever.
   */
  readonly response?: string;
  /** The bytes of each marble of `response`; a string is latin1. */
  readonly bytes?: Readonly<Record<string, Uint8Array | string>>;
  /** What `#` in `dial` fails with. */
  readonly error?: unknown;
}

/**
 * An endpoint whose dials and answers are marbles: real bytes, in the virtual time of a `TestScheduler`.
 *
 * ```
 *   dial       --(c|)
 *   request      ^
 *   response     ---h--b          h = a head, b = the body: two frames apart
 * ```
 *
 * @example
 * scheduler.run(({ expectObservable }) => {
 *   const endpoint = marbleEndpoint(scheduler, {
 *     dial: '--(c|)',
 *     response: '---h--b',
 *     bytes: { h: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', b: 'hi' },
 *   });
 *   const agent = new Agent({ endpoint: () => endpoint, pool: { scheduler, validateIdle: false } });
 *   expectObservable(agent.get('http://any.test/').pipe(text())).toBe('8ms (t|)', { t: 'hi' });
 * });
 */
export function marbleEndpoint(scheduler: TestScheduler, options: MarbleEndpointOptions = {}): FakeEndpoint {
  const { dial = '(c|)', response = '-', bytes = {}, error } = options;
  return new FakeEndpoint({
    dial: scheduler.createColdObservable(dial, undefined, error),
    onRequest: (_, transport) => {
      scheduler.createColdObservable<Uint8Array | string>(response, bytes).subscribe({
        next: piece => transport.respond(piece),
        error: () => transport.reset(),
        complete: () => transport.fin(),
      });
      return undefined;
    },
  });
}
