import { take, throwIfEmpty } from 'rxjs';
import { ProxyError } from '../errors/index.js';
import { dial, type DialOptions } from './dial.js';
import type { Endpoint, Transport } from './Transport.js';
import { UpgradedTransport } from './UpgradedTransport.js';

/** What is said to a proxy, and what it answers, until it lets us through. */
export interface ProxyHandshake {
  begin(): void;
  /** Bytes of the proxy. */
  data(view: Uint8Array): void;
}

/** How it ended; one of the two is called, once. `rest`: bytes behind it, which are the server's. */
export interface ProxyOutcome {
  readonly done: (rest: Uint8Array) => void;
  readonly failed: (cause: unknown) => void;
}

/**
 * An endpoint behind a proxy: dials the proxy, has a handshake with it, and emits the same transport, at whose other end
 * is the server now. One deadline is around all of it.
 *
 * ```
 *   proxy$     ^──(p|)
 *   handshake      ^──▶ ──◀ ──|
 *   transport                 (t|)    p and t are one connection
 * ```
 */
export function through(
  proxy$: Endpoint,
  options: DialOptions,
  handshake: (transport: Transport, outcome: ProxyOutcome) => ProxyHandshake,
): Endpoint {
  const { authority } = options;
  return dial(options, (ready, failed) => {
    let transport: Transport | undefined;
    let over = false;
    const fail = (cause: unknown): void => {
      if (over) return;
      over = true;
      failed(cause);
    };
    const lost = (cause?: Error): void =>
      fail(
        new ProxyError(`The proxy closed the connection before there was one to ${authority}`, undefined, { cause }),
      );

    const connected = (proxy: Transport): void => {
      transport = proxy;
      const started = performance.now();
      const done = (rest: Uint8Array): void => {
        if (over) return;
        over = true;
        proxy.unshift(rest);
        const { localAddress, localPort, remoteAddress, remotePort, timings } = proxy.info;
        const info = {
          ...{ localAddress, localPort, remoteAddress, remotePort, authority },
          secure: false, // TLS to the proxy ends there
          timings: { ...timings, tunnel: performance.now() - started },
        };
        ready(new UpgradedTransport(proxy, noop, noop, info));
      };
      const talk = handshake(proxy, { done, failed: fail });
      proxy.read({ data: view => talk.data(view), end: lost, closed: lost });
      talk.begin();
    };
    const dialling = proxy$
      .pipe(
        take(1),
        throwIfEmpty(() => new Error('the endpoint of the proxy emitted no transport')),
      )
      .subscribe({ next: connected, error: fail });
    return () => {
      over = true;
      dialling.unsubscribe();
      transport?.destroy();
    };
  });
}

const noop = (): void => undefined;
