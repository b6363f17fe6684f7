// The whole public surface of `rxjs-http-pool/protocol`: what the author of a `protocolFactory` needs beside the root.
import type { Transport } from '../endpoint/index.js';
import { HTTP11ClientProtocol as Implementation, type Connection, type ProtocolContext } from './index.js';

/**
 * The `Connection` for HTTP/1.1: what a pool makes of a transport, unless it is given another `protocolFactory`.
 *
 * @example
 * const protocolFactory: ProtocolFactory = (transport, context) =>
 *   new HTTP11ClientProtocol(logged(transport), context);
 */
export const HTTP11ClientProtocol: new (transport: Transport, context: ProtocolContext) => Connection = Implementation;
export type { Connection, ConnectionState, ExchangeProgress, ProtocolContext, ProtocolFactory } from './index.js';
export { Deadline, DeadlineSweep } from '../timing/index.js';
