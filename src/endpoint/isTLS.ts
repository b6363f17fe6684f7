import type { TLSSocket } from 'node:tls';
import { member } from '../errors/index.js';

/** Whether a stream is Node's TLS; by its mark, as it may come from another realm. */
export function isTLS(stream: object): stream is TLSSocket {
  return member(stream as Partial<TLSSocket>, 'encrypted') === true;
}
