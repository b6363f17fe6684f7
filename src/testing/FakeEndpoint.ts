import { asapScheduler, Observable, Subscription, type Subscriber } from 'rxjs';
import type { Transport } from '../endpoint/index.js';
import { FakeTransport, type FakeTransportOptions } from './FakeTransport.js';
import type { SeenRequest } from './readRequests.js';

export interface FakeEndpointOptions extends Omit<FakeTransportOptions, 'onWrite'> {
  /** Emits when a connection is ready, or fails as the dial does; by default there is one at once. */
  readonly dial?: Observable<unknown>;
  /**
   * Called with each request that is written whole, as soon as it is (`asapScheduler`). What it returns the server
   * sends; undefined: nothing yet, the test answers by `transport.respond` when it likes.
   */
  readonly onRequest?: (request: SeenRequest, transport: FakeTransport) => Uint8Array | string | undefined;
}

/**
 * An endpoint that connects to nobody: each subscription is a dial that gives a `FakeTransport`, which speaks real bytes.
 *
 * @example
 * const endpoint = new FakeEndpoint({ onRequest: () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi' });
 * const agent = new Agent({ endpoint: () => endpoint, pool: { validateIdle: false } });
 * agent.get('http://any.test/').pipe(text()).subscribe(console.log);
 *
 * Gotcha: with `validateIdle: true`, which is the default, a pool waits for the event loop before it hands a connection
 * out; in virtual time give it `false`, or an Observable of that time.
 */
export class FakeEndpoint extends Observable<Transport> {
  /** The connections that were made, in order. */
  readonly connections: FakeTransport[] = [];
  /** Dials that were begun; some may have failed, or been given up. */
  dials = 0;

  constructor(private readonly options: FakeEndpointOptions = {}) {
    super(subscriber => this.#dial(subscriber));
  }

  /** The connection that was made last. Throws if there is none. */
  get last(): FakeTransport {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error(`No connection was made, of ${this.dials} dials`);
    return last;
  }

  /** All that was written whole, over all connections, in the order of those. */
  get requests(): SeenRequest[] {
    return this.connections.flatMap(({ requests }) => requests.filter(({ complete }) => complete));
  }

  #dial(subscriber: Subscriber<Transport>): Subscription {
    this.dials++;
    const { dial } = this.options;
    const connect = (): void => {
      if (subscriber.closed) return;
      subscriber.next(this.#connection());
      subscriber.complete();
    };
    if (dial === undefined) {
      connect();
      return Subscription.EMPTY;
    }
    return dial.subscribe({
      next: connect,
      error: error => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
  }

  #connection(): FakeTransport {
    const { onRequest, ...options } = this.options;
    let answered = 0;
    const onWrite = (_: Buffer, transport: FakeTransport): void => {
      const whole = transport.requests.filter(({ complete }) => complete);
      while (answered < whole.length) {
        const request = whole[answered++];
        // Not from inside the write: no server answers before the request has left. `asap` is virtual in virtual time.
        asapScheduler.schedule(() => {
          const answer = onRequest?.(request, transport);
          if (answer !== undefined) transport.respond(answer);
        });
      }
    };
    const transport = new FakeTransport(onRequest === undefined ? options : { ...options, onWrite });
    this.connections.push(transport);
    return transport;
  }
}
