import type { TLSSocket } from 'node:tls';

/** Whether a stream is Node's TLS; by its mark, as it may come from another realm. */
export function isTLS(stream: object): stream is TLSSocket {
  return (stream as Partial<TLSSocket>).encrypted === true;
}
