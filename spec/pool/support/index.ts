export { FakeConnection, type FakeConnectionOptions } from './FakeConnection.js';
export { FakeDial, FakeEndpoint } from './FakeEndpoint.js';
export { FakeTransport } from './FakeTransport.js';
export { Get, noStats, PoolKit, send, Sent, testScheduler } from './PoolKit.js';
export { unhandledErrors } from './unhandledErrors.js';
export { SeatsConnection, type SeatsExchange } from './SeatsConnection.js';
