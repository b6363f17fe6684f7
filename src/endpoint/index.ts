export { duplex, type DuplexOptions } from './duplex.js';
export { endpointFor } from './endpointFor.js';
export { deepCopy } from './ownOptions.js';
export { tcp } from './tcp.js';
export type { TCPOptions } from './TCPOptions.js';
export { tls } from './tls.js';
export { tlsIdentity } from './tlsIdentity.js';
export type { TLSIdentityOptions, TLSOptions } from './TLSOptions.js';
export type { Endpoint, Transport, TransportInfo, TransportSink } from './Transport.js';
export { unix, type UnixOptions } from './unix.js';
// For the rooms that make transports of their own: `tunnel`, and the fakes for tests.
export { DuplexTransport } from './DuplexTransport.js';
export { SocketTransport } from './SocketTransport.js';
export { TransportDuplex } from './TransportDuplex.js';
