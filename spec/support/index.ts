export { FakeTransport, scribble, type FakeTransportOptions } from '../../src/testing/FakeTransport.js';
export { longRun } from './longRun.js';
export { openAgent, type AgentStage, type OpenAgentOptions } from './openAgent.js';
export {
  answer,
  chunk,
  chunkedAnswer,
  chunkedHead,
  openConnection,
  type ConnectionOptions,
  type ProtocolLibrary,
  type Stage,
} from './openConnection.js';
export { readRequests, type SeenRequest } from '../../src/testing/readRequests.js';
export { className, microtasks, record, ticks, type Recorded } from './record.js';
export { subscriptionsOf } from './subscriptionsOf.js';
export { VirtualClock } from './VirtualClock.js';
