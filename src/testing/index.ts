// The whole public surface of `rxjs-http-pool/testing`.
export { FakeEndpoint, type FakeEndpointOptions } from './FakeEndpoint.js';
export { FakeTransport, type FakeTransportOptions } from './FakeTransport.js';
export { HTTPTestingController, type RequestMatch } from './HTTPTestingController.js';
export { marbleEndpoint, type MarbleEndpointOptions } from './marbleEndpoint.js';
export { readRequests, type SeenRequest } from './readRequests.js';
export { TestRequest, type FlushBody, type FlushOptions } from './TestRequest.js';
