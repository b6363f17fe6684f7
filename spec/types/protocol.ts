// Checked by the compiler, never run: what the types of `rxjs-http-pool/protocol` promise, and what they forbid.
import { Agent, HTTPConnectionPool, shouldRetry, type ProtocolRequest, type Transport } from 'rxjs-http-pool';
import {
  Deadline,
  HTTP11ClientProtocol,
  type Connection,
  type ConnectionState,
  type DeadlineSweep,
  type ExchangeProgress,
  type ProtocolContext,
  type ProtocolFactory,
} from 'rxjs-http-pool/protocol';

declare const transport: Transport;
declare const context: ProtocolContext;
declare const request: ProtocolRequest;

// A factory is an option of a pool, and what it makes is a connection.
const protocolFactory: ProtocolFactory = (...made) => new HTTP11ClientProtocol(...made);
new HTTPConnectionPool({ protocolFactory });
new Agent({ pool: { protocolFactory } });
const connection: Connection = protocolFactory(transport, context);
const state: ConnectionState = connection.progress().state;
// @ts-expect-error it takes what the pool gives it
new HTTP11ClientProtocol(transport);
// @ts-expect-error what it makes is known as a connection, and no more
void protocolFactory(transport, context).explained;
// @ts-expect-error it must give a connection
new HTTPConnectionPool({ protocolFactory: () => transport });

// The clock is the pool's, and the progress is what a retry is decided by.
const sweep: DeadlineSweep = context.deadlines;
new Deadline(sweep, () => undefined).start(1_000);
const progress: ExchangeProgress = connection.progress();
shouldRetry({ error: new Error(), allowed: true, first: true, reused: true }, request, progress);

export { state };
