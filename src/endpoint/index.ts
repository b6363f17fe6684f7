export { duplex, type DuplexOptions } from './duplex.js';
export { endpointFor } from './endpointFor.js';
export { deepCopy } from './ownOptions.js';
export { socks, type SocksOptions } from './socks.js';
export { tcp } from './tcp.js';
export type { TCPOptions } from './TCPOptions.js';
export { tls } from './tls.js';
export { tlsIdentity } from './tlsIdentity.js';
export type { TLSIdentityOptions, TLSOptions } from './TLSOptions.js';
export type { Endpoint, Transport, TransportInfo, TransportSink } from './Transport.js';
export { tunnel, type TunnelOptions } from './tunnel.js';
export { unix, type UnixOptions } from './unix.js';
// For the rooms that make transports of their own: upgrades, and the fakes for tests.
export { DuplexTransport } from './DuplexTransport.js';
export { SocketTransport } from './SocketTransport.js';
export { TransportDuplex } from './TransportDuplex.js';
export { UpgradedTransport } from './UpgradedTransport.js';
